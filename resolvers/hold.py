"""Use cases of holds: points that are reserved until they are settled, cancelled, or their time is over."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import (
    BadRequest,
    BelowMinimum,
    InsufficientPoints,
    InvalidRequest,
    PendingRequestExists,
    TesseraError,
)
from domain.ids import new_reference
from domain.ledger.hold import hold_points
from domain.member_status import Operation, refusal_by_status
from domain.models import hold as hold_table
from domain.points import cut, plain
from domain.store.hold import CANCELLED, PENDING, SETTLED, StoredHold, has_pending, insert_hold
from domain.store.idempotency import fingerprint_of
from domain.store.ids import allocate_ids
from domain.store.lot import open_lots
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.hold_end import CancelHold, SettleHold, Settlement, cancel_hold, settle_hold
from resolvers.hold_record import (
    EXPIRED,
    MAX_PAGE,
    Hold,
    HoldPage,
    get_hold,
    list_holds,
    list_holds_by_id,
    page_holds_of,
    read_hold,
)
from resolvers.movement import (
    Keyed,
    Locked,
    Outcome,
    member_with,
    move_once,
    require_key,
    require_positive,
    smallest_units,
)
from resolvers.redemption_order import check_range, merchant_of

__all__ = [
    "CANCELLED",
    "EXPIRED",
    "HOLD",
    "MAX_PAGE",
    "PAY_WITH_REWARDS",
    "PENDING",
    "SETTLED",
    "CancelHold",
    "CreateHold",
    "Hold",
    "HoldPage",
    "SettleHold",
    "Settlement",
    "cancel_hold",
    "create_hold",
    "get_hold",
    "list_holds",
    "list_holds_by_id",
    "page_holds_of",
    "settle_hold",
]

HOLD, PAY_WITH_REWARDS = "HOLD", "PAY_WITH_REWARDS"

_DEFAULT_DAYS = 3
_LONGEST_DAYS = {HOLD: 366, PAY_WITH_REWARDS: 90}
_MOST_POINTS = Decimal(10) ** 11
"""A request to pay with rewards has at most eleven digits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateHold:
    """Reserve points of a member.

    Of `PAY_WITH_REWARDS` one may be pending for each member, of `HOLD` many. It lasts for `validity_days`
    (0 or None: 3; at most 90, a HOLD 366) or until the instant `until`. `merchant_name` None with
    `use_defaults`: the program's own.
    """

    relation_reference: str | None
    points: Decimal
    purpose: str = HOLD
    amount: Decimal | None = None
    merchant_name: str | None = None
    use_defaults: bool = False
    validity_days: int | None = None
    until: datetime | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Terms:
    """A checked command."""

    command: CreateHold
    merchant: str
    amount: Decimal | None
    expires_at: datetime


async def create_hold(ctx: Context, command: CreateHold) -> Hold:
    """Reserve points, enough or nothing.

    Raises BadRequest, Forbidden, MerchantMissing, PointsNotPositive, InvalidRequest (validity, eleven
    digits), KeyReused, MemberNotFound, MemberSuspended, LoginBlocked, MemberCancelled, MemberNotActive,
    MembershipBlocked, InvalidRequest (decimals, `until`), BelowMinimum, PendingRequestExists, InsufficientPoints.
    The minimum is that of redemptions, because a hold becomes one.
    """
    ctx.principal.require(Permission.POINTS_HOLD)
    reference = ctx.principal.member(command.relation_reference)
    if not reference:
        raise BadRequest("RelationReference: is missing", field="relation_reference")
    ctx.key(command.idempotency_key)
    result = await ctx.write(
        partial(_create, ctx, replace(command, relation_reference=reference), ctx.services.clock())
    )
    if isinstance(result, TesseraError):
        raise result
    return result


