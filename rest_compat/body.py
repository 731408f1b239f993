"""Bytes of a request to plain values, with the limits that keep hostile ones harmless.

Every fault is BadRequest (999): what cannot be parsed has no field to name.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from domain.errors import BadRequest

MAX_DEPTH = 32
MAX_PARAMETERS = 100
_MAX_NUMBER_LENGTH = 64
_MAX_EXPONENT = 40

# A string that nobody closes runs to the end, so that no second attempt starts inside it.
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def parse_json(raw: bytes) -> dict[str, Any]:
    """The object in a JSON body: numbers exact, texts in NFC, no key twice. Raises BadRequest."""
    parsed = _parse(raw)
    if not isinstance(parsed, dict):
        raise BadRequest("body must be a JSON object")
    return parsed


def parse_objects(raw: bytes) -> list[dict[str, Any]]:
    """The objects in the array that a JSON body is, at least one; read as `parse_json` does. Raises BadRequest."""
    parsed = _parse(raw)
    if not isinstance(parsed, list):
        raise BadRequest("body must be a JSON array")
    if not parsed:
        raise BadRequest("body has no element")
    for place, one in enumerate(parsed):
        if not isinstance(one, dict):
            raise BadRequest(f"[{place}]: must be an object")
    return parsed


def _parse(raw: bytes) -> Any:
    if _is_deep(raw):
        raise BadRequest(f"JSON is nested deeper than {MAX_DEPTH} levels")
    try:
        text = _normal(raw.decode("utf-8-sig"))
        # What an escape says is seen only after parsing.
        return _normalised(_DECODER.decode(text)) if "\\u" in text else _DECODER.decode(text)
    except (json.JSONDecodeError, UnicodeDecodeError, ArithmeticError) as error:
        raise BadRequest("body is not valid JSON") from error
    except ValueError as error:
        raise BadRequest(f"body: {_fault(error)}") from error


def _fault(error: ValueError) -> str:
    return "half a character" if isinstance(error, UnicodeEncodeError) else str(error)


def parse_form(raw: bytes) -> dict[str, str]:
    """The parameters of a query string or a form, none of them twice. Raises BadRequest."""
    if not raw:
        return {}
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
        return _unique((_safe(key), _safe(value)) for key, value in pairs)
    except ValueError as error:
        raise BadRequest("parameters cannot be parsed") from error


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    listed = list(pairs)
    found = dict(listed)
    if len(found) != len(listed):
        raise ValueError("a key stands twice")
    return found


def _integer(text: str) -> int:
    return int(_bounded(text))


def _bounded(text: str) -> str:
    if len(text) > _MAX_NUMBER_LENGTH:
        raise ValueError("number too long")
    return text


def _decimal(text: str) -> Decimal:
    # An exponent of a million would fill the memory as soon as somebody writes the number out.
    value = Decimal(_bounded(text))
    if abs(value.adjusted()) > _MAX_EXPONENT:
        raise ValueError("number out of range")
    return value


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError("NaN and infinities are no JSON")


_DECODER = json.JSONDecoder(
    parse_int=_integer, parse_float=_decimal, parse_constant=_refuse_constant, object_pairs_hook=_unique
)


def _is_deep(raw: bytes) -> bool:
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        return False
    depth = 0
    for found in _BRACKETS.finditer(raw):
        bracket = found[0]
        depth += (bracket in (b"{", b"[")) - (bracket in (b"}", b"]"))
        if depth > MAX_DEPTH:
            return True
    return False


def _normal(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _safe(text: str) -> str:
    """The text in NFC; ValueError for NUL and for half a character, which no database stores."""
    if "\0" in text:
        raise ValueError("NUL is not accepted")
    text.encode()
    return _normal(text)


def _normalised(value: Any) -> Any:
    if isinstance(value, str):
        return _safe(value)
    if isinstance(value, dict):
        return _unique((_safe(key), _normalised(item)) for key, item in value.items())
    if isinstance(value, list):
        return [_normalised(item) for item in value]
    return value
