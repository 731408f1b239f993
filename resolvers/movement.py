"""What movements of points share: members under lock, and one effect for each key.

A movement is decided by a function that is handed the locked accounts. What it gives back is stored with
the key; so is a business refusal, for a day.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from domain.errors import (
    BadRequest,
    InvalidRequest,
    MemberNotFound,
    PointsNotPositive,
    RedemptionNotFound,
    TesseraError,
)
from domain.ledger.account import Account
from domain.points import NotAMultiple, cut, redeemable_minor
from domain.store.idempotency import bind_key, find_keys, refusal_outcome
from domain.store.journal import Journal
from domain.store.member import Stored, find_members
from domain.store.merge import MergedMeanwhile
from domain.store.program import ProgramState
from resolvers.context import Context

Outcome = dict[str, Any]

MAX_FREE_TEXT = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Keyed:
    """A movement as its key knows it."""

    use_case: str
    key: str | None
    fingerprint: bytes
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """The members of a movement with their accounts, locked; what was due on them is booked and stored.

    `member_ids` are in the order in which they were found.
    """

    tx: Connection
    state: ProgramState
    now: datetime
    journal: Journal
    member_ids: Sequence[int]
    members: Mapping[int, Stored]
    accounts: Mapping[int, Account]


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """What came of a movement; `replayed` where its key had run before."""

    state: ProgramState
    outcome: Outcome
    replayed: bool = False


def move_once(
    tx: Connection,
    ctx: Context,
    keyed: Keyed,
    find: Callable[[ProgramState], Sequence[int]],
    decide: Callable[[Locked], Outcome],
) -> Moved | TesseraError:
    """Run a movement once for its key: `find` says whose accounts to lock, `decide` posts on them.

    `decide` refuses before it posts. A refusal that binds its key is given back and not raised, so that it
    is stored; the caller raises it after the commit. Raises KeyReused and what `find` and `decide` raise.
    """
    state = ctx.program(tx)
    if found := _bound(tx, state, keyed):
        return found
    member_ids = find(state)
    journal = Journal(tx, state.id, state.config_version, keyed.now, ctx.principal.actor, ctx.source)
    accounts = journal.lock_accounts(member_ids)
    if find(state) != member_ids:
        raise MergedMeanwhile
    # A twin may have ended while we waited for the accounts.
    if found := _bound(tx, state, keyed):
        return found
    journal.flush()
    # Read after the lock, so that a status that changed meanwhile counts.
    members = {one.member.id: one for one in find_members(tx, ctx.services.keys, state.id, ids=member_ids)}
    locked = Locked(
        tx=tx,
        state=state,
        now=keyed.now,
        journal=journal,
        member_ids=member_ids,
        members=members,
        accounts=accounts,
    )
    try:
        outcome = decide(locked)
    except TesseraError as refusal:
        if not (keyed.key and refusal.binds_key):
            raise
        _bind(tx, state, keyed, refusal_outcome(refusal))
        return refusal
    _bind(tx, state, keyed, outcome)
    return Moved(state=state, outcome=outcome)


def _bound(tx: Connection, state: ProgramState, keyed: Keyed) -> Moved | None:
    if keyed.key is None:
        return None
    bound = find_keys(tx, state.id, keyed.use_case, [keyed.key], keyed.now).get(keyed.key)
    if bound is None:
        return None
    return Moved(state=state, outcome=bound.replay(keyed.fingerprint), replayed=True)


def _bind(tx: Connection, state: ProgramState, keyed: Keyed, outcome: Outcome) -> None:
    if keyed.key is not None:
        bind_key(tx, state.id, keyed.use_case, keyed.key, keyed.fingerprint, outcome, keyed.now)


def require_key(state: ProgramState, key: str | None) -> None:
    """Refuse a movement without a key where the program wants one. Raises BadRequest."""
    if key is None and state.terms.require_key:
        raise BadRequest("an idempotency key is needed", field="idempotency_key")


def member_with(tx: Connection, ctx: Context, program_id: int, reference: str, *, named: str | None = None) -> int:
    """The member that a reference stands for; `named` is the input that has it. Raises MemberNotFound."""
    found = find_members(tx, ctx.services.keys, program_id, references=[reference])
    if not found:
        raise MemberNotFound(field=named)
    return found[0].member.id


def require_visible(tx: Connection, ctx: Context, member_id: int) -> None:
    """Refuse what belongs to a member that the caller may not see. Raises RedemptionNotFound."""
    if not ctx.visible_members(tx, [member_id]):
        raise RedemptionNotFound


def require_positive(points: Decimal) -> None:
    """Raise PointsNotPositive for what is zero or less once it is cut to five decimals."""
    if cut(points) <= 0:
        raise PointsNotPositive(field="points")


def smallest_units(points: Decimal, places: int) -> int:
    """Points in smallest units. Raises InvalidRequest where that is not exact."""
    try:
        return redeemable_minor(points, places)
    except NotAMultiple as error:
        raise InvalidRequest(f"Points: more than {places} decimals", field="points") from error


def free_text(given: str | None, field: str) -> str | None:
    """A text that somebody wrote, trimmed; None where nothing is left. Raises BadRequest."""
    text = unicodedata.normalize("NFC", given or "").strip()
    if len(text) > MAX_FREE_TEXT or any(unicodedata.category(one) in {"Cc", "Cs"} for one in text):
        raise BadRequest(f"{field}: at most {MAX_FREE_TEXT} characters, no control characters", field=field)
    return text or None
