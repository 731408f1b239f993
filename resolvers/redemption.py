"""Use cases of redemption: check, redeem, reverse, find."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import orjson
from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import (
    BadRequest,
    InvalidRequest,
    KeyReused,
    MemberNotFound,
    ServiceUnavailable,
)
from domain.idempotency_key import key_of_member, read_key
from domain.ids import new_reference
from domain.ledger.redemption import Redeemed, RedemptionOrder
from domain.member_status import Operation, refusal_by_status
from domain.points import from_minor
from domain.store.entry import StoredRedemption, balances_around, find_redemptions
from domain.store.idempotency import Bound, find_keys
from domain.store.journal import Journal
from domain.store.member import find_members
from domain.store.merge import answering
from domain.store.program import ProgramState
from domain.store.redemption import redeem, redeem_and
from resolvers.balance import available_points
from resolvers.context import Context
from resolvers.points_note import note_points
from resolvers.redemption_order import GUID_KEY, RedeemPoints, order_of, refusal_of
from resolvers.reversal import LotRestored, Reversal, ReverseRedemption, reverse_redemption

__all__ = [
    "LotRestored",
    "RedeemPoints",
    "Redemption",
    "Reversal",
    "ReverseRedemption",
    "check_availability",
    "find_redemption_by_key",
    "list_redemptions",
    "redeem_points",
    "reverse_redemption",
]

USE_CASE = "redeem"

_ROUNDS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Redemption:
    """A redemption as stored; `points` is positive. `reversed_at` None: it stands."""

    entry_id: int
    member_id: int
    external_reference: UUID
    points: Decimal
    amount: Decimal | None
    merchant: str | None
    loyalty_txn_type: int
    processed_at: datetime
    reversed_at: datetime | None = None
    replayed: bool = False


async def check_availability(ctx: Context, relation_reference: str | None, currency: str = "DEFAULT") -> Decimal:
    """The redeemable points now (0 where the balance is negative).

    Raises BadRequest, Forbidden, MemberNotFound, MemberNotActive (every status but 1).
    """
    ctx.principal.require(Permission.LEDGER_READ)
    reference = ctx.principal.member(relation_reference)
    if not reference:
        raise BadRequest("RelationReference: is missing", field="relation_reference")
    now = ctx.services.clock()

    def body(tx: Connection) -> Decimal:
        state = ctx.program(tx)
        found = find_members(tx, ctx.services.keys, state.id, references=[reference])
        if not found:
            raise MemberNotFound
        member = found[0].member
        stopped = refusal_by_status(Operation.CHECK, member.status)
        if stopped is not None:
            raise stopped
        points = available_points(tx, state.id, [member.id], now, currency).get(member.id, 0)
        return from_minor(max(0, points), state.places)

    return await ctx.read(body)


async def redeem_points(ctx: Context, command: RedeemPoints) -> Redemption:
    """Redeem points in one database transaction, exactly once per key and per reference that the client chose.

    Raises BadRequest, Forbidden, InvalidRequest, MerchantMissing, PointsNotPositive, KeyReused, MemberNotFound,
    MemberCancelled, MemberSuspended, MembershipBlocked, LoginBlocked, MemberNotActive,
    BelowMinimum, HeldForReview, InsufficientPoints.
    """
    ctx.principal.require(Permission.POINTS_REDEEM)
    ctx.principal.require_proof()
    reference = ctx.principal.member(command.relation_reference)
    if not reference:
        raise BadRequest("RelationReference: is missing", field="relation_reference")
    guid = _reference_of(ctx, command)
    standing = await _redeemed_before(ctx, command, reference)
    if standing is not None:
        return standing
    for _ in range(_ROUNDS):
        state = await _state(ctx)
        order = order_of(ctx, state, command, reference, guid)
        redeemed = await _redeem(ctx, state, order)
        if redeemed.outcome == "ok":
            return _fresh(state, order, redeemed)
        if redeemed.outcome == "replay":
            return await _replayed(ctx, state, order, redeemed)
        if redeemed.outcome == "stale":
            await ctx.read(ctx.program)
        elif redeemed.outcome == "due":
            await _write_off(ctx, redeemed)
        elif redeemed.outcome == "taken":
            return await _same_reference(ctx, state, order)
        elif redeemed.outcome != "again":
            raise refusal_of(redeemed.outcome, state, command)
    raise ServiceUnavailable("the account is busy", retry_after_s=1)


async def _redeem(ctx: Context, state: ProgramState, order: RedemptionOrder) -> Redeemed:
    """Take the points; where somebody does it by hand, the audit trail tells of it in the same step."""
    if not ctx.is_by_hand:
        return await redeem(ctx.services.db, order)

    def note(tx: Connection, redeemed: Redeemed) -> None:
        entry_id = redeemed.entry_id or 0
        balances = balances_around(tx, state.id, entry_id)
        told = {"entry": entry_id, "merchant": order.merchant}
        member_id = redeemed.member_id or 0
        note_points(tx, ctx, state, "points.redeem", member_id, balances, points=order.points, **told)

    return await redeem_and(ctx.services.db, order, note)


def _reference_of(ctx: Context, command: RedeemPoints) -> UUID:
    """The reference of the redemption. Raises InvalidRequest for one that a member in a session chose."""
    if command.external_reference is not None and ctx.principal.session_id is not None:
        # It is one for the whole program: a member could take the reference of somebody's order.
        raise InvalidRequest("external_reference: is chosen by the program's server", field="external_reference")
    return command.external_reference or new_reference()


async def _state(ctx: Context) -> ProgramState:
    """The cached program: the redemption itself checks that its version is still in force."""
    cached = ctx.services.programs.peek(ctx.principal.program)
    return cached if cached is not None else await ctx.read(ctx.program)


def _fresh(state: ProgramState, order: RedemptionOrder, redeemed: Redeemed) -> Redemption:
    return Redemption(
        entry_id=redeemed.entry_id or 0,
        member_id=redeemed.member_id or 0,
        external_reference=order.guid,
        points=from_minor(order.points, state.places),
        amount=order.amount,
        merchant=order.merchant,
        loyalty_txn_type=order.loyalty_txn_type,
        processed_at=order.now,
    )


async def _replayed(ctx: Context, state: ProgramState, order: RedemptionOrder, redeemed: Redeemed) -> Redemption:
    bound = Bound(redeemed.fingerprint or b"", orjson.loads(redeemed.stored or "{}"))
    entry_id = bound.replay(order.fingerprint)["entry_id"]
    found = await ctx.read(lambda tx: find_redemptions(tx, state.id, ids=[entry_id]))
    return replace(redemption_of(found[0], state), replayed=True)


async def _redeemed_before(ctx: Context, command: RedeemPoints, reference: str) -> Redemption | None:
    """The redemption that has the client's reference already, under another key than this one.

    Looked up first, so that the balance of today does not decide about a redemption of yesterday.
    """
    chosen = command.external_reference
    if chosen is None:
        return None

    def body(tx: Connection) -> Redemption | None:
        state = ctx.program(tx)
        order = order_of(ctx, state, command, reference, chosen)
        if order.key is not None and find_keys(tx, state.id, USE_CASE, [order.key], order.now):
            return None  # the key itself knows what it stands for
        return _standing(tx, state, order)

    return await ctx.read(body)


def _standing(tx: Connection, state: ProgramState, order: RedemptionOrder) -> Redemption | None:
    """The redemption that has the order's reference. Raises KeyReused where it is not this very one."""
    found = find_redemptions(tx, state.id, references=[order.guid])
    if not found:
        return None
    first = found[0]
    same = (first.member_id, -first.points, first.merchant, first.loyalty_txn_type, first.amount)
    holder = answering(tx, state.id, order.reference)
    if same != (holder, order.points, order.merchant, order.loyalty_txn_type, order.amount):
        raise _taken()
    return replace(redemption_of(first, state), replayed=True)


