"""The OpenAPI document of what is accepted, beside that of what to send: for fuzzers, not for generators of clients.

A number may be a text and a text a number, and whatever may be missing may as well be null or empty.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from rest_compat.envelope import Family
from rest_compat.field import Field, FieldTable, Need
from rest_compat.openapi import Json, build_openapi
from rest_compat.requests.shared import BODY_KEY
from rest_compat.routes import OPERATIONS

_ABSENT: tuple[Json, ...] = ({"type": "null"}, {"type": "string", "maxLength": 0})
_TEXTS = {"integer": r"^[-+]?[0-9]{1,19}$", "number": r"^[-+]?[0-9]{1,30}(\.[0-9]{1,30})?$"}


def build_tolerant_openapi() -> Json:
    """The document in which every request is described with all that is tolerated in it."""
    document = deepcopy(build_openapi())
    for row in OPERATIONS:
        for family in Family:
            described = document["paths"][row.path(family)][row.method.lower()]
            if row.query is not None:
                by_name = {one["name"]: one for one in described["parameters"]}
                for field in row.query.fields:
                    by_name[field.name]["schema"] = accepted(field, by_name[field.name]["schema"])
            if row.body is not None and not row.is_array:
                for content in described["requestBody"]["content"].values():
                    content["schema"] = _accepted_body(row.body, content["schema"])
    return document


def _accepted_body(table: FieldTable, schema: Json) -> Json:
    properties = {one.name: accepted(one, schema["properties"][one.name]) for one in table.fields}
    one_of = {"anyOf": [{"required": [name]} for name in table.one_of]} if table.one_of else {}
    return {**schema, "properties": properties, **one_of}


def accepted(field: Field, schema: Mapping[str, Any]) -> Json:
    """The JSON Schema of everything that a field accepts; `schema` is what a caller is asked to send."""
    kind = schema.get("type")
    choices: list[Json] = [dict(schema)]
    if kind in _TEXTS:
        choices.append({"type": "string", "pattern": _TEXTS[kind]})
    elif kind == "string" and (field.name == BODY_KEY or not {"enum", "format", "pattern"} & schema.keys()):
        choices.append({"type": "number"})
    if field.need is not Need.REQUIRED:
        choices += _ABSENT
    return choices[0] if len(choices) == 1 else {"anyOf": choices}
