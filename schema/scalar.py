"""Custom scalars: exact numbers as text, times with an offset, values of attributes."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NewType, TypeVar
from uuid import UUID

import strawberry
from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from domain.points import plain_text

Points = NewType("Points", Decimal)
"""Points of a program; never a float."""

AttributeScalar = NewType("AttributeScalar", object)
"""The value of a custom attribute: text, number or truth value."""

ClearableDate = NewType("ClearableDate", object)
"""A calendar date, or the empty text where there is to be none."""

Moment = TypeVar("Moment", date, datetime)

MAX_JSON_DEPTH = 32
"""As deep as the body of a request may be nested, and a configuration file."""

_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,20})?")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[-+][0-9]{2}:[0-9]{2})"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_number(given: object) -> Decimal:
    """An exact number from a text, an integer, or a JSON number. Raises GraphQLError."""
    if isinstance(given, bool) or not isinstance(given, str | int | Decimal):
        raise GraphQLError('must be a number, best as a text: "12.5"')
    text = given if isinstance(given, str) else _digits(given)
    if not _NUMBER.fullmatch(text):
        raise GraphQLError("must be a plain number with at most 18 digits before and 20 after the point")
    return Decimal(text)


def _digits(number: int | Decimal) -> str:
    if not -(10**18) < number < 10**18:
        return ""
    return str(number) if isinstance(number, int) else format(number, "f")


def parse_moment(given: object) -> datetime:
    """An instant. Raises GraphQLError for one without an offset, which would mean nothing."""
    if not isinstance(given, str) or not _MOMENT.fullmatch(given):
        raise GraphQLError("must be a date-time of RFC 3339 with an offset: 2026-02-03T11:16:03Z")
    try:
        return _in_range(datetime.fromisoformat(given.upper()))
    except ValueError as error:
        raise GraphQLError("there is no such date-time") from error


def parse_date(given: object) -> date:
    """A calendar date. Raises GraphQLError."""
    if not isinstance(given, str) or not _DATE.fullmatch(given):
        raise GraphQLError("must be a calendar date: 2026-02-03")
    try:
        return _in_range(date.fromisoformat(given))
    except ValueError as error:
        raise GraphQLError("there is no such date") from error


def parse_clearable_date(given: object) -> date | str:
    """A calendar date, or the empty text. Raises GraphQLError."""
    return "" if isinstance(given, str) and not given.strip() else parse_date(given)


def _in_range(value: Moment) -> Moment:
    # Room is left at both ends for a change of zone and for expiry terms.
    if not 1800 <= value.year <= 9000:
        raise GraphQLError("out of range: the years 1800 to 9000")
    return value


def parse_uuid(given: object) -> UUID:
    """A UUID in either case. Raises GraphQLError."""
    try:
        return UUID(given if isinstance(given, str) and len(given) == 36 else "")
    except ValueError as error:
        raise GraphQLError("must be a UUID") from error


def parse_attribute(given: object) -> object:
    """The value of an attribute, which its definition is checked against later. Raises GraphQLError."""
    if not isinstance(given, str | int | bool | Decimal):
        raise GraphQLError("must be a text, a number or a truth value")
    return given


def read_json(node: ValueNode, variables: Mapping[str, Any] | None = None, depth: int = 0) -> object:
    """A JSON value that is written into the document; variables may stand inside it. Raises GraphQLError."""
    if depth > MAX_JSON_DEPTH:
        raise GraphQLError(f"must not be nested deeper than {MAX_JSON_DEPTH}")
    match node:
        case ObjectValueNode():
            return {one.name.value: read_json(one.value, variables, depth + 1) for one in node.fields}
        case ListValueNode():
            return [read_json(one, variables, depth + 1) for one in node.values]
        case VariableNode():
            return (variables or {}).get(node.name.value)
        case NullValueNode():
            return None
        case EnumValueNode():
            raise GraphQLError("must be a JSON value; a text stands in quotes")
        case _:
            return _READ_PLAIN(node, variables)


def _plain(given: object) -> object:
    if given is None:
        raise GraphQLError("must be a number with fewer than 40 digits and no exponent")
    return given


def _literal(parse: Callable[[object], object]) -> Callable[[ValueNode, Mapping[str, Any] | None], object]:
    """Reads a value that is written into the document, where a decimal still has all its digits."""

    def read(node: ValueNode, _variables: Mapping[str, Any] | None = None) -> object:
        if isinstance(node, IntValueNode):
            return parse(int(node.value)) if len(node.value) < 40 else parse(None)
        if isinstance(node, FloatValueNode):
            return parse(Decimal(node.value)) if re.fullmatch(r"[-0-9.]{1,40}", node.value) else parse(None)
        if isinstance(node, StringValueNode | BooleanValueNode):
            return parse(node.value)
        return parse(None if isinstance(node, NullValueNode) else node)

    return read


_READ_PLAIN = _literal(_plain)


def _located(read: Callable[[ValueNode, Mapping[str, Any] | None], object]) -> Callable[..., object]:
    """Reads a value of the document, and says where it stands if it is refused."""

    def read_at(node: ValueNode, variables: Mapping[str, Any] | None = None) -> object:
        try:
            return read(node, variables)
        except GraphQLError as error:
            raise GraphQLError(error.message, node) from error

    return read_at


def _scalar(
    name: str,
    description: str,
    parse: Callable[[object], object],
    serialize: Callable[[Any], object],
    specification: str | None = None,
    *,
    read: Callable[[ValueNode, Mapping[str, Any] | None], object] | None = None,
) -> ScalarDefinition:
    return strawberry.scalar(
        name=name,
        description=description,
        specified_by_url=specification,
        serialize=serialize,
        parse_value=parse,
        parse_literal=_located(read or _literal(parse)),
    )


def _same(value: object) -> object:
    return value


SCALARS: Mapping[object, ScalarDefinition] = {
    Points: _scalar(
        "Points",
        'Points of the program, exact, as a text: `"1250"` or `"12.5"`. An integer is accepted too. '
        "How many decimals a point has is the program's setting.",
        parse_number,
        plain_text,
    ),
    Decimal: _scalar(
        "Decimal",
        'An exact number, as a text: `"29.33"`. Numbers are accepted too, and keep every digit.',
        parse_number,
        plain_text,
    ),
    datetime: _scalar(
        "DateTime",
        "An instant in the notation of RFC 3339, always with an offset; answers use the offset of the "
        "program's time zone.",
        parse_moment,
        datetime.isoformat,
        "https://datatracker.ietf.org/doc/html/rfc3339",
    ),
    date: _scalar(
        "Date",
        "A calendar date, `2026-02-03`: a day in the program's time zone.",
        parse_date,
        date.isoformat,
        "https://datatracker.ietf.org/doc/html/rfc3339",
    ),
    ClearableDate: _scalar(
        "ClearableDate",
        'A calendar date, `2026-02-03`, or the empty text `""`, which clears the date that is stored.',
        parse_clearable_date,
        _same,
    ),
    UUID: _scalar(
        "UUID",
        "A UUID; either case is accepted, answers are in lower case.",
        parse_uuid,
        str,
        "https://datatracker.ietf.org/doc/html/rfc9562",
    ),
    AttributeScalar: _scalar(
        "AttributeScalar",
        "The value of a custom attribute: a text, a number or a truth value, as the program's definition "
        "of the attribute has it. Decimals and dates are texts in answers.",
        parse_attribute,
        _same,
    ),
    JSON: _scalar(
        "JSON",
        "A JSON value whose form depends on what it describes.",
        _same,
        _same,
        "https://datatracker.ietf.org/doc/html/rfc8259",
        read=read_json,
    ),
}
"""Every scalar that is not GraphQL's own, by the Python type it stands for."""
