"""Reading what an export tells, page by page: each page is one short read, at an instant of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import InvalidRequest
from domain.export import KINDS
from domain.rules.fixed import member_definitions, transaction_definitions
from domain.rules.model import AttributeDefinition
from domain.store.batch import batches_by_id
from domain.store.export_source import (
    batches_after,
    events_about,
    member_ids_after,
    standing_references,
    touched_members,
)
from resolvers.attribute_file import list_cells
from resolvers.batch_record import to_batches
from resolvers.context import Context
from resolvers.export import Export
from resolvers.export_row import ExportRow, Reading, Rows

PAGE = 500
"""Members, or events, of one read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportLayout:
    """What the columns of a file depend on: keys of attributes that may stand in it, the zone, and definitions."""

    member_keys: Sequence[str]
    transaction_keys: Sequence[str]
    zone: ZoneInfo
    definitions: Sequence[Sequence[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportPage:
    """Some rows. `place` is where the next page begins, None: this is the last one."""

    rows: Sequence[ExportRow]
    left_out: int
    place: int | None


async def get_export_layout(ctx: Context, export: Export) -> ExportLayout:
    """What the columns of an export depend on. Raises Forbidden."""
    ctx.principal.require(Permission.EXPORT_WRITE)
    state = await ctx.read(ctx.program)

    def told(definitions: Sequence[AttributeDefinition]) -> list[str]:
        return [one.key for one in definitions if export.personal_data or not one.pi]

    return ExportLayout(
        member_keys=told(member_definitions(state.configuration)),
        transaction_keys=told(transaction_definitions(state.configuration)),
        zone=state.zone,
        definitions=list_cells(state.document),
    )


async def read_export_page(ctx: Context, export: Export, place: int | None, *, limit: int = PAGE) -> ExportPage:
    """The rows behind a place, None: the first. Raises Forbidden, InvalidRequest (a kind without pages)."""
    ctx.principal.require(Permission.EXPORT_WRITE)

    def body(tx: Connection) -> ExportPage:
        reading = Reading(
            tx=tx,
            ctx=ctx,
            state=ctx.program(tx),
            now=ctx.services.clock(),
            personal=export.personal_data,
        )
        if export.kind == "postings":
            return _page_events(reading, export, place, limit)
        if export.kind == "liability":
            rows, left_out = reading.liability()
            return ExportPage(rows=rows, left_out=left_out, place=None)
        if export.kind == "files":
            return _page_files(reading, export, place, limit)
        if export.kind not in _OF_MEMBERS:
            raise InvalidRequest(f"kind: {export.kind} have no pages", field="kind")
        return _page_members(reading, export, place, limit)

    return await ctx.read(body)


def _page_events(reading: Reading, export: Export, place: int | None, limit: int) -> ExportPage:
    begin, end = export.from_seq or 0, export.to_seq or 0
    prefixes = KINDS["postings"].prefixes or ()
    after = begin if place is None else place
    events = events_about(reading.tx, reading.state.id, prefixes, after=after, until=end, limit=limit)
    rows, left_out = reading.postings(events)
    return ExportPage(rows=rows, left_out=left_out, place=events[-1].seq if len(events) == limit else None)


def _page_files(reading: Reading, export: Export, place: int | None, limit: int) -> ExportPage:
    if export.is_whole:
        found = batches_after(reading.tx, reading.state.id, place or 0, limit)
    else:
        # Files are few: those of an increment are one page.
        found = batches_by_id(reading.tx, reading.state.id, _touched_files(reading, export))
    rows = to_batches(sorted(found, key=lambda one: one.id), reading.state)
    goes_on = export.is_whole and len(rows) == limit
    return ExportPage(rows=rows, left_out=0, place=rows[-1].id if goes_on else None)


def _touched_files(reading: Reading, export: Export) -> list[int]:
    after, end, found = export.from_seq or 0, export.to_seq or 0, set[int]()
    prefixes = KINDS["files"].prefixes or ()
    while events := events_about(reading.tx, reading.state.id, prefixes, after=after, until=end, limit=PAGE):
        found.update(number for one in events if (number := one.told.get("batch_id")) is not None)
        after = events[-1].seq
    return sorted(found)


def _page_members(reading: Reading, export: Export, place: int | None, limit: int) -> ExportPage:
    if export.is_whole:
        ids = member_ids_after(reading.tx, reading.state.id, place or 0, limit)
        last = ids[-1] if ids else 0
    else:
        ids, last = _touched(reading, export, place, limit)
    references = standing_references(reading.tx, reading.state.id, ids)
    rows, left_out = _OF_MEMBERS[export.kind](reading, references)
    gone = len(ids) - len(references)
    return ExportPage(rows=rows, left_out=left_out + gone, place=last if len(ids) == limit else None)


def _touched(reading: Reading, export: Export, place: int | None, limit: int) -> tuple[list[int], int]:
    begin, end = export.from_seq or 0, export.to_seq or 0
    prefixes = next((one.prefixes for name, one in KINDS.items() if name == export.kind), None) or ()
    after = begin if place is None else place
    touched = touched_members(reading.tx, reading.state.id, prefixes, after=after, until=end, limit=limit)
    return [member_id for _, member_id in touched], touched[-1][0] if touched else 0


_ReadMembers: TypeAlias = Callable[[Reading, Mapping[int, str]], Rows]
_OF_MEMBERS: Mapping[str, _ReadMembers] = {
    "members": Reading.members,
    "sub-relations": Reading.links,
    "lots": Reading.lots,
    "balances": Reading.balances,
    "expiry-schedule": Reading.dates,
}
"""What is read of members, by kind."""
