"""Compiled execution gives what graphql-core gives, for operations that nobody thought of."""

import asyncio
import gc
from collections import Counter
from copy import deepcopy
from random import Random

import pytest

from domain.errors import TesseraError
from schema.document import Documents, Prepared
from schema.failure import DocumentRefused
from tests.graphql.plan.comparison import answer_of, is_covered
from tests.graphql.plan.generator import Generator, Operation
from tests.graphql.plan.nasty import Context, schema, seeds
from tests.scale import scaled

OPERATIONS = 16_000


# Who is cancelled before it begins leaves coroutines behind that were never awaited, in both executors.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:Exception ignored in. <coroutine:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["query", "mutation"])
async def test_generated_operations_have_equal_answers(kind: str) -> None:
    compiled = Documents(schema, introspection=True)
    plain = Documents(schema, introspection=True, compiled=False)
    generator = Generator(schema._schema, Random(kind), seeds)  # noqa: S311 - nothing secret
    counts: Counter[str] = Counter()
    for _ in range(scaled(OPERATIONS) // 2):
        operation = generator.operation(kind)
        try:
            prepared = compiled.prepare(operation.text)
        except (DocumentRefused, TesseraError):
            counts["refused"] += 1
            continue
        counts["asked"] += 1
        counts["covered"] += is_covered(compiled, prepared)
        expected = await _answer(plain, prepared, operation)
        # A plan that was used before must give the same as one that is new.
        for _ in range(2):
            assert await _answer(compiled, prepared, operation) == expected, f"{operation.text}\n{operation.variables}"
        counts["with errors"] += bool(expected[1])
    gc.collect()
    assert counts["refused"] < counts["asked"] / 4, counts
    assert counts["covered"] >= 0.9 * counts["asked"], counts
    assert counts["asked"] / 5 < counts["with errors"] < counts["asked"] * 0.9, counts


async def _answer(
    documents: Documents, prepared: Prepared, operation: Operation
) -> tuple[str, Counter[tuple[str, ...]], list[str]]:
    """What is answered, and what was done for it, in its order."""
    context = Context(prepared.document)
    data, errors = await answer_of(documents, prepared, deepcopy(operation.variables), context)
    log = list(context.log)
    # What nobody waits for comes to its end before the next is asked.
    for _ in range(30):
        await asyncio.sleep(0)
    return data, errors, log
