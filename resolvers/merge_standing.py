"""The tier and the snapshots of a merge: the survivor gets the better tier and is where the victim was, and back.

The victim keeps its own rows, so that it is after an undo what it was before.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from domain.clock import from_micros, to_micros
from domain.member import Member
from domain.rules.segment import frozen_segments
from domain.store.bulk import Bulk
from domain.store.outbox import add_events
from domain.store.program import ProgramState
from domain.store.segment import join_snapshots, part_snapshots
from domain.store.tier import put_tiers, read_changes
from domain.tiers import rank_of
from resolvers.tiering import tier_event

_SOURCE = "merge"


def join_standing(
    tx: Connection, state: ProgramState, victim: Member, survivor: Member, now: datetime
) -> dict[str, Any]:
    """Let the survivor stand where the better of both does; what it was before, for the way back."""
    return {
        "segments": join_snapshots(tx, state.id, frozen_segments(state.configuration), victim.id, survivor.id),
        "tier": _join_tier(tx, state, victim, survivor, now),
    }


def part_standing(
    tx: Connection,
    state: ProgramState,
    victim_id: int,
    survivor_id: int,
    merged_at: datetime,
    detail: Any,
    now: datetime,
) -> None:
    """Take off again what a merge gave, unless something else counts meanwhile."""
    part_snapshots(tx, state.id, detail.get("segments", []), victim_id, survivor_id)
    before = detail.get("tier")
    if before is None:
        return
    [*_, newest] = read_changes(tx, state.id, [survivor_id])[survivor_id]
    if (newest.since, newest.source) != (merged_at, _SOURCE):
        return
    qualified_at = before["qualified_at"]
    _set(tx, state, survivor_id, before["tier"], None if qualified_at is None else from_micros(qualified_at), now)


def _join_tier(
    tx: Connection, state: ProgramState, victim: Member, survivor: Member, now: datetime
) -> dict[str, Any] | None:
    terms = state.configuration.tiers
    if terms.assessment == "off" or rank_of(terms, victim.tier) <= rank_of(terms, survivor.tier):
        return None
    _set(tx, state, survivor.id, victim.tier, victim.tier_qualified_at or now, now)
    qualified_at = survivor.tier_qualified_at
    return {"tier": survivor.tier, "qualified_at": None if qualified_at is None else to_micros(qualified_at)}


def _set(
    tx: Connection, state: ProgramState, member_id: int, tier: str | None, qualified_at: datetime | None, now: datetime
) -> None:
    # No bonus: the person had the level already, as the victim.
    bulk = Bulk(tx)
    put_tiers(bulk, state.id, {member_id: (tier, qualified_at)}, since=now, source=_SOURCE)
    bulk.store()
    add_events(tx, state.id, [tier_event(member_id, tier, now)])
