"""Values of attributes: from what a file or a caller wrote to the type that rules compare.

Every reader raises `ValueError` with a message that can be shown; none of them repeats the value,
which may be personal.
"""

import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from domain.rules.model import Scalar

MAX_NUMBER = 10**15
MAX_DECIMALS = 10
# Digits alone that are fewer cannot be too large.
_SHORT = 16

_INT = re.compile(r"[-+]?[0-9]{1,16}")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,16}(\.[0-9]{1,20})?")
# Within all bounds, whatever its digits are.
_PLAIN = re.compile(r"[0-9]{1,15}(\.[0-9]{1,10})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY_LENGTH = len("2026-01-31")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|z|[-+][0-9]{2}:?[0-9]{2})?"
)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_CONTROL_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Marks that turn the direction of what follows make a text look like another one.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def read_text(given: Any, max_length: int = 500) -> str:
    """A text in NFC; numbers are taken as they are written."""
    if type(given) is not str:
        if isinstance(given, bool) or not isinstance(given, str | int | Decimal | float):
            raise ValueError("must be a text")
        given = str(given)
    text = unicodedata.normalize("NFC", given)
    if len(text) > max_length:
        raise ValueError(f"longer than {max_length} characters")
    if not text.isprintable() and any(map(_is_control, text)):
        raise ValueError("control characters are not accepted")
    return text


def _is_control(letter: str) -> bool:
    return letter in _TURNING or unicodedata.category(letter) in _CONTROL_CATEGORIES


def read_int(given: Any) -> int:
    """A whole number within ±10**15; numeric strings are accepted."""
    if type(given) is str and len(given) < _SHORT and given.isascii() and given.isdecimal():
        return int(given)
    value = _read_number(given, _INT, "must be a whole number")
    if value != value.to_integral_value():
        raise ValueError("must be a whole number")
    return int(value)


def read_decimal(given: Any) -> Decimal:
    """An exact number within ±10**15 with at most ten decimals; numeric strings are accepted."""
    if type(given) is str and _PLAIN.fullmatch(given):
        return Decimal(given)
    value = _read_number(given, _DECIMAL, "must be a number")
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MAX_DECIMALS and value != round(value, MAX_DECIMALS):
        raise ValueError(f"more than {MAX_DECIMALS} decimals")
    return value


def read_boolean(given: Any) -> bool:
    """True or false; `true`, `false`, 1 and 0 are accepted, also as texts."""
    word = str(given).strip().lower() if isinstance(given, bool | int | str) else ""
    if word not in _BOOLEANS:
        raise ValueError("must be true or false")
    return _BOOLEANS[word]


def read_date(given: Any) -> date | datetime:
    """A date, or a time with or without an offset (ISO 8601); finer than microseconds is cut."""
    value = _read_iso(given.strip()) if isinstance(given, str) else given
    if not isinstance(value, date):
        raise ValueError("must be a date (YYYY-MM-DD), optionally with a time")
    # Room is left at both ends for a change of zone and for expiry terms.
    if not 1800 <= value.year <= 9000:
        raise ValueError("date out of range")
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    return value


def to_plain(value: Scalar) -> str | int | bool:
    """The JSON-able form of a value, which the readers above read back to an equal one."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    return value


def _read_iso(text: str) -> date | datetime | None:
    try:
        if len(text) == _DAY_LENGTH:
            return date.fromisoformat(text) if _DATE.fullmatch(text) else None
        return datetime.fromisoformat(text.upper()) if _MOMENT.fullmatch(text) else None
    except ValueError as error:
        raise ValueError("no such date") from error


def _read_number(given: Any, pattern: re.Pattern[str], message: str) -> Decimal:
    if isinstance(given, bool):
        raise ValueError(message)
    if isinstance(given, str):
        if not pattern.fullmatch(given.strip()):
            raise ValueError(message)
        value = Decimal(given.strip())
    elif isinstance(given, int | Decimal):
        value = Decimal(given)
    elif isinstance(given, float):
        # The shortest digits that name this float are those that the caller wrote.
        value = Decimal(repr(given))
    else:
        raise ValueError(message)
    # Decided on the exponent first: 1e999999999 must not be multiplied out.
    if not value.is_finite() or abs(value.adjusted()) > 30 or abs(value) > MAX_NUMBER:
        raise ValueError("number out of range")
    return value
