"""Refusals: the error catalogue, and the refusal of one item among many."""

import inspect

import strawberry

from domain.errors import CATALOGUE, TesseraError
from schema.failure import input_name, message_of


@strawberry.type(description="An error that this API can give, as it is declared.")
class ErrorDefinition:
    reason: str = strawberry.field(description="`extensions.reason`: the name of the error.")
    code: str = strawberry.field(
        description="`extensions.code`: the family that clients and tools know. Where the document is at fault, "
        "`GRAPHQL_PARSE_FAILED` or `GRAPHQL_VALIDATION_FAILED` stands in place of `BAD_USER_INPUT`."
    )
    v1_code: str = strawberry.field(description="`extensions.v1Code`: the code of REST v1.")
    http_status: int = strawberry.field(description="`extensions.httpStatus`: the status that REST answers.")
    message: str = strawberry.field(description="The published message.")
    description: str = strawberry.field(description="When it is given.")


@strawberry.type(description="Why one item of many was refused; the others are not affected.")
class Refusal:
    reason: str = strawberry.field(description="The name of the error, as in `errors`.")
    code: str = strawberry.field(description="The family of the error.")
    v1_code: str = strawberry.field(description="The code of REST v1.")
    http_status: int = strawberry.field(description="The status that REST answers.")
    message: str = strawberry.field(description="What is wrong, in words.")
    field: str | None = strawberry.field(description="The input at fault, if there is one.")
    retry_after: int | None = strawberry.field(
        description="After so many seconds the same may succeed; null where time alone changes nothing."
    )


def to_refusal(error: TesseraError) -> Refusal:
    """A refusal as callers see it."""
    return Refusal(
        reason=error.reason,
        code=error.graphql_code,
        v1_code=error.code,
        http_status=error.status,
        message=message_of(error),
        field=input_name(error.field),
        retry_after=error.retry_after_s,
    )


def catalogue() -> list[ErrorDefinition]:
    """Every declared error, in the order of declaration."""
    return [
        ErrorDefinition(
            reason=reason,
            code=error.graphql_code,
            v1_code=error.code,
            http_status=error.status,
            message=error.message,
            description=inspect.getdoc(error) or error.message,
        )
        for reason, error in CATALOGUE.items()
    ]
