"""A configuration that is not in force: read, joined with what is and checked as `configurationApply` would."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection

from domain.rules.render import to_document
from domain.store.program import ProgramState, under
from resolvers.configuration import ROUNDS, joined, read_source, source_of
from resolvers.configuration_check import check_runs
from resolvers.context import Context

Result = TypeVar("Result")


async def read_under_draft(
    ctx: Context, given: Any, body: Callable[[Connection, ProgramState, ProgramState], Result], *, prune: bool = False
) -> Result:
    """Run `body` as `ctx.read` does, with the program as it is and as it would be with a draft over what is in force.

    `given` is the text of a file or plain values; with `prune` it is all of the draft. Its examples are not run.
    Raises ConfigurationRefused with every fault, and for what the program could not run.
    """
    document = await asyncio.to_thread(_read, given)
    for rounds_left in reversed(range(ROUNDS)):
        found = await ctx.read(ctx.program)
        # Seconds for a large document: the others' requests are served meanwhile.
        drafted = await asyncio.to_thread(_over, found, document, prune)

        def whole(
            tx: Connection, draft: ProgramState = drafted, is_last: bool = rounds_left == 0
        ) -> tuple[Result] | None:
            live = ctx.program(tx)
            if live.config_version != draft.config_version:
                if not is_last:
                    return None
                draft = _over(live, document, prune)
            check_runs(tx, live, draft.configuration)
            return (body(tx, live, draft),)

        if (answer := await ctx.read(whole)) is not None:
            return answer[0]
    raise AssertionError("the last round has an answer")


def _read(given: Any) -> dict[str, Any]:
    return read_source(given if isinstance(given, bytes | str) else source_of(given))


def _over(live: ProgramState, document: Mapping[str, Any], prune: bool) -> ProgramState:
    configuration = joined(document, {} if prune else live.document)
    return under(live, configuration, to_document(configuration))
