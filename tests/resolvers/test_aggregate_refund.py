"""Aggregates after refunds: every figure is that of the purchases that stand, whatever was refunded in which order."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from domain.rules.cap import LIFETIME_START
from domain.rules.parse import parse_file
from domain.store.tally import forget_aggregates
from resolvers.configuration import apply_configuration
from resolvers.context import Context
from resolvers.merge import MergeMembers, merge_members, undo_merge
from resolvers.recount import recount_aggregates
from tests.resolvers.conftest import Shop
from tests.resolvers.test_recount import BARE, both, buckets, day
from tests.resolvers.test_refund import bought, points_of, refunded

__all__ = ["both"]

FUNCTIONS = ("sum", "count", "min", "max", "average")
PERIODS = ("lifetime", "mtd", "qtd", "ytd", "rolling_365")
LARGE = "when: {attribute: transaction.amount, op: gte, value: 20}"
RULES = (
    BARE
    + b"aggregates:\n"
    + "\n".join(
        f"  - {{key: {function}_{of}_{period}, of: {of}, function: {function}, period: {period}, {LARGE}}}"
        for of, functions in (("amount", FUNCTIONS), ("quantity", ("sum", "max")))
        for function in functions
        for period in PERIODS
    ).encode()
)
BERLIN = ZoneInfo("Europe/Berlin")
# At 23 hours UTC, most of these are in another month, quarter or year on the program's clocks.
DAYS = ((1, 1), (1, 31), (3, 31), (4, 1), (4, 30), (12, 31))


@dataclass
class Bought:
    """A purchase as this module counts it."""

    amount: Decimal
    quantity: int
    at: datetime
    refunded: Decimal = Decimal(0)

    @property
    def stands(self) -> bool:
        return self.refunded < self.amount


@dataclass
class Book:
    """What a member bought, and what of it went back."""

    purchases: dict[str, Bought] = field(default_factory=dict)

    def expected(self) -> dict[tuple[str, date], tuple[Any, ...]]:
        """Sum, count, least and greatest of every bucket that a purchase ever fell into."""
        found = {}
        for of in ("amount", "quantity"):
            for function in FUNCTIONS if of == "amount" else ("sum", "max"):
                for period in PERIODS:
                    for start, mine in self._by_start(period).items():
                        found[f"{function}_{of}_{period}", start] = _figures(of, function, mine)
        return found

    def _by_start(self, period: str) -> dict[date, list[Bought]]:
        parts: dict[date, list[Bought]] = {}
        for one in self.purchases.values():
            if one.amount >= 20:
                parts.setdefault(_start(period, one.at.astimezone(BERLIN).date()), []).append(one)
        return parts


def _start(period: str, day: date) -> date:
    first = {"mtd": day.month, "qtd": day.month - (day.month - 1) % 3, "ytd": 1}
    if period == "lifetime":
        return LIFETIME_START
    return day if period == "rolling_365" else date(day.year, first[period], 1)


def _figures(of: str, function: str, mine: Iterable[Bought]) -> tuple[Any, ...]:
    standing = [one for one in mine if one.stands]
    values = [Decimal(getattr(one, of)) for one in standing]
    back = sum((one.refunded for one in standing), Decimal(0)) if of == "amount" else Decimal(0)
    extremes = (min(values, default=None), max(values, default=None)) if function in {"min", "max"} else (None, None)
    return sum(values, -back), len(values), *extremes


async def found(context: Context) -> dict[tuple[str, date], tuple[Any, ...]]:
    """The stored buckets of ANN."""
    return {(key, start): tuple(figures) for who, key, start, *figures in await buckets(context) if who == "ANN"}


async def recounted(context: Context) -> list[tuple[Any, ...]]:
    """All buckets, counted from nothing."""

    def body(tx: Connection) -> None:
        after = parse_file(RULES)
        forget_aggregates(tx, context.principal.program, [one.key for one in after.aggregates])
        recount_aggregates(tx, context.principal.program, parse_file(BARE), after)

    await context.write(body)
    return await buckets(context)


def step(chance: random.Random, book: Book, number: int) -> list[Any]:
    """Up to four purchases and refunds for one run."""
    rows: list[Any] = []
    for _ in range(chance.choice((1, 1, 2, 4))):
        standing = [name for name, one in book.purchases.items() if one.stands]
        if standing and chance.random() < 0.5:
            name = chance.choice(standing)
            one = book.purchases[name]
            left = one.amount - one.refunded
            part = chance.choice((left, left, Decimal(chance.randint(1, int(left)))))
            one.refunded += part
            rows.append(refunded(name, str(part)))
        else:
            name = f"N{number}-{len(rows)}"
            at = day(*chance.choice(DAYS), 23)
            amount, quantity = chance.choice((10, 20, 20, 30, 40, 50)), chance.randint(1, 4)
            book.purchases[name] = Bought(Decimal(amount), quantity, at)
            rows.append(bought(name, amount, transaction_date=at, attributes={"quantity": str(quantity)}))
    return rows


@pytest.mark.parametrize("seed", range(3))
async def test_after_every_step_all_figures_are_those_of_the_purchases_that_stand(
    both: list[Context], seed: int
) -> None:
    context, chance, book = both[0], random.Random(seed), Book()
    await apply_configuration(context, RULES, prune=True)
    for number in range(12):
        assert all(isinstance(one, int) for one in await points_of(context, *step(chance, book, number)))
        stored = await found(context)
        assert stored == book.expected()
        assert await recounted(context) == await buckets(context)
        assert await found(context) == stored


async def test_what_partial_refunds_leave(both: list[Context]) -> None:
    context = both[0]
    await apply_configuration(context, RULES, prune=True)
    await points_of(context, bought("A", 50, transaction_date=day(2, 3)), bought("B", 30, transaction_date=day(2, 4)))
    await points_of(context, refunded("A", 49))
    figures = await found(context)
    # The sum loses the part; the purchase still is one, of what it was bought for.
    assert figures["sum_amount_lifetime", LIFETIME_START][:2] == (31, 2)
    assert figures["max_amount_lifetime", LIFETIME_START][2:] == (30, 50)
    await points_of(context, refunded("A", 1))
    assert (await found(context))["max_amount_lifetime", LIFETIME_START] == (30, 1, 30, 30)


async def test_a_survivor_of_a_merge_counts_the_victims_purchases_too(shop: Shop, both: list[Context]) -> None:
    context = both[0]
    await apply_configuration(context, RULES, prune=True)
    mine, theirs = {"member_relation_reference": "ANN"}, {"member_relation_reference": "BOB"}
    await points_of(
        context,
        bought("A", 40, transaction_date=day(2, 3), **mine),
        bought("B", 50, transaction_date=day(2, 4), **theirs),
        bought("C", 30, transaction_date=day(2, 5), **theirs),
    )
    await merge_members(context, MergeMembers(victim="BOB", survivor="ANN"))
    await points_of(context, refunded("A", 40))
    await points_of(context, refunded("B", 50, **theirs))
    figures = await found(context)
    assert figures["max_amount_lifetime", LIFETIME_START] == (30, 1, 30, 30)


async def test_members_whom_an_undone_merge_parts_have_the_figures_of_their_own_purchases(both: list[Context]) -> None:
    merged, apart = both
    theirs = {"member_relation_reference": "BOB"}
    rows = [
        bought("A", 40, transaction_date=day(2, 3)),
        bought("B", 50, transaction_date=day(2, 4), **theirs),
        bought("C", 30, transaction_date=day(2, 5), **theirs),
    ]
    await apply_configuration(merged, BARE, prune=True)
    await points_of(merged, *rows)
    merge = await merge_members(merged, MergeMembers(victim="BOB", survivor="ANN"))
    # Both after the merge: the definitions, and a refund of what the victim bought.
    await apply_configuration(merged, RULES, prune=True)
    await points_of(merged, refunded("B", 50, **theirs))
    await undo_merge(merged, merge.id)
    await apply_configuration(apart, RULES, prune=True)
    await points_of(apart, *rows, refunded("B", 50, **theirs))
    assert await buckets(merged) == await buckets(apart) != []
