"""Jobs that look after the books: verification a slice at a time, and a digest of each day that is over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import BadRequest
from domain.points import from_minor
from domain.program_zone import local_date
from domain.store.audit import DEPLOYMENT
from domain.store.cross_check import check_audit, check_earnings
from domain.store.finding import Finding
from domain.store.program import ProgramState
from domain.store.verification import account_ids, check_accounts
from domain.store.watch import (
    GENESIS,
    digest_entries,
    find_check,
    keep_check,
    keep_digest,
    last_digest,
    list_digests,
    newest_entry,
    standing_figures,
)
from resolvers.context import Context, Services
from resolvers.program import Program, list_environment_programs

ACCOUNTS_AT_ONCE = 100
SETTLED_AFTER = timedelta(hours=1)
"""A posting has its id before it is committed; no database transaction lasts nearly as long as this."""
MOST_DAYS = 400
_TOLD = 20

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class DayFigures:
    """A day of a program. `figures`: points in smallest units by kind of posting, and what stood when it was made.

    `liability` among them is in hundredths of the program's currency.
    """

    day: date
    entries: int
    figures: dict[str, int]
    digest: bytes
    made_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckState:
    """How far verification is: of the round under way, and of the last whole one (None: there was none yet)."""

    began_at: datetime
    accounts: int
    findings: int
    ended_at: datetime | None
    ended_accounts: int | None
    ended_findings: int | None
    finding: str | None
    found_at: datetime | None


async def verify_some(services: Services, *, accounts_per_minute: int) -> int:
    """A job: recompute the next accounts of each program, wherever their turn is due in the whole deployment."""
    pace = timedelta(minutes=ACCOUNTS_AT_ONCE / accounts_per_minute)
    for program in await list_environment_programs(services):
        before = await services.db.read(partial(_checked, program.id))
        if before is None or services.clock() - before.checked_at >= pace:
            await _verify_slice(services, program, before)
    # It has its pace, whatever is left to do.
    return 0


def _checked(partition: int, tx: Connection) -> Any:
    return find_check(tx, partition)


async def _verify_slice(services: Services, program: Program, before: Any) -> None:
    def look(tx: Connection) -> tuple[list[int], list[Finding]]:
        ids = account_ids(tx, program.id, 0 if before is None else before.account_id, ACCOUNTS_AT_ONCE)
        if ids:
            return ids, check_accounts(tx, program.id, ids) + check_earnings(tx, program.id, ids)
        return ids, check_audit(tx, program.id) + check_audit(tx, DEPLOYMENT)

    ids, findings = await services.db.read(look)
    values = _values(services.clock(), before, ids, findings)
    if not await services.db.write(lambda tx: keep_check(tx, program.id, before, values)):
        return
    label = str(program.public_id)
    services.figures.count("verified", label, len(ids))
    services.figures.count("findings", label, len(findings))
    for one in findings[:_TOLD]:
        _log.error("the ledger does not hold", program=program.public_id, where=one.where, what=one.what)


def _values(now: datetime, before: Any, ids: list[int], findings: list[Finding]) -> dict[str, Any]:
    known = before is not None
    values: dict[str, Any] = {
        "account_id": ids[-1] if ids else 0,
        "checked_at": now,
        "began_at": before.began_at if known and ids else now,
        "accounts": (before.accounts if known else 0) + len(ids) if ids else 0,
        "findings": (before.findings if known else 0) + len(findings) if ids else 0,
    }
    if findings:
        values |= {"finding": str(findings[0]), "found_at": now}
    if not ids:
        values["ended_at"] = now
        values["ended_accounts"] = before.accounts if known else 0
        values["ended_findings"] = (before.findings if known else 0) + len(findings)
    return values


async def digest_days(services: Services) -> int:
    """A job: write down yesterday, where that is over in a program's zone and was not written down yet; how many."""
    made = 0
    for program in await list_environment_programs(services):
        made += await _digest_day(services, program)
    return made


async def _digest_day(services: Services, program: Program) -> int:
    now = services.clock()

    def made(tx: Connection) -> dict[str, Any] | None:
        zone = services.programs.current(tx, program.id).zone
        day = local_date(now - SETTLED_AFTER, zone) - timedelta(days=1)
        previous = last_digest(tx, program.id)
        if previous is not None and previous.day >= day:
            return None
        since, until = (datetime.combine(one, datetime.min.time(), zone) for one in (day, day + timedelta(days=1)))
        # What was posted before the first digest is in none: the chains of the accounts cover it.
        after = newest_entry(tx, program.id, since) if previous is None else previous.last_entry_id
        up_to = newest_entry(tx, program.id, until)
        found = digest_entries(tx, program.id, GENESIS if previous is None else previous.digest, after, up_to)
        figures = {f"points_{kind}": points for kind, points in sorted(found.points.items())}
        standing = standing_figures(tx, program.id, since, until)
        standing["liability"] = _hundredths(services.programs.current(tx, program.id), standing)
        return {
            "day": day,
            "after_entry_id": after,
            "last_entry_id": found.last_entry_id,
            "entries": found.entries,
            "figures": figures | standing,
            "digest": found.digest,
            "made_at": now,
        }

    values = await services.db.read(made)
    if values is None or not await services.db.write(lambda tx: keep_digest(tx, program.id, values)):
        return 0
    told = {"day": values["day"].isoformat(), "entries": values["entries"], "digest": values["digest"].hex()}
    _log.info("daily digest", program=program.public_id, environment=program.environment, **told, **values["figures"])
    return 1


def _hundredths(state: ProgramState, standing: Mapping[str, int]) -> int:
    """What the points outstanding are worth, in hundredths of the program's currency."""
    return int(100 * state.terms.worth(from_minor(standing["available"] + standing["pending"], state.places)))


async def list_days(ctx: Context, since: date) -> list[DayFigures]:
    """The digests of the caller's program from a day on, oldest first. Raises Forbidden, BadRequest (too many days)."""
    ctx.principal.require(Permission.AUDIT_READ)
    if (ctx.services.clock().date() - since).days > MOST_DAYS:
        raise BadRequest(f"since: at most {MOST_DAYS} days ago", field="since")
    rows = await ctx.read(lambda tx: list_digests(tx, ctx.principal.program, since))
    return [
        DayFigures(day=one.day, entries=one.entries, figures=dict(one.figures), digest=one.digest, made_at=one.made_at)
        for one in rows
    ]


async def get_check_state(ctx: Context) -> CheckState | None:
    """How far verification of the caller's program is; None before its first slice. Raises Forbidden."""
    ctx.principal.require(Permission.AUDIT_READ)
    row = await ctx.read(lambda tx: find_check(tx, ctx.principal.program))
    if row is None:
        return None
    names = CheckState.__dataclass_fields__
    return CheckState(**{name: getattr(row, name) for name in names})
