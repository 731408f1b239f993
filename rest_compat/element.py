"""The elements of a body that is an array: each is read on its own, and a fault of one is its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.access import Principal
from domain.errors import BodyTooLarge, Forbidden, TesseraError
from rest_compat.body import parse_objects
from rest_compat.field import FieldTable

PROGRAM_FIELDS = ("ProgramId", "pintProgramId")

_MAX_SHOWN = 100
_MOST_BRACES = 500_000
"""More are in no body of transactions that say anything: that many have 16 bytes each of the most that is read."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element that was read; `refusal` says why it could not be, and then `values` are what was given."""

    values: Mapping[str, Any]
    extra: Mapping[str, Any]
    refusal: TesseraError | None = None

    def shown(self, name: str) -> str | None:
        """A field as it was given, for an answer; null where it is no text."""
        given = self.values.get(name)
        if isinstance(given, bool) or not isinstance(given, str | int | Decimal):
            return None
        text = given if isinstance(given, str) else format(given, "f" if isinstance(given, Decimal) else "d")
        return text[:_MAX_SHOWN]


def read_elements(table: FieldTable, raw: bytes, principal: Principal, most: int) -> tuple[Element, ...]:
    """Every element, in order.

    Raises BodyTooLarge (more than `most`), BadRequest where the body is no array of objects, or an empty one.
    """
    # Millions of empty ones take seconds to parse and a minute to read: neither is begun.
    objects = parse_objects(raw) if raw.count(b"{") <= _MOST_BRACES else None
    if objects is None or len(objects) > most:
        raise BodyTooLarge(f"at most {most} transactions")
    return tuple(_read(table, given, principal) for given in objects)


def _read(table: FieldTable, given: Mapping[str, Any], principal: Principal) -> Element:
    values: Mapping[str, Any] = {}
    try:
        reading = table.match(given)
        values = reading.values
        table.fill(reading)
        require_program(principal, values)
    except TesseraError as error:
        return Element(values, {}, error)
    return Element(values, reading.extra, reading.refusal)


def require_program(principal: Principal, values: Mapping[str, Any]) -> None:
    """Raise Forbidden where a request names another program than the token's."""
    for name in PROGRAM_FIELDS:
        program = values.get(name)
        if program is not None and program != principal.public_program_id:
            raise Forbidden("the token is for another program")
