"""The shapes that answers of several groups are made of."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

INTEGER = {"type": "integer"}
TEXT = {"type": "string"}
TEXT_OR_NULL = {"type": ["string", "null"]}
POINTS = {"type": "number", "description": "Points, exact: no exponent, no trailing zeros."}
TIME = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?$",
    "description": "Local time of the program, without a zone.",
}
TIME_OR_NULL = {**TIME, "type": ["string", "null"]}
GUID = {"type": "string", "pattern": "^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$"}


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
