"""The OpenAPI document, made from the same table that serves the requests."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rest_compat.answers.token import TOKEN
from rest_compat.envelope import SUCCESS_TEXT, Family
from rest_compat.example import example_body, example_of
from rest_compat.field import Field, FieldTable, Need
from rest_compat.operation import JSON_TYPE, Operation
from rest_compat.refusal import (
    COMMON_HEADERS,
    envelope,
    errors_of,
    header_references,
    refusal_components,
    refusals_of,
    wrapped,
)
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
            **refusal_components(),
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
    if operation.is_public:
        parameters.append(_request_id_parameter())
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


def _request_id_parameter() -> Json:
    # Every operation takes it. It is told here because a popular generator of clients makes a module that cannot be
    # imported from a body of two types without any parameter.
    return {
        "name": "X-Request-Id",
        "in": "header",
        "required": False,
        "description": _HEADERS["X-Request-Id"],
        "schema": {"type": "string"},
    }


def _request_body(operation: Operation, table: FieldTable) -> Json:
    required = [field.name for field in table.fields if field.need is Need.REQUIRED]
    schema: Json = {
        "type": "object",
        "properties": {field.name: _property(field) for field in table.fields},
        **({"required": required} if required else {}),
    }
    # Told in words: of a union of required names, generators of clients make a union of types.
    told = [f"One of {', '.join(table.one_of)} is needed."] if table.one_of else []
    if operation.free_keys:
        told.append("Other keys are attributes that the program defines.")
    if told:
        schema["description"] = " ".join(told)
    example: Any = example_body(table)
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
    bound += " Required, but with HTTP Basic." * (field.need is Need.UNLESS_BASIC)
    names = ", ".join(f"`{alias}`" for alias in field.aliases)
    return field.description + bound + (f" Also as {names}." if names else "")


def _example(field: Field) -> Json:
    return {} if field.example is None else {"example": field.example}


def _responses(operation: Operation, family: Family) -> Json:
    return {str(operation.ok_status): _success(operation, family), **refusals_of(operation, family)}


def _success(operation: Operation, family: Family) -> Json:
    body = envelope_of(operation, family)
    own = {name: {"description": text, "schema": {"type": "string"}} for name, text in operation.ok_headers.items()}
    return {
        "description": SUCCESS_TEXT,
        "headers": {**header_references(COMMON_HEADERS), **own},
        "content": {JSON_TYPE.decode(): {"schema": body, "example": example_of(body)}},
        **({"links": _links(operation, family)} if operation.leads_to else {}),
    }


def _links(operation: Operation, family: Family) -> Json:
    """Where a success leads, with what it hands on."""
    links: Json = {}
    for name, handed in operation.leads_to.items():
        following = next(row for row in OPERATIONS if row.name == name)
        values = {field: _expression(source, family) for field, source in handed.items()}
        into_query = {field for field in values if following.query is not None and field in following.query.names}
        link: Json = {"operationId": f"{family.value}{name}"}
        if into_query:
            link["parameters"] = {field: values[field] for field in into_query}
        if values.keys() - into_query:
            link["requestBody"] = {field: value for field, value in values.items() if field not in into_query}
        links[name] = link
    return links


def _expression(source: str, family: Family) -> str:
    """A runtime expression of OpenAPI for `request:FIELD`, `answer:FIELD` or `answer:`."""
    side, _, field = source.partition(":")
    if side == "request":
        return f"$request.body#/{field}"
    return f"$response.body#{'/results' * (family is Family.LBMS)}/ReturnObject{'/' * bool(field)}{field}"


def envelope_of(operation: Operation, family: Family) -> Json:
    """The JSON Schema of the body of a success."""
    body = envelope(
        IsSucessful={"type": "boolean", "const": True},
        ErrorCode={"type": "string", "const": operation.ok_code},
        ExceptionMessage={"type": "string", "const": SUCCESS_TEXT},
        ReturnObject=operation.answer,
        Count={"type": "integer", "minimum": 0} if operation.lists else {"type": "integer", "const": 0},
    )
    if operation.is_public:
        return _token_success(body, family)
    return wrapped(body) if family is Family.LBMS else body


def _token_success(body: Json, family: Family) -> Json:
    """RFC 6749 section 5.1 beside the published shape; in the lbms family `results` is the token alone."""
    oauth = {
        "access_token": TOKEN["properties"]["token"],
        "token_type": {"type": "string", "const": "Bearer"},
        "expires_in": {"type": "integer", "minimum": 0, "examples": [1800]},
    }
    if family is Family.LBMS:
        return {"type": "object", "properties": {"results": TOKEN, **oauth}, "required": ["results"]}
    return {
        "type": "object",
        "properties": {**body["properties"], **oauth},
        "required": [*body["required"], *oauth],
    }
