"""Everything that is stored on a person, table by table: what is under the member's key in clear, secrets left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, Table, select

from domain import models
from domain.crypto import KeyRing, reveal

SECRET = frozenset({"encoded", "salt", "refresh_key", "code_mac", "work", "version", "program_id"})
STAFF = frozenset({"actor", "decided_by", "requested_by", "placed_by", "ended_by"})
"""Columns that name who acted, who has a right to that name; a member's own app is not told them."""
OMITTED: Mapping[str, str] = {
    "member": "told apart, with the profile",
    "outbox": "tells by id what the other sections tell",
    "member_unique_value": "keyed hashes of attributes that are told",
    "otp": "codes that are void within minutes",
    "otp_subject": "counts of codes, by keyed hash",
    "session_link": "keyed hashes that are void within minutes",
    "ledger_check": "of no member",
}
"""Tables that name members or accounts and have no section, with why."""


@dataclass(frozen=True, slots=True)
class Section:
    """A table, by which of its columns rows are a member's, and which are under the member's key."""

    table: Table
    by: str = "member_id"
    sealed: tuple[str, ...] = ()


UNTOLD = frozenset({"segments"})
"""Sections that a member's own app is not told, as it is told them nowhere."""
SECTIONS: Mapping[str, Section] = {
    "sub_relations": Section(models.sub_relation),
    "accounts": Section(models.account),
    "transactions": Section(models.member_transaction),
    "held_transactions": Section(models.held_transaction, sealed=("reason",)),
    "postings": Section(models.ledger_entry, by="account_id", sealed=("narration",)),
    "lots": Section(models.lot, by="account_id"),
    "lot_traces": Section(models.lot_trace, by="entry_id"),
    "holds": Section(models.hold),
    "adjustment_requests": Section(models.points_request, sealed=("reason",)),
    "tiers": Section(models.member_tier),
    "counters": Section(models.tally),
    "segments": Section(models.segment_member),
    "orders": Section(models.catalog_order, sealed=("code", "delivery", "reason")),
    "expiry_reminders": Section(models.expiry_reminder, by="account_id"),
    "messages": Section(models.message),
    "passwords": Section(models.member_secret),
    "failed_sign_ins": Section(models.login_failure),
    "sessions": Section(models.member_session),
    "erasures": Section(models.member_erasure),
}


def read_sections(
    tx: Connection,
    keys: KeyRing,
    program_id: int,
    wrapped: Mapping[int, bytes],
    *,
    of_itself: bool = False,
    limit: int | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """The rows of members in all sections. `wrapped`: the members' keys as they are stored, by member id.

    `of_itself`: without what only the staff is told. With a `limit` no section has more rows than that and one.
    """
    member_ids = list(wrapped)
    owned = select(models.account.c.id, models.account.c.member_id).where(
        models.account.c.program_id == program_id, models.account.c.member_id.in_(member_ids)
    )
    accounts = {row.id: row.member_id for row in tx.execute(owned)}
    found: dict[str, list[dict[str, Any]]] = {}
    for name, section in SECTIONS.items():
        if of_itself and name in UNTOLD:
            continue
        columns = [one for one in section.table.c if _is_told(one, section, of_itself)]
        query = select(*columns).where(section.table.c.program_id == program_id, _of(section, member_ids, accounts))
        query = query.order_by(*section.table.primary_key.columns).limit(None if limit is None else limit + 1)
        rows = [dict(row) for row in tx.execute(query).mappings()]
        for row in rows:
            owner = row.get("member_id") or accounts.get(row.get("account_id", 0), 0)
            for sealed in section.sealed:
                row[sealed] = reveal(keys, wrapped.get(owner), row[sealed])
        found[name] = rows
    if not of_itself:
        found["audit"] = _audit(tx, program_id, member_ids, limit)
    return found


def _is_told(column: Any, section: Section, of_itself: bool) -> bool:
    if of_itself and column.name in STAFF:
        return False
    is_sealed = column.name in section.sealed
    return column.name not in SECRET and (is_sealed or not isinstance(column.type, LargeBinary))


def _of(section: Section, member_ids: Sequence[int], accounts: Mapping[int, int]) -> ColumnElement[bool]:
    if section.by == "member_id":
        return section.table.c.member_id.in_(member_ids)
    if section.by == "account_id":
        return section.table.c.account_id.in_(accounts)
    entry = models.ledger_entry
    same = (entry.c.program_id == section.table.c.program_id) & (entry.c.id == section.table.c.entry_id)
    return select(entry.c.id).where(same, entry.c.account_id.in_(accounts)).exists()


def _audit(tx: Connection, program_id: int, member_ids: Sequence[int], limit: int | None) -> list[dict[str, Any]]:
    trail = models.audit_entry
    columns = [trail.c[name] for name in ("seq", "at", "actor", "action", "subject", "before", "after")]
    of_member = trail.c.subject.in_([f"member:{one}" for one in member_ids])
    query = select(*columns).where(trail.c.program_id == program_id, of_member)
    query = query.order_by(trail.c.seq).limit(None if limit is None else limit + 1)
    return [dict(row) for row in tx.execute(query).mappings()]
