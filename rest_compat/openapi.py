"""The OpenAPI document, made from the same table that serves the requests."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from domain.errors import (
    BodyTooLarge,
    NotJson,
    ServiceUnavailable,
    TesseraError,
    Unauthorized,
    UnexpectedFailure,
)
from rest_compat.answers.token import TOKEN
from rest_compat.envelope import SUCCESS_TEXT, Family
from rest_compat.field import Field, FieldTable, Need
from rest_compat.operation import JSON_TYPE, Operation
from rest_compat.routes import OPERATIONS
from rest_compat.value import key

OPENAPI_FILE = Path(__file__).with_name("openapi.json")

Json = dict[str, Any]

_HEADERS: Mapping[str, str] = {
    "X-Request-Id": "Names the request in logs; a caller may choose it.",
    "X-Ignored-Fields": "Names of the fields that nobody reads.",
    "Retry-After": "Seconds until another try makes sense.",
    "WWW-Authenticate": "The scheme that the operation wants.",
}
_COMMON_HEADERS = ("X-Request-Id", "X-Ignored-Fields")
_HEADERS_BY_STATUS = {401: ("WWW-Authenticate",), 503: ("Retry-After",)}

_DESCRIPTION = """REST v1 of Tessera, compatible with the published loyalty API.

Every operation stands on two paths: `/v1/...` answers the envelope at the top level, `/lbms-ingress/...`
answers it in `results` (but for the token's success there, which is bare, as published). Check `IsSucessful`
first; the HTTP status always tells the truth as well. docs/rest.md is the guide."""


def build_openapi() -> Json:
    """The document, for both path families."""
    paths: Json = {}
    for operation in OPERATIONS:
        for family in Family:
            paths[operation.path(family)] = {operation.method.lower(): _operation(operation, family)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tessera REST v1", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(row.group for row in OPERATIONS)],
        "paths": paths,
        "components": {
            "schemas": {"Refusal": _refusal(), "LbmsRefusal": _wrapped(_refusal())},
            "examples": _all_examples(),
            "responses": _all_failures(),
            "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "clientCredentials": {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": "/oauth/Auth/Token", "scopes": {}}},
                },
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
    }


def print_openapi() -> str:
    """The document as `openapi.json` holds it."""
    return json.dumps(build_openapi(), indent=2, ensure_ascii=False) + "\n"


def errors_of(operation: Operation) -> Sequence[type[TesseraError]]:
    """Every error that the operation can answer, in order of precedence."""
    reading = (BodyTooLarge, NotJson) if operation.body is not None else ()
    return (*reading, Unauthorized, *operation.errors, UnexpectedFailure, ServiceUnavailable)


def _operation(operation: Operation, family: Family) -> Json:
    described: Json = {
        "operationId": f"{family.value}{operation.name}",
        "tags": [operation.group],
        "summary": operation.summary,
        "description": _precedence(operation),
        "security": [{}, {"basic": []}] if operation.is_public else [{"bearer": []}, {"clientCredentials": []}],
    }
    parameters = [_parameter(field) for field in (operation.query.fields if operation.query else ())]
    if operation.keyed:
        parameters.append(_key_parameter())
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = _request_body(operation, operation.body)
    described["responses"] = _responses(operation, family)
    return described


def _precedence(operation: Operation) -> str:
    codes = ", ".join(error.code for error in errors_of(operation))
    members = " A token that is bound to a member may call it for that member." * operation.for_members
    return f"Where several errors apply, the first of these is answered: {codes}.{members}"


def _parameter(field: Field) -> Json:
    return {
        "name": field.name,
        "in": "query",
        "required": field.need is Need.REQUIRED,
        "description": _described(field),
        "schema": _schema(field),
        **_example(field),
    }


def _key_parameter() -> Json:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "The same key with the same request gives the first answer again.",
        "schema": key().schema,
    }


def _request_body(operation: Operation, table: FieldTable) -> Json:
    required = [field.name for field in table.fields if field.need is Need.REQUIRED]
    schema: Json = {
        "type": "object",
        "properties": {field.name: _property(field) for field in table.fields},
        **({"required": required} if required else {}),
        **({"anyOf": [{"required": [name]} for name in table.one_of]} if table.one_of else {}),
    }
    if operation.free_keys:
        schema["description"] = "Other keys are attributes that the program defines."
    example: Any = {field.name: field.example for field in table.fields if field.example is not None}
    if operation.is_array:
        schema, example = _array_of(table), [example]
    content = {"schema": schema, **({"example": example} if example else {})}
    return {"required": True, "content": {kind.decode(): content for kind in operation.content_types}}


def _array_of(table: FieldTable) -> Json:
    """Any objects at all: a fault of one is its own, and refuses nothing."""
    properties = {field.name: {"description": _described(field)} for field in table.fields}
    return {"type": "array", "minItems": 1, "items": {"type": "object", "properties": properties}}


def _property(field: Field) -> Json:
    default = {} if field.default is None else {"default": field.default}
    return {**_schema(field), "description": _described(field), **default}


def _schema(field: Field) -> Json:
    # An empty text means that the field was not given.
    is_filled = field.need is Need.REQUIRED and field.kind.schema.get("type") == "string"
    return {**({"minLength": 1} if is_filled else {}), **field.kind.schema}


def _described(field: Field) -> str:
    bound = " Required, but for a token that is bound to a member." * (field.need is Need.UNLESS_BOUND)
    names = ", ".join(f"`{alias}`" for alias in field.aliases)
    return field.description + bound + (f" Also as {names}." if names else "")


def _example(field: Field) -> Json:
    return {} if field.example is None else {"example": field.example}


def _responses(operation: Operation, family: Family) -> Json:
    responses: Json = {str(operation.ok_status): _success(operation, family)}
    for status, errors in _by_status(operation):
        responses[str(status)] = {"$ref": f"#/components/responses/{_name(errors, family)}"}
    return responses


def _by_status(operation: Operation) -> list[tuple[int, Sequence[type[TesseraError]]]]:
    grouped: dict[int, list[type[TesseraError]]] = {}
    for error in errors_of(operation):
        grouped.setdefault(error.status, []).append(error)
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


def _success(operation: Operation, family: Family) -> Json:
    envelope = _envelope(
        IsSucessful={"type": "boolean", "const": True},
        ErrorCode={"type": "string", "const": operation.ok_code},
        ExceptionMessage={"type": "string", "const": SUCCESS_TEXT},
        ReturnObject=operation.answer,
        Count={"type": "integer", "minimum": 0} if operation.lists else {"type": "integer", "const": 0},
    )
    if operation.is_public:
        envelope = _token_success(envelope, family)
    elif family is Family.LBMS:
        envelope = _wrapped(envelope)
    own = {name: {"description": text, "schema": {"type": "string"}} for name, text in operation.ok_headers.items()}
    return {
        "description": SUCCESS_TEXT,
        "headers": {**_header_references(_COMMON_HEADERS), **own},
        "content": {JSON_TYPE.decode(): {"schema": envelope}},
    }


def _token_success(envelope: Json, family: Family) -> Json:
    """RFC 6749 section 5.1 beside the published shape; in the lbms family `results` is the token alone."""
    oauth = {
        "access_token": {"type": "string"},
        "token_type": {"type": "string", "const": "Bearer"},
        "expires_in": {"type": "integer", "minimum": 0},
    }
    if family is Family.LBMS:
        return {"type": "object", "properties": {"results": TOKEN, **oauth}, "required": ["results"]}
    return {
        "type": "object",
        "properties": {**envelope["properties"], **oauth},
        "required": [*envelope["required"], *oauth],
    }


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
        "headers": _header_references((*_COMMON_HEADERS, *_HEADERS_BY_STATUS.get(status, ()))),
        "content": {JSON_TYPE.decode(): {"schema": schema, "examples": examples}},
    }


def _example_of(error: type[TesseraError], family: Family) -> Json:
    envelope = {
        "IsSucessful": False,
        "ErrorCode": _code(error, family),
        "ExceptionMessage": error.message,
        "ReturnObject": None,
        "Count": 0,
    }
    return {"results": envelope} if family is Family.LBMS else envelope


def _refusal() -> Json:
    return _envelope(
        IsSucessful={"type": "boolean", "const": False},
        ErrorCode={"type": "string"},
        ExceptionMessage={"type": "string", "description": "The published text, then details in brackets."},
        ReturnObject={"type": "null"},
        Count={"type": "integer", "const": 0},
    )


def _envelope(**properties: Any) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _wrapped(envelope: Json) -> Json:
    return {"type": "object", "properties": {"results": envelope}, "required": ["results"]}


def _header_references(names: Sequence[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
