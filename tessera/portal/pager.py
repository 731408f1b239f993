"""Pages of lists: where the next one begins, and the way back, both in the address."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from domain.errors import InvalidRequest
from tessera.portal.visit import Visit

PAGE_SIZE = 25
MAX_ID = 2**63 - 1

_NO_CURSOR, _MOST_STEPS = "-", 100

Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True, slots=True)
class Paged(Generic[Row]):
    """The rows of a page, and the addresses of its neighbours."""

    rows: Sequence[Row]
    newer: str | None
    older: str | None


def page_of(visit: Visit, rows: Sequence[Row], cursor_of: Callable[[Row], object], size: int = PAGE_SIZE) -> Paged[Row]:
    """A page out of what was read: one row more than it has, where there is another page. Filters stay."""
    before, seen = visit.asked("before"), [one for one in visit.asked("seen").split(".") if one]
    kept = {key: value for key, value in visit.request.query_params.items() if key not in {"before", "seen"}}
    older = newer = None
    if len(rows) > size:
        way = ".".join([*seen, before or _NO_CURSOR][-_MOST_STEPS:])
        older = _address(visit, kept | {"before": str(cursor_of(rows[size - 1])), "seen": way})
    if before:
        last, way = (seen[-1] if seen else _NO_CURSOR), ".".join(seen[:-1])
        newer = _address(
            visit, kept | ({} if last == _NO_CURSOR else {"before": last}) | ({"seen": way} if way else {})
        )
    return Paged(rows=rows[:size], newer=newer, older=older)


def asked_id(visit: Visit) -> int | None:
    """The id that the page begins behind. Raises InvalidRequest."""
    numbers = asked_numbers(visit, 1)
    return None if numbers is None else numbers[0]


def asked_numbers(visit: Visit, count: int) -> list[int] | None:
    """The numbers that the page begins behind, None on the first page. Raises InvalidRequest."""
    given = visit.asked("before")
    if not given:
        return None
    parts = given.split("_")
    if len(parts) != count or not all(one.isascii() and one.isdecimal() and int(one) <= MAX_ID for one in parts):
        raise InvalidRequest("before: not a place in this list", field="before")
    return [int(one) for one in parts]


def _address(visit: Visit, query: dict[str, str]) -> str:
    asked = urlencode(query)
    return f"{visit.request.url.path}?{asked}" if asked else visit.request.url.path
