"""Use cases that end a hold: settle it, whole or in part, or cancel it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.errors import Forbidden, InvalidRequest, KeyReused, RequestNotPending, TesseraError
from domain.ledger.hold import release, settle
from domain.points import cut
from domain.store.entry import find_redemptions
from domain.store.hold import CANCELLED, PENDING, SETTLED, StoredHold, end_hold, find_holds
from domain.store.idempotency import fingerprint_of
from domain.store.lot import taken_lots
from resolvers.context import Context
from resolvers.hold_record import Hold, read_hold, visible_hold
from resolvers.movement import Keyed, Locked, Outcome, move_once, require_positive, smallest_units
from resolvers.points_note import note_points
from resolvers.redemption import Redemption, redemption_of
from resolvers.redemption_order import check_range


@dataclass(frozen=True, kw_only=True, slots=True)
class SettleHold:
    """Spend a hold, whole or `points` of it; `loyalty_txn_type` None: the program's default."""

    hold_id: int
    points: Decimal | None = None
    loyalty_txn_type: int | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelHold:
    """Give a hold's points back; with a `purpose`, of a hold of that purpose only."""

    hold_id: int
    purpose: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """A hold that was settled, and the redemption that it became."""

    hold: Hold
    redemption: Redemption
    replayed: bool = False


async def settle_hold(ctx: Context, command: SettleHold) -> Settlement:
    """Spend a pending hold: its points, or some of them, become a redemption under the hold's reference.

    The rest goes back. In every status of the member, because the points were promised. Raises BadRequest,
    Forbidden (members too: the merchant settles), PointsNotPositive, KeyReused, RedemptionNotFound,
    RequestNotPending, InvalidRequest (decimals, more than is held, unconfigured type), KeyReused (a
    redemption was made under the hold's reference).
    """
    ctx.key(command.idempotency_key)
    ctx.principal.require(Permission.POINTS_HOLD)
    if ctx.principal.kind is PrincipalKind.MEMBER:
        raise Forbidden("members do not settle holds")
    if command.points is not None:
        check_range(command.points, None, 0)
        require_positive(command.points)
    return await ctx.write(partial(_settle, ctx, command, ctx.services.clock()))


def _settle(ctx: Context, command: SettleHold, now: datetime, tx: Connection) -> Settlement:
    points = None if command.points is None else cut(command.points)
    keyed = Keyed(
        use_case="hold-settle",
        key=ctx.key(command.idempotency_key),
        fingerprint=fingerprint_of(command.hold_id, points, command.loyalty_txn_type),
        now=now,
    )
    moved = move_once(
        tx,
        ctx,
        keyed,
        lambda state: [visible_hold(tx, ctx, state.id, command.hold_id).member_id],
        lambda locked: _spend(locked, command),
    )
    if isinstance(moved, TesseraError):
        raise moved  # none of its refusals binds a key
    [redemption] = find_redemptions(tx, moved.state.id, ids=[moved.outcome["entry_id"]])
    return Settlement(
        hold=read_hold(tx, moved, now), redemption=redemption_of(redemption, moved.state), replayed=moved.replayed
    )


def _spend(locked: Locked, command: SettleHold) -> Outcome:
    tx, state = locked.tx, locked.state
    one = _pending(locked, command.hold_id)
    points = one.points if command.points is None else smallest_units(command.points, state.places)
    if points > one.points:
        raise InvalidRequest("Points: more than are held", field="points")
    given_type = command.loyalty_txn_type
    txn_type = state.terms.default_loyalty_txn_type if given_type is None else given_type
    if txn_type not in state.terms.redemption_types:
        raise InvalidRequest("LoyaltyTxnType: not one of the program's redemption types", field="loyalty_txn_type")
    if find_redemptions(tx, state.id, references=[one.external_reference]):
        raise KeyReused("the external reference is taken")
    draft = settle(
        locked.accounts[one.member_id],
        one.entry_id,
        taken_lots(tx, state.id, one.entry_id),
        points,
        now=locked.now,
        loyalty_txn_type=txn_type,
        reference=one.external_reference,
        merchant=one.merchant,
        # What a part of the money is, only the merchant knows.
        amount=one.amount if points == one.points else None,
    )
    end_hold(tx, state.id, one.id, SETTLED, locked.now, points)
    locked.journal.flush()
    return {"entry_id": draft.id, "hold_id": one.id}


async def cancel_hold(ctx: Context, command: CancelHold) -> Hold:
    """Give a pending hold's points back to the lots they came from; what expired meanwhile is not revived.

    In every status of the member. Raises BadRequest, Forbidden, KeyReused, RedemptionNotFound,
    RequestNotPending.
    """
    ctx.key(command.idempotency_key)
    ctx.principal.require(Permission.POINTS_HOLD)
    return await ctx.write(partial(_cancel, ctx, command, ctx.services.clock()))


def _cancel(ctx: Context, command: CancelHold, now: datetime, tx: Connection) -> Hold:
    keyed = Keyed(
        use_case="hold-cancel",
        key=ctx.key(command.idempotency_key),
        fingerprint=fingerprint_of(command.hold_id),
        now=now,
    )
    moved = move_once(
        tx,
        ctx,
        keyed,
        lambda state: [visible_hold(tx, ctx, state.id, command.hold_id, command.purpose).member_id],
        lambda locked: _give_back(locked, ctx, command.hold_id),
    )
    if isinstance(moved, TesseraError):
        raise moved  # none of its refusals binds a key
    return read_hold(tx, moved, now)


def _give_back(locked: Locked, ctx: Context, hold_id: int) -> Outcome:
    one = _pending(locked, hold_id)
    account = locked.accounts[one.member_id]
    taken, before = taken_lots(locked.tx, locked.state.id, one.entry_id), account.balance
    draft = release(account, one.entry_id, taken, locked.now)
    end_hold(locked.tx, locked.state.id, one.id, CANCELLED, locked.now)
    locked.journal.flush()
    if ctx.is_by_hand:
        told = {"points": one.points, "hold": one.id}
        balances = (before, account.balance)
        note_points(locked.tx, ctx, locked.state, "hold.cancel", one.member_id, balances, **told)
    return {"entry_id": draft.id, "hold_id": one.id}


def _pending(locked: Locked, hold_id: int) -> StoredHold:
    """The hold, read under its account's lock. Raises RequestNotPending."""
    one = find_holds(locked.tx, locked.state.id, [hold_id])[hold_id]
    if one.status != PENDING:
        raise RequestNotPending
    return one
