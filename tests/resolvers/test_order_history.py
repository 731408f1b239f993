"""Random histories of orders against a model: balances, stock, codes and states agree after each step."""

import random
from dataclasses import dataclass, field

import pytest

from domain.store.catalog import read_stock
from resolvers.catalog_stock import ChangeStock, ImportCodes, change_stock, import_codes, list_pools
from resolvers.context import Context
from resolvers.order import PlaceOrder, place_order
from resolvers.order_end import CancelOrder, FailOrder, FulfilOrder, cancel_order, fail_order, fulfil_order
from resolvers.order_record import ListOrders, list_orders
from resolvers.order_work import work_orders
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import balance, enroll, outcome, verified
from tests.resolvers.wares import fill
from tests.scale import scaled

HISTORIES, STEPS = scaled(40), 60
PRICES = {"CARD": 30, "BOWL": 20, "GIFT": 10, "ONCE": 5}
MEMBERS = {"ANN": 150, "BOB": 60}


@dataclass
class Model:
    """What there should be."""

    points: dict[str, int] = field(default_factory=lambda: dict(MEMBERS))
    codes: int = 3
    bowls: int = 2
    states: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    of_the_month: list[int] = field(default_factory=list)

    def refusal(self, member: str, item: str) -> str:
        """The code with which an order is refused."""
        limited = [
            one for one in self.of_the_month if self.states[one][0] == member and self.states[one][2] != "REVERSED"
        ]
        if item == "ONCE" and limited:
            return "1383"
        if {"CARD": self.codes, "BOWL": self.bowls}.get(item, 1) == 0:
            return "1384"
        return "121" if self.points[member] < PRICES[item] else "000"

    def placed(self, order_id: int, member: str, item: str) -> None:
        self.points[member] -= PRICES[item]
        self.codes -= item == "CARD"
        self.bowls -= item == "BOWL"
        self.states[order_id] = (member, item, "FULFILLED" if item == "CARD" else "PLACED")
        if item == "ONCE":
            self.of_the_month.append(order_id)

    def ended(self, order_id: int, state: str) -> None:
        member, item, _ = self.states[order_id]
        self.states[order_id] = (member, item, state)
        if state == "REVERSED":
            self.points[member] += PRICES[item]
            self.bowls += item == "BOWL"


async def step(shop: Shop, ctx: Context, model: Model, chance: random.Random) -> None:
    """One thing that happens, in the model and in the database."""
    what = chance.choice(["order"] * 6 + ["fulfil", "fail", "cancel"] * 2 + ["code", "bowl", "month"])
    if what == "order":
        member, item = chance.choice(tuple(MEMBERS)), chance.choice(tuple(PRICES))
        expected, order = model.refusal(member, item), PlaceOrder(relation_reference=member, item=item)
        if expected == "000":
            model.placed((await place_order(ctx, order)).id, member, item)
        else:
            assert await outcome(place_order(ctx, order)) == expected
    elif what == "code":
        model.codes += 1
        await import_codes(ctx, ImportCodes(pool="CARDS", codes=[f"N-{chance.random()}"]))
    elif what == "bowl":
        model.bowls += 1
        await change_stock(ctx, ChangeStock(item="BOWL", by=1))
    elif what == "month":
        # Bowls that nobody ended are due by then.
        shop.later(days=31)
        model.of_the_month.clear()
        await work_orders(ctx.services)
        for order_id, (_, item, state) in list(model.states.items()):
            if (item, state) == ("BOWL", "PLACED"):
                model.ended(order_id, "REVERSED")
    elif model.states:
        await end(ctx, model, what, chance.choice(tuple(model.states)))


async def end(ctx: Context, model: Model, what: str, order_id: int) -> None:
    """Try to end an order, whatever has become of it."""
    if what == "fulfil":
        ending = fulfil_order(ctx, FulfilOrder(order=order_id))
    elif what == "fail":
        ending = fail_order(ctx, FailOrder(order=order_id, reason="No"))
    else:
        ending = cancel_order(ctx, CancelOrder(order=order_id))
    if model.states[order_id][2] != "PLACED":
        assert await outcome(ending) == "1387"
    else:
        await ending
        model.ended(order_id, "FULFILLED" if what == "fulfil" else "REVERSED")


async def agrees(ctx: Context, model: Model) -> None:
    """The database has what the model has."""
    for member, points in model.points.items():
        assert (await balance(ctx, member)).available == points
    found = {one.id: one.status for one in await list_orders(ctx, ListOrders(), first=1000)}
    assert found == {order_id: state for order_id, (_, _, state) in model.states.items()}
    assert await ctx.read(lambda tx: read_stock(tx, ctx.principal.program, ["BOWL"])) == {"BOWL": model.bowls}
    [pool] = await list_pools(ctx)
    assert (pool.free, pool.given) == (
        model.codes,
        sum(item == "CARD" for _, item, _ in model.states.values()),
    )


@pytest.mark.parametrize("seed", range(HISTORIES))
async def test_a_history_agrees_with_its_model(shop: Shop, seed: int) -> None:
    chance, model, ctx = random.Random(seed), Model(), shop.contexts[0]
    for member, points in MEMBERS.items():
        await enroll(ctx, member, points)
    await fill(ctx)
    for _ in range(STEPS):
        await step(shop, ctx, model, chance)
        await agrees(ctx, model)
    assert {state for _, _, state in model.states.values()} == {"PLACED", "FULFILLED", "REVERSED"}
    await verified(shop)
