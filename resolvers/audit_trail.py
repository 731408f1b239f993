"""Use cases of the audit trail: who changed what and from where; nothing in it is ever changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from domain.access import Permission
from domain.errors import InvalidRequest
from domain.ledger.chain import GENESIS
from domain.store import audit as store
from domain.store.audit import AuditFilter
from resolvers.context import Context

MOST = 10_000
_CHECKED_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One change. `address` and `browser` where it was made by hand."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    before: Any
    after: Any
    address: str | None
    browser: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainChecked:
    """How many entries follow each other, and the first that does not; None where all do."""

    entries: int
    broken_at: int | None


async def list_audit_entries(
    ctx: Context, only: AuditFilter, *, first: int, before_seq: int | None = None
) -> list[AuditEntry]:
    """The newest entries of the caller's program, or of the deployment where it works in none.

    Raises Forbidden, InvalidRequest.
    """
    ctx.principal.require(Permission.AUDIT_READ)
    if not 0 < first <= MOST:
        raise InvalidRequest(f"first: 1 to {MOST}", field="first")
    rows = await ctx.read(lambda tx: store.page_entries(tx, _chain(ctx), only, first=first, before_seq=before_seq))
    return [audit_entry_of(row) for row in rows]


async def find_audit_entry(ctx: Context, seq: int) -> AuditEntry | None:
    """One entry of the same trail; None where there is none. Raises Forbidden."""
    ctx.principal.require(Permission.AUDIT_READ)
    row = await ctx.read(lambda tx: store.find_entry(tx, _chain(ctx), seq))
    return None if row is None else audit_entry_of(row)


async def list_audit_actions(ctx: Context) -> Sequence[str]:
    """What was ever done, by name: for a filter. Raises Forbidden."""
    ctx.principal.require(Permission.AUDIT_READ)
    return await ctx.read(lambda tx: store.list_actions(tx, _chain(ctx)))


async def check_audit_chain(ctx: Context) -> ChainChecked:
    """Whether no entry was changed, left out or put in since it was written. Raises Forbidden."""
    ctx.principal.require(Permission.AUDIT_READ)
    seq, previous = 0, GENESIS
    while True:
        rows = await ctx.read(partial(_chain_page, ctx, seq))
        for row in rows:
            if row.seq != seq + 1 or row.previous_hash != previous or row.hash != store.hash_of(row):
                return ChainChecked(entries=seq, broken_at=seq + 1)
            seq, previous = row.seq, row.hash
        if len(rows) < _CHECKED_AT_ONCE:
            return ChainChecked(entries=seq, broken_at=None)


def _chain_page(ctx: Context, after: int, tx: Connection) -> list[Row[Any]]:
    return store.chain_page(tx, _chain(ctx), after_seq=after, limit=_CHECKED_AT_ONCE)


def _chain(ctx: Context) -> int:
    where = ctx.principal.program_id
    return store.DEPLOYMENT if where is None else where


def audit_entry_of(row: Row[Any]) -> AuditEntry:
    """A stored entry."""
    return AuditEntry(
        seq=row.seq,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        before=row.before,
        after=row.after,
        address=row.address,
        browser=row.browser,
    )
