"""Use cases that end an order: it is fulfilled, or it fails and its points come back in the same step."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.catalog_errors import OrderNotOpen
from domain.crypto import encrypt
from domain.errors import BadRequest, TesseraError
from domain.store.catalog import move_stock
from domain.store.entry import find_redemptions
from domain.store.idempotency import fingerprint_of
from domain.store.merge import answering_for
from domain.store.order import FULFILLED, PLACED, REVERSED, StoredOrder, lock_order, update_order
from domain.store.outbox import add_events
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.movement import Keyed, Locked, Outcome, free_text, move_once
from resolvers.order_record import Order, order_event, read_order, visible_order
from resolvers.points_note import balance_text
from resolvers.reversal import post_reversal

REFUSED, CANCELLED, NO_ANSWER = "REFUSED", "CANCELLED", "NO_ANSWER"


@dataclass(frozen=True, kw_only=True, slots=True)
class FulfilOrder:
    """An order was given to its member: with a `code`, if it is one, and a `reference` of who gave it.

    `order` is its id or its external reference.
    """

    order: int | UUID
    code: str | None = None
    reference: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FailOrder:
    """An order cannot be fulfilled. `failure`: REFUSED, or NO_ANSWER where nobody decided in time."""

    order: int | UUID
    reason: str | None
    failure: str = REFUSED
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelOrder:
    """An order is not wanted any more."""

    order: int | UUID
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ending:
    """What becomes of an order under lock; `decide` refuses before it writes."""

    use_case: str
    order: int | UUID
    key: str | None
    fingerprint: bytes
    decide: Callable[[Locked, StoredOrder], Outcome]


async def fulfil_order(ctx: Context, command: FulfilOrder) -> Order:
    """Note that an order was fulfilled. In every status of the member, who has paid; of an erased one no code is kept.

    Raises BadRequest, Forbidden, SecondFactorNeeded, KeyReused, OrderNotFound, OrderNotOpen.
    """
    ctx.principal.require(Permission.ORDER_DECIDE)
    ctx.principal.require_proof()
    code, reference = free_text(command.code, "code"), free_text(command.reference, "reference")
    ctx.key(command.idempotency_key)
    # Without a key the code could be guessed from a plain hash.
    digest = code and ctx.services.keys.lookup_hash(ctx.principal.program, "order-code", code.encode().hex()).hex()
    ending = _Ending(
        use_case="order-fulfil",
        order=command.order,
        key=command.idempotency_key,
        fingerprint=fingerprint_of(command.order, digest, reference),
        decide=partial(_fulfil, ctx, code, reference),
    )
    return await ctx.write(partial(_end, ctx, ending, ctx.services.clock()))


async def fail_order(ctx: Context, command: FailOrder) -> Order:
    """Let an order fail: its points come back to the lots that they came from, as those of a reversed redemption.

    Raises BadRequest (the reason too), Forbidden, SecondFactorNeeded, KeyReused, OrderNotFound, OrderNotOpen.
    """
    ctx.principal.require(Permission.ORDER_DECIDE)
    ctx.principal.require_proof()
    reason = free_text(command.reason, "reason")
    if reason is None:
        raise BadRequest("reason: is missing", field="reason")
    ctx.key(command.idempotency_key)
    ending = _Ending(
        use_case="order-fail",
        order=command.order,
        key=command.idempotency_key,
        fingerprint=fingerprint_of(command.order, command.failure),
        decide=partial(_reverse, ctx, command.failure, reason),
    )
    return await ctx.write(partial(_end, ctx, ending, ctx.services.clock()))


async def cancel_order(ctx: Context, command: CancelOrder) -> Order:
    """Cancel an order that nobody has begun to fulfil; members their own.

    Raises BadRequest, Forbidden, KeyReused, OrderNotFound, OrderNotOpen (also where a partner has it already).
    """
    ctx.principal.require(Permission.ORDER_PLACE)
    ctx.key(command.idempotency_key)
    ending = _Ending(
        use_case="order-cancel",
        order=command.order,
        key=command.idempotency_key,
        fingerprint=fingerprint_of(command.order),
        decide=partial(_cancel, ctx),
    )
    return await ctx.write(partial(_end, ctx, ending, ctx.services.clock()))


def _end(ctx: Context, ending: _Ending, now: datetime, tx: Connection) -> Order:
    def decide(locked: Locked) -> Outcome:
        order = lock_order(tx, locked.state.id, visible_order(tx, ctx, locked.state.id, ending.order).id)
        if order.status != PLACED:
            raise OrderNotOpen
        return ending.decide(locked, order)

    def find(state: ProgramState) -> list[int]:
        # Who answers for the member since a merge gets points that come back.
        owner = visible_order(tx, ctx, state.id, ending.order).member_id
        return sorted({owner, answering_for(tx, state.id, [owner]).get(owner, owner)})

    keyed = Keyed(use_case=ending.use_case, key=ctx.key(ending.key), fingerprint=ending.fingerprint, now=now)
    moved = move_once(tx, ctx, keyed, find, decide)
    if isinstance(moved, TesseraError):
        raise moved  # none of its refusals binds a key
    return read_order(tx, ctx, moved)


def _fulfil(ctx: Context, code: str | None, reference: str | None, locked: Locked, order: StoredOrder) -> Outcome:
    data_key = locked.members[order.member_id].data_key
    _close(
        locked,
        ctx,
        order,
        FULFILLED,
        ["order.fulfilled"],
        code=encrypt(data_key, code) if code and data_key else None,
        partner_reference=reference,
    )
    return {"order_id": order.id}


def _cancel(ctx: Context, locked: Locked, order: StoredOrder) -> Outcome:
    if order.fulfilment == "webhook" and order.attempts:
        raise OrderNotOpen("the partner has it")
    return _reverse(ctx, CANCELLED, None, locked, order)


def _reverse(ctx: Context, failure: str, reason: str | None, locked: Locked, order: StoredOrder) -> Outcome:
    tx, state = locked.tx, locked.state
    [redemption] = find_redemptions(tx, state.id, ids=[order.entry_id])
    others = [one for member_id, one in locked.accounts.items() if member_id != order.member_id]
    account, survivor = locked.accounts[order.member_id], others[0] if others else None
    holder = survivor or account
    before = holder.balance
    draft, _ = post_reversal(state, locked.journal, redemption, account, survivor)
    data_key = locked.members[order.member_id].data_key
    told = "order.cancelled" if failure == CANCELLED else "order.failed"
    _close(
        locked,
        ctx,
        order,
        REVERSED,
        [told, "order.reversed"],
        (before, holder.balance),
        failure=failure,
        reason=encrypt(data_key, reason) if reason and data_key else None,
        reversal_id=draft.id,
    )
    if order.took_stock:
        move_stock(tx, state.id, order.item, 1)
    return {"order_id": order.id, "entry_id": draft.id}


def _close(
    locked: Locked,
    ctx: Context,
    order: StoredOrder,
    status: str,
    topics: list[str],
    balances: tuple[int, int] | None = None,
    **values: Any,
) -> None:
    tx, program_id, now, actor = locked.tx, locked.state.id, locked.now, ctx.principal.actor
    update_order(tx, program_id, order.id, status=status, ended_by=actor, ended_at=now, due_at=None, **values)
    add_events(tx, program_id, [order_event(topic, order, now) for topic in topics])
    if ctx.principal.kind in {PrincipalKind.ADMINISTRATOR, PrincipalKind.PROGRAM}:
        before, after = {"status": order.status}, {"status": status, "failure": values.get("failure")}
        if balances is not None:
            before["balance"], after["balance"] = (balance_text(locked.state, one) for one in balances)
        ctx.audit(tx, topics[0], f"order:{order.id}", before=before, after=after)
