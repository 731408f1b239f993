"""Relay connections over keyset pages: no OFFSET, stable while rows are inserted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from domain.clock import from_micros, to_micros
from domain.errors import BadRequest, InvalidRequest
from resolvers.statement import EntryCursor
from schema.field import field
from schema.global_id import pack, unpack
from schema.lazy import lazily

Item = TypeVar("Item")
Row = TypeVar("Row")

DEFAULT_PAGE, MAX_PAGE = 20, 100

First = Annotated[
    int | None,
    strawberry.argument(description="How many from the start, or after `after`: 1 to 100, 20 if nothing is said."),
]
After = Annotated[str | None, strawberry.argument(description="A cursor: the page begins behind it.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the end, or before `before`: 1 to 100.")]
Before = Annotated[str | None, strawberry.argument(description="A cursor: the page ends in front of it.")]


@strawberry.type(description="Whether there is more, and from where to go on.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="There are items behind this page.")
    has_previous_page: bool = strawberry.field(description="There are items in front of this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first item.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last item: the next `after`.")


@strawberry.type(description="An item with its cursor.")
class Edge(Generic[Item]):
    node: Item = strawberry.field(description="The item.")
    cursor: str = strawberry.field(description="The item's place in the list, opaque.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[Item]):
    edges: list[Edge[Item]] = strawberry.field(description="The items of this page with their cursors.")
    page_info: PageInfo = strawberry.field(description="Whether there is more.")


@strawberry.type(name="Connection", description="A page of a list that can be counted.")
class CountedConnection(Connection[Item]):
    count: strawberry.Private[int | None]

    @field("How many items the whole list has, at the same instant. It is counted only when asked for.")
    def total_count(self) -> int:
        assert self.count is not None  # noqa: S101 - a document that asks for it says so before it runs
        return self.count


@strawberry.type(name="UncountedConnection", description="A page of a list that is too costly to count.")
class UncountedConnection(Connection[Item]):
    """Of its own name: a `Connection` of what another field counts would be taken for the counted one."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a caller asked for. `cursor` is where the page begins (or ends, `backwards`)."""

    size: int
    cursor: str | None
    backwards: bool


def read_page(first: int | None, after: str | None, last: int | None = None, before: str | None = None) -> Page:
    """The arguments of a connection. Raises InvalidRequest."""
    backwards = last is not None or before is not None
    if backwards and (first is not None or after is not None):
        raise InvalidRequest("first and after cannot stand beside last and before", field="first")
    size, field = (last, "last") if backwards else (first, "first")
    if size is None:
        size = DEFAULT_PAGE
    if not 1 <= size <= MAX_PAGE:
        raise InvalidRequest(f"{field}: must be 1 to {MAX_PAGE}", field=field)
    return Page(size, before if backwards else after, backwards)


async def counted(
    page: Awaitable[Item], count: Callable[[], Awaitable[int | None]], *, wanted: bool
) -> tuple[Item, int | None]:
    """A page, and how long the list is if that is wanted: asked for in one turn, so that both are of one instant."""
    if not wanted:
        return await page, None
    found, total = await asyncio.gather(page, count())
    return found, total or 0


def cut(rows: Sequence[Row], page: Page) -> tuple[Sequence[Row], bool]:
    """The rows of the page out of one more than it has, and whether that one was there."""
    has_more = len(rows) > page.size
    if not has_more:
        return rows, False
    return (rows[1:] if page.backwards else rows[: page.size]), True


_edge: Callable[[Any, tuple[Any, Callable[[Any], str]]], Edge[Any]] = lazily(
    Edge, {"node": lambda _, beside: beside[0], "cursor": lambda row, beside: beside[1](row)}
)


def edges_of(rows: Sequence[Row], node: Callable[[Row], Item], cursor: Callable[[Row], str]) -> list[Edge[Item]]:
    """The rows as items of a page, with their cursors."""
    return [_edge(row, (node(row), cursor)) for row in rows]


def page_info(edges: Sequence[Edge[Item]], page: Page, has_more: bool) -> PageInfo:
    """What stands around the page. A cursor's own row stays, so there is something on its side."""
    beyond_cursor = page.cursor is not None
    return PageInfo(
        has_next_page=beyond_cursor if page.backwards else has_more,
        has_previous_page=has_more if page.backwards else beyond_cursor,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )


def connection_of(
    found: Sequence[Row], page: Page, node: Callable[[Row], Item], cursor: Callable[[Row], str]
) -> Connection[Item]:
    """The page of a list, of which one row more than its size was asked for."""
    rows, has_more = cut(found, page)
    edges = edges_of(rows, node, cursor)
    return Connection(edges=edges, page_info=page_info(edges, page, has_more))


def number_cursor(name: str, number: int) -> str:
    """The cursor of a row in a list that is ordered by a number."""
    return pack(f"{name}:{number}")


def read_number_cursor(name: str, page: Page) -> int | None:
    """The number behind the page's cursor. Raises BadRequest."""
    if page.cursor is None:
        return None
    number = _of_list(name, page)
    if not (number.isdecimal() and len(number) < 19):
        raise _bad(page)
    return int(number)


def entry_cursor(transaction_date: datetime, entry_id: int) -> str:
    """The cursor of a posting."""
    return pack(f"ledger:{to_micros(transaction_date)}:{entry_id}")


def read_entry_cursor(page: Page) -> EntryCursor | None:
    """The place behind the page's cursor. Raises BadRequest."""
    if page.cursor is None:
        return None
    micros, _, number = _of_list("ledger", page).partition(":")
    if not (micros.removeprefix("-").isdecimal() and number.isdecimal() and len(number) < 19):
        raise _bad(page)
    try:
        return EntryCursor(transaction_date=from_micros(int(micros)), entry_id=int(number))
    except (OverflowError, ValueError) as error:
        raise _bad(page) from error


def lot_cursor(expires_at: datetime, earned_at: datetime, lot_id: int) -> str:
    """The cursor of a lot."""
    return pack(f"lots:{to_micros(expires_at)}:{to_micros(earned_at)}:{lot_id}")


def read_lot_cursor(page: Page) -> tuple[datetime, datetime, int] | None:
    """The place behind the page's cursor. Raises BadRequest."""
    if page.cursor is None:
        return None
    parts = _of_list("lots", page).split(":")
    if len(parts) != 3 or not all(one.removeprefix("-").isdecimal() for one in parts) or len(parts[2]) >= 19:
        raise _bad(page)
    try:
        return from_micros(int(parts[0])), from_micros(int(parts[1])), int(parts[2])
    except (OverflowError, ValueError) as error:
        raise _bad(page) from error


def _of_list(name: str, page: Page) -> str:
    given, _, rest = unpack(page.cursor or "", _field(page)).partition(":")
    if given != name:
        raise _bad(page)
    return rest


def _field(page: Page) -> str:
    return "before" if page.backwards else "after"


def _bad(page: Page) -> BadRequest:
    return BadRequest(f"{_field(page)}: not a cursor of this list", field=_field(page))
