"""Kinds of fields: how a JSON or query value is read, and how the OpenAPI document describes it.

A reader raises BadRequest (999) for the wrong type or what cannot be parsed, and InvalidRequest (998)
for a value that parses and is not allowed. No message repeats the value, which may be personal.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from domain.errors import BadRequest, InvalidRequest
from domain.idempotency_key import MAX_KEY, read_key
from domain.points import MAX_POINTS

Reader = Callable[[str, Any], Any]
Schema = Mapping[str, Any]

MAX_INTEGER = 2**63 - 1
FIRST_YEAR, LAST_YEAR = 1900, 2200

_INTEGER = re.compile(r"[-+]?[0-9]{1,19}")
_NUMBER = re.compile(r"[-+]?[0-9]{1,30}(\.[0-9]{1,30})?")
_MOMENT = re.compile(
    r"([0-9]{4})-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[-+][0-9]{2}:?[0-9]{2})?)?"
)
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GUID_PATTERN = f"^{_GUID.pattern}$"
_CONTROL_CATEGORIES = frozenset({"Cc", "Cs"})


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of field: its reader, and its JSON Schema."""

    read: Reader
    schema: Schema = field(default_factory=dict)


def text(max_length: int = 100, **schema: Any) -> Kind:
    """A text; a number is taken as it is written."""
    shown = {"type": "string", "maxLength": max_length, **schema}
    return Kind(partial(_read_text, max_length), shown)


def unless_zero(max_length: int = 100, **schema: Any) -> Kind:
    """A text; zeros alone are the published way to say that there is none."""
    shown = {"type": "string", "maxLength": max_length, **schema}
    return Kind(partial(_read_unless_zero, max_length), shown)


def named(values: Mapping[str, str]) -> Kind:
    """One of these names, without regard to case, for what each of them stands for."""
    longest = max(map(len, values))
    return Kind(partial(_read_named, values, longest), {"type": "string", "enum": list(values)})


def choice(*values: str) -> Kind:
    """A text that is one of these values, exact in case."""
    longest = max(map(len, values))
    return Kind(partial(_read_choice, values, longest), {"type": "string", "enum": list(values)})


def integer(minimum: int = -MAX_INTEGER, maximum: int = MAX_INTEGER, **schema: Any) -> Kind:
    """A whole number; a numeric string will do."""
    limits = {"minimum": minimum, "maximum": maximum} if minimum > -MAX_INTEGER else {"format": "int64"}
    return Kind(partial(_read_integer, minimum, maximum), {"type": "integer", **limits, **schema})


def number(minimum: int = -MAX_POINTS, below: int | None = None, **schema: Any) -> Kind:
    """An exact decimal number within the limits of the ledger; a numeric string will do."""
    most = {"maximum": MAX_POINTS} if below is None else {"exclusiveMaximum": below}
    shown = {"type": "number", "minimum": minimum, **most, **schema}
    return Kind(partial(_read_number, minimum, below), shown)


def moment(**schema: Any) -> Kind:
    """A date, or a date with a time; without a zone it is the program's local time."""
    return Kind(_read_moment, {"type": "string", "maxLength": 40, **schema})


def guid(**schema: Any) -> Kind:
    """A UUID with hyphens, in any case."""
    return Kind(_read_guid, {"type": "string", "format": "uuid", "pattern": _GUID_PATTERN, **schema})


def scalar(max_length: int = 500, **schema: Any) -> Kind:
    """A text, number or truth value that goes to the use case as it is: the program's definitions decide."""
    return Kind(_read_scalar, {"type": "string", "maxLength": max_length, **schema})


def key() -> Kind:
    """An idempotency key."""
    return Kind(_read_key, {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[ -~]+$"})


def members(**schema: Any) -> Kind:
    """A JSON object that has at least one key."""
    return Kind(_read_object, {"type": "object", "minProperties": 1, **schema})


def _as_written(name: str, given: Any) -> str:
    if isinstance(given, bool) or not isinstance(given, str | int | Decimal):
        raise BadRequest(f"{name}: must be a text", field=name)
    return given if isinstance(given, str) else format(given, "f" if isinstance(given, Decimal) else "d")


def _read_text(max_length: int, name: str, given: Any) -> str:
    read = _as_written(name, given)
    if len(read) > max_length:
        raise InvalidRequest(f"{name}: is longer than {max_length} characters", field=name)
    if not read.isprintable() and any(unicodedata.category(letter) in _CONTROL_CATEGORIES for letter in read):
        raise InvalidRequest(f"{name}: has control characters", field=name)
    return read


def _read_unless_zero(max_length: int, name: str, given: Any) -> str | None:
    read = _read_text(max_length, name, given)
    return read if read.strip().strip("0") else None


def _read_named(values: Mapping[str, str], max_length: int, name: str, given: Any) -> str:
    read = values.get(_read_text(max_length, name, given).strip().upper())
    if read is None:
        raise InvalidRequest(f"{name}: must be {', '.join(values)}", field=name)
    return read


def _read_key(name: str, given: Any) -> str | None:
    return read_key(_as_written(name, given))


def _read_choice(values: tuple[str, ...], max_length: int, name: str, given: Any) -> str:
    read = _read_text(max_length, name, given)
    if read not in values:
        raise InvalidRequest(f"{name}: must be {' or '.join(values)}", field=name)
    return read


def _read_integer(minimum: int, maximum: int, name: str, given: Any) -> int:
    if isinstance(given, str) and _INTEGER.fullmatch(given.strip()):
        given = int(given)
    if isinstance(given, Decimal) and given == given.to_integral_value():
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        raise BadRequest(f"{name}: must be a whole number", field=name)
    if not minimum <= given <= maximum:
        raise InvalidRequest(f"{name}: is out of range", field=name)
    return given


def _read_number(minimum: int, below: int | None, name: str, given: Any) -> Decimal:
    if isinstance(given, str) and _NUMBER.fullmatch(given.strip()):
        given = Decimal(given.strip())
    if isinstance(given, bool) or not isinstance(given, int | Decimal):
        raise BadRequest(f"{name}: must be a number", field=name)
    if not minimum <= given <= MAX_POINTS or (below is not None and given >= below):
        raise InvalidRequest(f"{name}: is out of range", field=name)
    return Decimal(given)


def _read_moment(name: str, given: Any) -> date | datetime:
    found = _MOMENT.fullmatch(given.strip().upper()) if isinstance(given, str) else None
    if found is None:
        raise BadRequest(f"{name}: must be a date (YYYY-MM-DD), optionally with a time", field=name)
    try:
        has_time = found[2] is not None
        read = datetime.fromisoformat(found[0]) if has_time else date.fromisoformat(found[0])
    except ValueError as error:
        raise BadRequest(f"{name}: is no date of the calendar", field=name) from error
    if not FIRST_YEAR <= read.year <= LAST_YEAR:
        raise InvalidRequest(f"{name}: is out of range", field=name)
    return read


def _read_guid(name: str, given: Any) -> UUID:
    if not isinstance(given, str):
        raise BadRequest(f"{name}: must be a text", field=name)
    if not _GUID.fullmatch(given.strip()):
        raise InvalidRequest(f"{name}: is not a UUID", field=name)
    return UUID(given.strip())


def _read_scalar(name: str, given: Any) -> Any:
    if not isinstance(given, str | int | Decimal):
        raise BadRequest(f"{name}: must be a text, a number or a truth value", field=name)
    return given


def _read_object(name: str, given: Any) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise BadRequest(f"{name}: must be an object", field=name)
    if not given:
        raise BadRequest(f"{name}: has no attribute", field=name)
    return given
