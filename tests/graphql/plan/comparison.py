"""Both executors over one operation: what they give, and what happened meanwhile."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError

from schema.document import Documents, Prepared


def told(error: GraphQLError) -> tuple[str, ...]:
    """All that a caller may be told of an error."""
    cause = error.original_error
    return (
        repr(error.path),
        error.message,
        repr(error.locations),
        repr(type(cause)),
        repr(error.extensions),
    )


async def answer_of(
    documents: Documents, prepared: Prepared, variables: Mapping[str, Any], context: Any
) -> tuple[str, Counter[tuple[str, ...]]]:
    """Data as it is written, with the order of its keys, and the errors in any order."""
    data, errors = await documents.execute(prepared, prepared.operations[0], variables, context)
    return repr(data), Counter(map(told, errors or ()))


def is_covered(documents: Documents, prepared: Prepared) -> bool:
    """Whether the only operation of a document has a plan."""
    return documents.plan(prepared, prepared.operations[0]) is not None
