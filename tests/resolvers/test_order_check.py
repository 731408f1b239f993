"""`ledger verify` finds a single change of what orders and codes have stored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from domain.ids import new_reference
from domain.models import catalog_order, voucher_code
from resolvers.context import Context
from resolvers.order import place_order
from resolvers.order_end import CancelOrder, FulfilOrder, cancel_order, fulfil_order
from resolvers.order_record import Order
from resolvers.redemption import RedeemPoints, redeem_points
from resolvers.verification import verify_ledger
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import enroll, verified
from tests.resolvers.wares import BOWL, CARD, GIFT, fill


@dataclass
class Orders:
    """An order in each state, a redemption that is none, and whose they are."""

    ctx: Context
    placed: Order
    fulfilled: Order
    reversed: Order
    given: Order
    redeemed: int

    async def change(self, order: Order, **values: Any) -> None:
        """Change columns of an order behind its back."""
        await self._run(update(catalog_order).where(catalog_order.c.id == order.id).values(**values))

    async def change_code(self, of: int | None, /, **values: Any) -> None:
        """The same of the code of an order, or of the free one."""
        own = voucher_code.c.order_id.is_(None) if of is None else voucher_code.c.order_id == of
        await self._run(update(voucher_code).where(own).values(**values))

    async def _run(self, statement: Any) -> None:
        await self.ctx.write(lambda tx: tx.execute(statement))


@pytest.fixture
async def orders(shop: Shop) -> Orders:
    """Orders of which all holds."""
    ctx = shop.contexts[0]
    await enroll(ctx, "ANN", 200)
    await fill(ctx, ["FIRST", "SECOND"])
    placed, fulfilled, failed, given = [await place_order(ctx, one) for one in (GIFT, BOWL, GIFT, CARD)]
    redemption = await redeem_points(
        ctx, RedeemPoints(relation_reference="ANN", points=Decimal(10), merchant_name="Shop")
    )
    found = Orders(
        ctx,
        placed,
        await fulfil_order(ctx, FulfilOrder(order=fulfilled.id)),
        await cancel_order(ctx, CancelOrder(order=failed.id)),
        given,
        redemption.entry_id,
    )
    await verified(shop)
    return found


NOBODYS = new_reference()

Change = Callable[[Orders], Any]
CHANGES: Mapping[str, tuple[Change, str, str]] = {
    "points": (lambda o: o.change(o.placed, points=11), "placed", "of other points"),
    "another redemption": (lambda o: o.change(o.placed, entry_id=o.redeemed), "placed", "another reference"),
    "no redemption": (lambda o: o.change(o.placed, entry_id=o.reversed.reversal_id), "placed", "is no redemption"),
    "reference": (
        lambda o: o.change(o.placed, external_reference=NOBODYS),
        "placed",
        "another reference",
    ),
    "given and reversed": (
        lambda o: o.change(o.reversed, status="FULFILLED", reversal_id=None),
        "reversed",
        "its redemption was reversed",
    ),
    "gone and nothing given": (
        lambda o: o.change(o.fulfilled, status="REVERSED", reversal_id=o.reversed.reversal_id),
        "fulfilled",
        "it is reversed, and its redemption has the reversals []",
    ),
    "another reversal": (
        lambda o: o.change(o.reversed, reversal_id=o.placed.entry_id),
        "reversed",
        "has the reversals",
    ),
    "code of no pool": (lambda o: o.change_code(None, sealed=None, order_id=o.placed.id), "placed", "has a code"),
    "no code": (lambda o: o.change_code(o.given.id, sealed=b"x", order_id=None), "given", "no code"),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_single_change_is_found(shop: Shop, orders: Orders, name: str) -> None:
    change, whose, told = CHANGES[name]
    await change(orders)
    findings = await verify_ledger(shop.services)
    assert [one.where for one in findings] == [f"order {getattr(orders, whose).id}"]
    assert told in findings[0].what