async def _same_reference(ctx: Context, state: ProgramState, order: RedemptionOrder) -> Redemption:
    """The redemption that took the client's reference in between. Raises KeyReused as above."""
    redemption = await ctx.read(lambda tx: _standing(tx, state, order))
    if redemption is None:
        raise _taken()
    return redemption


def _taken() -> KeyReused:
    return KeyReused("the external reference is taken", field="external_reference")


async def _write_off(ctx: Context, redeemed: Redeemed) -> None:
    """Write off what is due, before the redemption looks again."""
    now = ctx.services.clock()

    def body(tx: Connection) -> None:
        state = ctx.program(tx)
        journal = Journal(tx, state.id, state.config_version, now, "system:expiry", ctx.source)
        journal.lock_accounts([redeemed.member_id or 0])
        journal.flush()

    await ctx.write(body)


async def find_redemption_by_key(
    ctx: Context, client_reference: str, relation_reference: str | None = None
) -> Redemption | None:
    """The redemption that this idempotency key or chosen reference made: finds a lost GUID.

    With `relation_reference` one whose key was given with that member's token; a member-bound caller finds
    its own first. Raises Forbidden, InvalidRequest.
    """
    ctx.principal.require(Permission.LEDGER_READ)
    owner = ctx.principal.member(relation_reference)
    key, now = read_key(client_reference) or "", ctx.services.clock()
    candidates = [key, f"{GUID_KEY}{key.lower()}"]
    if owner is not None:
        own = [key_of_member(one, owner) for one in candidates]
        candidates = own if relation_reference is not None else own + candidates

    def body(tx: Connection) -> Redemption | None:
        state = ctx.program(tx)
        bound = find_keys(tx, state.id, USE_CASE, candidates, now)
        ids = [bound[one].outcome.get("entry_id") for one in candidates if one in bound]
        found = {one.entry_id: one for one in find_redemptions(tx, state.id, ids=[one for one in ids if one])}
        visible = ctx.visible_members(tx, [one.member_id for one in found.values()])
        rows = (found[one] for one in ids if one in found)
        return next((redemption_of(one, state) for one in rows if one.member_id in visible), None)

    return await ctx.read(body)


async def list_redemptions(ctx: Context, references: Sequence[UUID]) -> dict[UUID, Redemption]:
    """Redemptions of the caller's program by external reference."""
    ctx.principal.require(Permission.LEDGER_READ)

    def body(tx: Connection) -> dict[UUID, Redemption]:
        state = ctx.program(tx)
        found = find_redemptions(tx, state.id, references=references)
        visible = set(ctx.visible_members(tx, [one.member_id for one in found]))
        return {one.external_reference: redemption_of(one, state) for one in found if one.member_id in visible}

    return await ctx.read(body)


def redemption_of(stored: StoredRedemption, state: ProgramState) -> Redemption:
    """A stored redemption in points."""
    return Redemption(
        entry_id=stored.entry_id,
        member_id=stored.member_id,
        external_reference=stored.external_reference,
        points=from_minor(-stored.points, state.places),
        amount=stored.amount,
        merchant=stored.merchant,
        loyalty_txn_type=stored.loyalty_txn_type,
        processed_at=stored.processed_at,
        reversed_at=stored.reversed_at,
    )
