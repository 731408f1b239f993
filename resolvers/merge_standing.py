"""The tier and the snapshots of a merge: the survivor gets the better tier and is where the victim was, and back.

The victim keeps its own rows, so that it is after an undo what it was before. Where tiers are automatic, what both
earned counts for the survivor as long as they are one, so it is assessed with the merge, and both are with its end.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from domain.clock import from_micros, to_micros
from domain.errors import TesseraError
from domain.ledger.account import Account
from domain.member import Member
from domain.member_status import require_earning
from domain.rules.segment import frozen_segments
from domain.session import End
from domain.store.journal import Journal
from domain.store.program import ProgramState
from domain.store.segment import join_snapshots, part_snapshots
from domain.store.tier import read_changes
from resolvers.subject import sign_out
from resolvers.tiering import Tiering, tiering_of


def join_standing(
    tx: Connection, state: ProgramState, journal: Journal, victim: Member, survivor: Member, taker: Account
) -> dict[str, Any]:
    """Let the survivor stand where the better of both does, or both together do; what it was, for the way back.

    The survivor answers for the victim already, also for its aggregates.
    """
    # Who was signed in as the victim shall not find itself in the survivor's account, least of all after a wrong merge.
    sign_out(tx, state.id, [victim.id], End.MERGED, journal.now)
    segments = join_snapshots(tx, state.id, frozen_segments(state.configuration), victim.id, survivor.id)
    if state.configuration.tiers.assessment == "off":
        return {"segments": segments, "tier": None}
    tiering = tiering_of(tx, state, journal, [(survivor, taker)])
    tier, qualified_at = tiering.standing_of(survivor)
    tiering.take_over(survivor, victim.tier, victim.tier_qualified_at)
    _assess(state, tiering, survivor, taker)
    tiering.write_down(journal)
    journal.flush()
    given, _ = tiering.standing_of(survivor)
    if given == tier:
        return {"segments": segments, "tier": None}
    since = None if qualified_at is None else to_micros(qualified_at)
    return {"segments": segments, "tier": {"tier": tier, "qualified_at": since, "given": given}}


def part_standing(
    tx: Connection,
    state: ProgramState,
    journal: Journal,
    parted: Sequence[tuple[Member, Account]],
    merged_at: datetime,
    detail: Any,
) -> None:
    """Take off again what a merge gave, unless something else counts meanwhile. `parted`: victim and survivor.

    Both answer for themselves already.
    """
    (victim, _), (survivor, _) = parted
    part_snapshots(tx, state.id, detail.get("segments", []), victim.id, survivor.id)
    if state.configuration.tiers.assessment == "off":
        return
    tiering, before = tiering_of(tx, state, journal, parted), detail.get("tier")
    if before is not None and _is_newest(tx, state.id, survivor.id, merged_at, before):
        since = before["qualified_at"]
        tiering.put_back(survivor, before["tier"], None if since is None else from_micros(since))
    for member, account in parted:
        _assess(state, tiering, member, account)
    tiering.write_down(journal)
    journal.flush()


def _is_newest(tx: Connection, program_id: int, member_id: int, merged_at: datetime, before: Any) -> bool:
    changes = read_changes(tx, program_id, [member_id]).get(member_id, [])
    # The first versions did not note what a merge gave.
    return (
        bool(changes) and changes[-1].since == merged_at and changes[-1].tier == before.get("given", changes[-1].tier)
    )


def _assess(state: ProgramState, tiering: Tiering, member: Member, account: Account) -> None:
    try:
        require_earning(member, accrue_cancelled=state.terms.accrue_cancelled)
    except TesseraError:
        # A level is reached once: a member who may not have its bonus is assessed when it may.
        return
    tiering.assess(member, account)
