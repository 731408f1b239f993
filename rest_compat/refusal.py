"""The refusals of the OpenAPI document: every error of each operation under its status, with an example."""

from collections.abc import Sequence
from typing import Any

from domain.errors import (
    BodyTooLarge,
    NotJson,
    ServiceUnavailable,
    TesseraError,
    TooManyRequests,
    Unauthorized,
    UnexpectedFailure,
)
from rest_compat.envelope import Family
from rest_compat.operation import JSON_TYPE, Operation
from rest_compat.routes import OPERATIONS

Json = dict[str, Any]

COMMON_HEADERS = ("X-Request-Id", "X-Ignored-Fields")
_HEADERS_BY_STATUS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}


def errors_of(operation: Operation) -> Sequence[type[TesseraError]]:
    """Every error that the operation can answer, in order of precedence."""
    reading = (BodyTooLarge, NotJson) if operation.body is not None else ()
    return (*reading, Unauthorized, TooManyRequests, *operation.errors, UnexpectedFailure, ServiceUnavailable)


def refusal_components() -> Json:
    """What the refusals of all operations share: the schemas, an example of each error, the responses."""
    return {
        "schemas": {"Refusal": _refusal(), "LbmsRefusal": wrapped(_refusal())},
        "examples": _all_examples(),
        "responses": _all_failures(),
    }


def refusals_of(operation: Operation, family: Family) -> Json:
    """The responses of an operation that are refusals, by status."""
    return {
        str(status): {"$ref": f"#/components/responses/{_name(errors, family)}"}
        for status, errors in _by_status(operation)
    }


def _by_status(operation: Operation) -> list[tuple[int, Sequence[type[TesseraError]]]]:
    grouped: dict[int, list[type[TesseraError]]] = {}
    for error in errors_of(operation):
        grouped.setdefault(operation.status_of(error), []).append(error)
    return sorted(grouped.items())


def _all_failures() -> Json:
    """Each set of errors that some operation answers under one status, for each family."""
    return {
        _name(errors, family): _failure(status, errors, family)
        for family in Family
        for operation in OPERATIONS
        for status, errors in _by_status(operation)
    }


def _all_examples() -> Json:
    errors = dict.fromkeys(error for operation in OPERATIONS for error in errors_of(operation))
    return {
        _name([error], family): {"summary": error.message, "value": _example_of(error, family)}
        for family in Family
        for error in errors
    }


def _name(errors: Sequence[type[TesseraError]], family: Family) -> str:
    return "-".join([family.value, *(error.code for error in errors)])


def _code(error: type[TesseraError], family: Family) -> str:
    return error.lbms_code if family is Family.LBMS else error.code


def _failure(status: int, errors: Sequence[type[TesseraError]], family: Family) -> Json:
    is_lbms = family is Family.LBMS
    narrowed: Json = {"properties": {"ErrorCode": {"enum": [_code(error, family) for error in errors]}}}
    schema = {
        "allOf": [
            {"$ref": f"#/components/schemas/{'LbmsRefusal' if is_lbms else 'Refusal'}"},
            {"properties": {"results": narrowed}} if is_lbms else narrowed,
        ]
    }
    examples = {_code(error, family): {"$ref": f"#/components/examples/{_name([error], family)}"} for error in errors}
    return {
        "description": "; ".join(f"`{_code(error, family)}` {error.message}" for error in errors),
        "headers": header_references((*COMMON_HEADERS, *_HEADERS_BY_STATUS.get(status, ()))),
        "content": {JSON_TYPE.decode(): {"schema": schema, "examples": examples}},
    }


def _example_of(error: type[TesseraError], family: Family) -> Json:
    body = {
        "IsSucessful": False,
        "ErrorCode": _code(error, family),
        "ExceptionMessage": error.message,
        "ReturnObject": None,
        "Count": 0,
    }
    return {"results": body} if family is Family.LBMS else body


def _refusal() -> Json:
    return envelope(
        IsSucessful={"type": "boolean", "const": False},
        ErrorCode={"type": "string"},
        ExceptionMessage={"type": "string", "description": "The published text, then details in brackets."},
        ReturnObject={"type": "null"},
        Count={"type": "integer", "const": 0},
    )


def envelope(**properties: Any) -> Json:
    """The schema of an envelope."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def wrapped(inner: Json) -> Json:
    """The same as the lbms family has it."""
    return {"type": "object", "properties": {"results": inner}, "required": ["results"]}


def header_references(names: Sequence[str]) -> Json:
    """References to headers that the document describes once."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
