"""Examples of requests and answers, read from what describes them."""

from collections.abc import Mapping
from typing import Any

from rest_compat.field import FieldTable

_BY_TYPE: Mapping[str, Any] = {"integer": 1, "number": 1, "boolean": True, "string": "text", "null": None}


def alternatives(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schemas of which it is any, or itself."""
    return list(schema.get("anyOf") or schema.get("oneOf") or [schema])


def example_of(schema: Mapping[str, Any]) -> Any:
    """A value that the schema describes: its first example, else its constant, first choice, or a plain one."""
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if alternatives(schema) != [schema]:
        return example_of(alternatives(schema)[0])
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        return {name: example_of(properties[name]) for name in schema.get("required", properties)}
    if schema.get("type") == "array":
        return [example_of(schema["items"])]
    kind = schema["type"]
    return _BY_TYPE[kind if isinstance(kind, str) else kind[0]]


def example_body(table: FieldTable) -> Any:
    """The body that the fields' examples make."""
    return {field.name: field.example for field in table.fields if field.example is not None}
