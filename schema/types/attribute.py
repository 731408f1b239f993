"""Custom attributes: what a program defined beyond the fixed fields."""

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry

from domain.errors import InvalidRequest
from schema.scalar import AttributeScalar


@strawberry.type(description="A custom attribute with its value.")
class AttributeValue:
    key: str = strawberry.field(description="The key of the attribute's definition.")
    value: AttributeScalar = strawberry.field(description="The value, in the type of its definition.")


@strawberry.input(description="A custom attribute to store.")
class AttributeInput:
    key: str = strawberry.field(description="The key of the attribute's definition.")
    value: AttributeScalar | None = strawberry.field(
        description="The value; null: not given. The empty text clears it in an update, and else is not given either."
    )


def attribute_list(attributes: Mapping[str, Any]) -> list[AttributeValue]:
    """Attributes as a list, in the order of their keys."""
    return [AttributeValue(key=key, value=attributes[key]) for key in sorted(attributes)]


def find_attribute(attributes: Mapping[str, Any], key: str) -> AttributeValue | None:
    """One attribute, if it was given."""
    return AttributeValue(key=key, value=attributes[key]) if key in attributes else None


def attribute_values(given: Sequence[AttributeInput] | None) -> dict[str, Any]:
    """The attributes of an input by key. Raises InvalidRequest where a key stands twice."""
    values = {one.key: one.value for one in given or ()}
    if len(values) != len(given or ()):
        raise InvalidRequest("attributes: a key stands twice", field="attributes")
    return values
