"""The audit trail: looked through, checked, taken away as a file."""

import csv
import io
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.responses import Response

from domain.access import Permission
from domain.errors import InvalidRequest, TesseraError
from domain.program_zone import local_instant
from domain.store.audit import AuditFilter
from resolvers.audit_trail import (
    MOST,
    AuditEntry,
    check_audit_chain,
    find_audit_entry,
    list_audit_actions,
    list_audit_entries,
)
from resolvers.configuration import CONFIGURATION_APPLY
from resolvers.configuration_version import find_configuration_change
from resolvers.context import Context
from resolvers.watch import get_check_state, list_days
from tessera.portal.configuring.difference import MAX_LINES, list_differences, list_values
from tessera.portal.guard import ROOT
from tessera.portal.render import plural
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

PAGE = 50
_LAST_DAYS = timedelta(days=14)
_FILTERS = ("action", "actor", "subject", "since", "until")
_COLUMNS = (
    "seq", "at", "actor", "action", "subject", "before", "after", "version_before", "version_after", "address",
    "browser",
)  # fmt: skip
_VERSIONS = ("version_before", "version_after")


async def show(visit: Visit) -> Response:
    """The newest entries that fit."""
    ctx, only, error = _ctx(visit), AuditFilter(), None
    try:
        only = _filter(visit)
    except TesseraError as refused:
        error = refused
    before = visit.asked("before")
    entries = await list_audit_entries(ctx, only, first=PAGE + 1, before_seq=visit.asked_number("before"))
    older = None if len(entries) <= PAGE else f"{_here(visit)}?{_query(visit)}before={entries[PAGE - 1].seq}"
    days = [] if visit.place is None else await list_days(ctx, visit.services.clock().date() - _LAST_DAYS)
    return visit.page(
        "audit.html",
        error=error,
        books=None if visit.place is None else await get_check_state(ctx),
        days=days[::-1],
        entries=entries[:PAGE],
        versions=versions_of,
        actions=await list_audit_actions(ctx),
        asked={name: visit.asked(name) for name in _FILTERS},
        older=older,
        newest=f"{_here(visit)}?{_query(visit)}" if before else None,
        here=_here(visit),
        query=_query(visit),
    )


async def show_entry(visit: Visit) -> Response:
    """One entry, value by value; of a change of the configuration what the two versions say differently."""
    ctx = _ctx(visit)
    entry = await find_audit_entry(ctx, visit.path["number"])
    if entry is None:
        raise InvalidRequest("the trail has no such entry")
    versions, change = versions_of(entry), None
    if versions is not None and visit.may(Permission.CONFIGURATION_READ):
        change = await find_configuration_change(ctx, entry.before, entry.after)
    return visit.page(
        "audit_entry.html",
        entry=entry,
        versions=versions,
        is_as_sealed=change is None or change.is_as_sealed,
        lines=None if change is None else list_differences(change.before, change.after),
        values=list_values(entry.before, entry.after),
        most=MAX_LINES,
        here=_here(visit),
    )


def versions_of(entry: AuditEntry) -> tuple[int, int] | None:
    """The versions of the configuration before and after a change of it."""
    sides = entry.before, entry.after
    if entry.action != CONFIGURATION_APPLY or not all(isinstance(one, Mapping) for one in sides):
        return None
    return entry.before["version"], entry.after["version"]


async def download(visit: Visit) -> Response:
    """What fits, as CSV."""
    entries = await list_audit_entries(_ctx(visit), _filter(visit), first=MOST)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows([_cell(entry, name) for name in _COLUMNS] for entry in entries)
    return visit.file(text.getvalue().encode(), "audit.csv", "text/csv")


async def check(visit: Visit) -> Response:
    """Whether the chain holds."""
    found = await check_audit_chain(_ctx(visit))
    if found.broken_at is not None:
        return visit.go(_here(visit), f"The chain is broken at entry {found.broken_at}.", kind="warning")
    told = plural(found.entries, "entry", "entries")
    return visit.go(_here(visit), f"The chain holds: {told}, none changed, removed or inserted.")


def _ctx(visit: Visit) -> Context:
    return visit.deployment_ctx if visit.place is None else visit.ctx


def _here(visit: Visit) -> str:
    return f"{ROOT}/audit" if visit.place is None else visit.url("audit")


def _query(visit: Visit) -> str:
    asked = {name: visit.asked(name) for name in _FILTERS if visit.asked(name)}
    return f"{urlencode(asked)}&" if asked else ""


def _filter(visit: Visit) -> AuditFilter:
    """Raises InvalidRequest for what is no day."""
    since, until = (_day(visit, name) for name in ("since", "until"))
    return AuditFilter(
        action=visit.asked("action") or None,
        actor=visit.asked("actor") or None,
        subject=visit.asked("subject") or None,
        since=since,
        # Nobody needs entries of the last day of all time.
        until=None if until is None or until.year > 9000 else until + timedelta(days=1),
    )


def _day(visit: Visit, name: str) -> datetime | None:
    text = visit.asked(name)
    if not text:
        return None
    try:
        return local_instant(datetime.combine(date.fromisoformat(text), time()), visit.zone)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(f"{name}: a day, such as 2026-02-28", field=name) from error


def _cell(entry: AuditEntry, name: str) -> Any:
    if name in _VERSIONS:
        versions = versions_of(entry)
        return "" if versions is None else versions[_VERSIONS.index(name)]
    value = getattr(entry, name)
    if isinstance(value, datetime):
        return value.isoformat()
    if name in {"before", "after"}:
        return "" if value is None else orjson.dumps(value, default=str).decode()
    # What a spreadsheet would run is text to it.
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text


PAGES: tuple[Page, ...] = (
    page("audit", show, Permission.AUDIT_READ),
    page("audit/{number:int}", show_entry, Permission.AUDIT_READ),
    page("audit.csv", download, Permission.AUDIT_READ),
    action("audit/check", check, Permission.AUDIT_READ),
    Page(path=f"{ROOT}/audit", handler=show),
    Page(path=f"{ROOT}/audit/{{number:int}}", handler=show_entry),
    Page(path=f"{ROOT}/audit.csv", handler=download),
    Page(path=f"{ROOT}/audit/check", handler=check, method="POST"),
)