def _create(ctx: Context, command: CreateHold, now: datetime, tx: Connection) -> Hold | TesseraError:
    state = ctx.program(tx)
    terms = _checked(command, state, now)
    reference = command.relation_reference or ""
    keyed = Keyed(
        use_case="hold",
        key=ctx.key(command.idempotency_key),
        fingerprint=fingerprint_of(
            reference,
            command.purpose,
            cut(command.points),
            terms.amount,
            terms.merchant,
            command.until or command.validity_days or 0,
        ),
        now=now,
    )
    moved = move_once(
        tx, ctx, keyed, lambda _: [member_with(tx, ctx, state.id, reference)], lambda locked: _hold(locked, terms)
    )
    return moved if isinstance(moved, TesseraError) else read_hold(tx, moved, now)


def _checked(command: CreateHold, state: ProgramState, now: datetime) -> _Terms:
    """The static checks. Raises BadRequest, InvalidRequest, MerchantMissing, PointsNotPositive."""
    require_key(state, command.idempotency_key)
    check_range(command.points, command.amount, state.places)
    merchant = merchant_of(command.merchant_name, state, use_default=command.use_defaults)
    require_positive(command.points)
    if command.purpose not in _LONGEST_DAYS:
        raise InvalidRequest("purpose: HOLD or PAY_WITH_REWARDS", field="purpose")
    if command.purpose == PAY_WITH_REWARDS and command.points >= _MOST_POINTS:
        raise InvalidRequest("Points: at most 11 digits", field="points")
    return _Terms(
        command=command,
        merchant=merchant,
        amount=None if command.amount is None else plain(command.amount),
        expires_at=_end(command, now),
    )


def _end(command: CreateHold, now: datetime) -> datetime:
    longest = _LONGEST_DAYS[command.purpose]
    if command.until is not None:
        if command.validity_days:
            raise InvalidRequest("validity_days: cannot stand beside until", field="validity_days")
        return command.until
    if not 0 <= (command.validity_days or 0) <= longest:
        raise InvalidRequest(f"ValidityPeriodInDays: 0 to {longest}", field="validity_days")
    return now + timedelta(days=command.validity_days or _DEFAULT_DAYS)


def _hold(locked: Locked, terms: _Terms) -> Outcome:
    tx, state, command = locked.tx, locked.state, terms.command
    [(member_id, account)] = locked.accounts.items()
    points = _holdable(locked, command, member_id)
    draft = hold_points(
        account,
        points,
        open_lots(tx, state.id, [account.id])[account.id],
        now=locked.now,
        expires_at=terms.expires_at,
        merchant=terms.merchant,
        amount=terms.amount,
    )
    locked.journal.flush()
    stored = StoredHold(
        id=allocate_ids(tx, hold_table, state.id, 1)[0],
        account_id=account.id,
        member_id=member_id,
        purpose=command.purpose,
        status=PENDING,
        points=points,
        amount=terms.amount,
        merchant=terms.merchant,
        entry_id=draft.id or 0,
        external_reference=new_reference(),
        created_at=locked.now,
        expires_at=terms.expires_at,
        processed_at=None,
        settled_points=None,
    )
    insert_hold(tx, state.id, stored)
    return {"entry_id": draft.id, "hold_id": stored.id}


def _holdable(locked: Locked, command: CreateHold, member_id: int) -> int:
    """The points in smallest units, if member and balance allow the hold."""
    state = locked.state
    stopped = refusal_by_status(Operation.PAY_WITH_REWARDS, locked.members[member_id].member.status)
    if stopped is not None:
        raise stopped
    points = smallest_units(command.points, state.places)
    # Asked here and not before: a repeat is answered like the first time, however late it comes.
    longest = _LONGEST_DAYS[command.purpose]
    if command.until is not None and not locked.now < command.until <= locked.now + timedelta(days=longest):
        raise InvalidRequest(f"until: must come, and at most {longest} days from now", field="until")
    if points < state.terms.redemption_minimum_minor:
        raise BelowMinimum(f"minimum {state.terms.redemption_minimum}")
    if command.purpose == PAY_WITH_REWARDS and has_pending(locked.tx, state.id, member_id, PAY_WITH_REWARDS):
        raise PendingRequestExists
    if points > locked.accounts[member_id].available:
        raise InsufficientPoints
    return points
