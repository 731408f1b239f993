"""The use case of ordering: the points, the stock and the code in one database transaction, or nothing."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from sqlalchemy import Connection

from domain.access import Permission
from domain.catalog import Customer, Terms, period_start, price_of, refusal_to_order
from domain.catalog_errors import CatalogItemNotFound, PriceChanged
from domain.catalog_terms import TYPE_OF_KIND, CatalogItem
from domain.crypto import encrypt
from domain.errors import BadRequest, BelowMinimum, TesseraError
from domain.ledger.account import Account
from domain.ledger.posting import Draft
from domain.member_status import Operation, refusal_by_status
from domain.models import catalog_order
from domain.models.types import to_json
from domain.points import from_minor, plain, to_minor
from domain.program_zone import local_date, start_of_day
from domain.store.catalog import lock_stock, move_stock
from domain.store.idempotency import fingerprint_of
from domain.store.ids import allocate_ids
from domain.store.lot import open_lots
from domain.store.member import Stored
from domain.store.merge import merged_ids
from domain.store.order import FULFILLED, PLACED, StoredOrder, count_orders, count_redemptions, insert_order
from domain.store.outbox import add_events
from domain.store.program import ProgramState
from domain.store.voucher import give_code, lock_free_code
from resolvers.context import Context
from resolvers.movement import Keyed, Locked, Outcome, free_text, member_with, move_once, require_key
from resolvers.order_record import Order, order_event, read_order
from resolvers.points_note import balance_text
from resolvers.segment import memberships

WEBHOOK_ANSWER_DAYS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceOrder:
    """Order one piece of an item. `points`: the price that the caller was shown, None: whatever it is now.

    `delivery` says where to, where that is needed.
    """

    relation_reference: str | None
    item: str
    points: Decimal | None = None
    delivery: str | None = None
    idempotency_key: str | None = None


async def place_order(ctx: Context, command: PlaceOrder) -> Order:
    """Order an item: checked, paid and, from a pool, fulfilled at once.

    Raises BadRequest, Forbidden, KeyReused, MemberNotFound, CatalogItemNotFound, MemberSuspended, LoginBlocked,
    MemberCancelled, MemberNotActive, MembershipBlocked, PriceChanged, CatalogItemClosed, NotEligible,
    OrderLimitReached, OutOfStock, BelowMinimum, HeldForReview, InsufficientPoints.
    """
    ctx.principal.require(Permission.ORDER_PLACE)
    reference = ctx.principal.member(command.relation_reference)
    if not reference:
        raise BadRequest("RelationReference: is missing", field="relation_reference")
    ctx.key(command.idempotency_key)
    given = replace(command, relation_reference=reference, delivery=free_text(command.delivery, "delivery"))
    result = await ctx.write(partial(_place, ctx, given, ctx.services.clock()))
    if isinstance(result, TesseraError):
        raise result
    return result


def _place(ctx: Context, command: PlaceOrder, now: datetime, tx: Connection) -> Order | TesseraError:
    state = ctx.program(tx)
    require_key(state, command.idempotency_key)
    reference = command.relation_reference or ""
    # A plain hash of an address could be guessed.
    delivery = command.delivery and ctx.services.keys.lookup_hash(state.id, "delivery", command.delivery).hex()
    keyed = Keyed(
        use_case="order",
        key=ctx.key(command.idempotency_key),
        fingerprint=fingerprint_of(
            reference, command.item, None if command.points is None else plain(command.points), delivery
        ),
        now=now,
    )
    moved = move_once(
        tx,
        ctx,
        keyed,
        lambda _: [member_with(tx, ctx, state.id, reference)],
        lambda locked: _decide(locked, ctx, command),
    )
    return moved if isinstance(moved, TesseraError) else read_order(tx, ctx, moved)


def _decide(locked: Locked, ctx: Context, command: PlaceOrder) -> Outcome:
    state = locked.state
    [(member_id, account)] = locked.accounts.items()
    stored = locked.members[member_id]
    item = item_named(state, command.item)
    stopped = refusal_by_status(Operation.REDEEM, stored.member.status)
    if stopped is not None:
        raise stopped
    price = price_of(item, state.terms.redemption_rate, state.places)
    if command.points is not None and command.points != from_minor(price, state.places):
        raise PriceChanged(f"it costs {from_minor(price, state.places)} points", field="points")
    code = _check(locked, item, price, account, stored)
    [order_id] = allocate_ids(locked.tx, catalog_order, state.id, 1)
    draft = _debit(locked, item, price, account, order_id)
    order = _order(locked, ctx, item, draft, order_id, stored, delivery=command.delivery)
    if code is not None:
        opened = encrypt(stored.data_key, ctx.services.keys.open_voucher(code[1]))
        order = replace(order, status=FULFILLED, code=opened, ended_by=ctx.principal.actor, ended_at=locked.now)
    insert_order(locked.tx, state.id, order)
    if code is not None:
        give_code(locked.tx, state.id, code[0], order_id, locked.now)
    if order.took_stock:
        move_stock(locked.tx, state.id, item.code, -1)
    topics = ["order.placed"] if code is None else ["order.placed", "order.fulfilled"]
    add_events(locked.tx, state.id, [order_event(one, order, locked.now) for one in topics])
    if ctx.is_by_hand:
        _note(locked, ctx, order, account)
    return {"entry_id": draft.id, "order_id": order_id}


def item_named(state: ProgramState, code: str) -> CatalogItem:
    """The item of this code. Raises CatalogItemNotFound."""
    for one in state.configuration.catalog:
        if one.code == code:
            return one
    raise CatalogItemNotFound(field="item")


def redemption_terms(state: ProgramState) -> Terms:
    """What the program says to every redemption."""
    most = state.configuration.fraud.redemption
    return Terms(
        minimum=state.terms.redemption_minimum_minor,
        most_points=None if most.max_points is None else to_minor(most.max_points, state.places),
        most_a_day=most.max_per_day,
    )


def _check(locked: Locked, item: CatalogItem, price: int, account: Account, stored: Stored) -> tuple[int, bytes] | None:
    """The voucher code that the order gets, locked, if it is one for that. Raises what speaks against the order."""
    tx, state, now = locked.tx, locked.state, locked.now
    code, stock = None, None
    if item.fulfilment == "pool":
        code = lock_free_code(tx, state.id, item.pool_name, now)
        stock = 0 if code is None else 1
    elif item.stock == "counted":
        stock = lock_stock(tx, state.id, item.code)
    terms = redemption_terms(state)
    customer = _customer(locked, item, account, stored, counts_day=terms.most_a_day is not None)
    refusal = refusal_to_order(item, price, customer, terms, stock=stock, now=now, zone=state.zone)
    if refusal is BelowMinimum:
        raise BelowMinimum(f"minimum {state.terms.redemption_minimum}")
    if refusal is not None:
        raise refusal
    return code


def _customer(locked: Locked, item: CatalogItem, account: Account, stored: Stored, *, counts_day: bool) -> Customer:
    tx, state, now, member = locked.tx, locked.state, locked.now, stored.member
    ordered = 0
    if item.limit is not None:
        own = [member.id, *merged_ids(tx, state.id, [member.id])]
        since = period_start(item.limit_period, now, state.zone)
        ordered = count_orders(tx, state.id, own, [item.code], since)[item.code]
    today = start_of_day(local_date(now, state.zone), state.zone)
    return Customer(
        available=account.available,
        tier=member.tier,
        segments=memberships(tx, state, [member], now)[member.id] if item.segments else (),
        ordered=ordered,
        redemptions=count_redemptions(tx, state.id, member.id, today) if counts_day else 0,
    )


def _debit(locked: Locked, item: CatalogItem, price: int, account: Account, order_id: int) -> Draft:
    state = locked.state
    txn_type = item.loyalty_txn_type or TYPE_OF_KIND.get(item.kind, state.terms.default_loyalty_txn_type)
    draft = Draft("redemption", "redeem", -price, txn_type, locked.now, [], merchant=state.merchant, amount=item.money)
    draft.detail = to_json({"order": order_id, "item": item.name})
    account.debit(draft, open_lots(locked.tx, state.id, [account.id])[account.id])
    locked.journal.flush()
    return draft


def _order(
    locked: Locked,
    ctx: Context,
    item: CatalogItem,
    draft: Draft,
    order_id: int,
    stored: Stored,
    *,
    delivery: str | None,
) -> StoredOrder:
    is_webhook = item.fulfilment == "webhook"
    days = item.answer_days or (WEBHOOK_ANSWER_DAYS if is_webhook else None)
    answer_by = None if days is None or item.fulfilment == "pool" else locked.now + timedelta(days=days)
    return StoredOrder(
        id=order_id,
        member_id=stored.member.id,
        external_reference=draft.external_reference,
        item=item.code,
        item_name=item.name,
        kind=item.kind,
        fulfilment=item.fulfilment,
        partner=item.partner,
        status=PLACED,
        points=-draft.points,
        amount=item.money,
        took_stock=item.stock == "counted",
        entry_id=draft.id or 0,
        placed_by=ctx.principal.actor,
        placed_at=locked.now,
        delivery=encrypt(stored.data_key, delivery) if delivery else None,
        answer_by=answer_by,
        due_at=locked.now if is_webhook else answer_by,
    )


def _note(locked: Locked, ctx: Context, order: StoredOrder, account: Account) -> None:
    balance, state = account.balance, locked.state
    after = {
        "member": order.member_id,
        "item": order.item,
        "points": balance_text(state, order.points),
        "status": order.status,
        "balance": balance_text(state, balance),
    }
    before = {"balance": balance_text(state, balance + order.points)}
    ctx.audit(locked.tx, "order.place", f"order:{order.id}", before=before, after=after)
