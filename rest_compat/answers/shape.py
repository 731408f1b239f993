"""The shapes that answers of several groups are made of."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

INTEGER = {"type": "integer"}
TEXT = {"type": "string"}
TEXT_OR_NULL = {"type": ["string", "null"]}
POINTS = {"type": "number", "description": "Points, exact: no exponent, no trailing zeros.", "examples": [70]}
TIME = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?$",
    "description": "Local time of the program, without a zone.",
    "examples": ["2026-02-03T11:16:03.703"],
}
TIME_OR_NULL = {**TIME, "type": ["string", "null"]}
GUID = {
    "type": "string",
    "pattern": "^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$",
    "examples": ["9E107D9D-372B-4A81-8C6B-3542A419D6E1"],
}


def shown(schema: Schema, example: Any, description: str | None = None) -> Schema:
    """The same with an example, and perhaps a description of its own."""
    return {**schema, "examples": [example], **({"description": description} if description else {})}


def object_of(**properties: Schema) -> Schema:
    """An object with these keys, all of them, and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def list_of(items: Schema) -> Schema:
    """An array of these."""
    return {"type": "array", "items": items}


TRUE: Schema = {"type": "boolean", "const": True}
