"""Expiry by inactivity and refunds: what a purchase put off goes back once all that it earned is taken back."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, select

from domain.ledger.expiry import ExpiryTerms, expires_at
from domain.models import account, lot, member
from domain.program_zone import load_zone
from resolvers.context import Context
from resolvers.redemption import check_availability
from resolvers.submission_order import SubmitTransaction
from resolvers.transaction import submit_transactions
from resolvers.verification import verify_ledger
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import entries
from tests.resolvers.test_refund import bought, points_of, refunded
from tests.resolvers.test_standing import ann, under

__all__ = ["ann"]

RULES = b"""
version: 1
program: {time_zone: Europe/Berlin}
expiry: {policy: inactivity, months: 6, period_end: month}
product_codes: [{code: MUSIC}, {code: BOOK}]
rule_groups:
  - name: Base
    rules:
      - {name: One for one, when: {attribute: transaction.product_code, op: eq, value: MUSIC},
         award: {type: per_unit, of: transaction.amount, points: 1}}
      - {name: To the end of the year, when: {attribute: transaction.product_code, op: eq, value: BOOK},
         award: {type: per_unit, of: transaction.amount, points: 1, expires: {date: 2026-12-31}}}
"""

BERLIN = load_zone("Europe/Berlin")
TERMS = ExpiryTerms(policy="inactivity", months=6, period_end="month")


def day(month: int, number: int = 10) -> datetime:
    return datetime(2026, month, number, 12, tzinfo=UTC)


def ends(month: int) -> datetime:
    """When points are gone that somebody whose last purchase was in this month has."""
    return expires_at(TERMS, day(month), BERLIN)


async def dates(context: Context) -> list[tuple[int, datetime]]:
    """What ANN's open lots have left, and until when."""

    def body(tx: Connection) -> list[tuple[int, datetime]]:
        mine = (account.c.program_id == lot.c.program_id) & (account.c.id == lot.c.account_id)
        owner = (member.c.program_id == account.c.program_id) & (member.c.id == account.c.member_id)
        rows = tx.execute(
            select(lot.c.remaining, lot.c.expires_at)
            .join(account, mine)
            .join(member, owner)
            .where(lot.c.program_id == context.principal.program, lot.c.is_open)
            .where(member.c.relation_reference == "ANN")
            .order_by(lot.c.earned_at, lot.c.remaining)
        )
        return [(row.remaining, row.expires_at) for row in rows]

    return await context.read(body)


async def together_and_alone(shop: Shop, *commands: SubmitTransaction) -> list[tuple[int, datetime]]:
    """What is open after these, which is the same in one run as one by one."""
    one_by_one, in_one_run = shop.contexts
    for command in commands:
        await submit_transactions(one_by_one, [command])
    await submit_transactions(in_one_run, list(commands))
    assert await dates(one_by_one) == await dates(in_one_run)
    assert await verify_ledger(shop.services) == []
    return await dates(one_by_one)


async def test_a_refund_of_the_whole_takes_back_what_the_purchase_put_off(shop: Shop, ann: Context) -> None:
    await under(shop, RULES)
    shop.now = day(4)
    first, second = bought("A", 100, transaction_date=day(1)), bought("B", 50, transaction_date=day(3))
    assert await together_and_alone(shop, first, second) == [(100, ends(3)), (50, ends(3))]
    assert await together_and_alone(shop, refunded("B", 49)) == [(100, ends(3)), (1, ends(3))]
    assert await together_and_alone(shop, refunded("B", 1)) == [(100, ends(1))]
    # The next purchase puts it off as if there had been no other.
    assert await together_and_alone(shop, bought("C", 1, transaction_date=day(2))) == [(100, ends(2)), (1, ends(2))]


async def test_within_one_run_it_is_the_same(shop: Shop, ann: Context) -> None:
    await under(shop, RULES)
    shop.now = day(4)
    rows = [
        refunded("B", 50, transaction_date=day(1)),  # waits for its purchase
        bought("A", 100, transaction_date=day(1)),
        bought("B", 50, transaction_date=day(3)),
        bought("C", 7, transaction_date=day(2)),
        bought("D", 9, transaction_date=day(4)),
        refunded("D", 9, transaction_date=day(4)),
    ]
    assert await together_and_alone(shop, *rows) == [(100, ends(2)), (7, ends(2))]


async def test_lots_are_numbered_as_they_were_made_though_what_comes_after_in_the_run_moves_their_dates(
    shop: Shop, ann: Context
) -> None:
    await under(shop, RULES)
    shop.now = day(4)
    await together_and_alone(shop, bought("A", 100, transaction_date=day(1)), bought("B", 50, transaction_date=day(3)))
    for context in shop.contexts:

        def body(tx: Connection, program_id: int | None = context.principal.program) -> list[int]:
            return list(tx.scalars(select(lot.c.points).where(lot.c.program_id == program_id).order_by(lot.c.id)))

        assert await context.read(body) == [100, 50]


async def test_another_purchase_holds_what_both_put_off_until_it_is_refunded_too(shop: Shop, ann: Context) -> None:
    await under(shop, RULES)
    shop.now = day(4)
    await together_and_alone(shop, bought("A", 100, transaction_date=day(1)), bought("B", 50, transaction_date=day(3)))
    # The same month, so that it moves no date itself; and an earlier one, which has that of the month too.
    await together_and_alone(shop, bought("C", 5, transaction_date=day(3, 12)))
    await together_and_alone(shop, bought("D", 3, transaction_date=day(2)))
    assert await together_and_alone(shop, refunded("B", 50)) == [(100, ends(3)), (3, ends(3)), (5, ends(3))]
    assert await together_and_alone(shop, refunded("C", 5)) == [(100, ends(2)), (3, ends(2))]


async def test_what_is_past_by_that_expires_at_the_refund(shop: Shop, ann: Context) -> None:
    await under(shop, RULES)
    shop.now = day(3)
    await together_and_alone(shop, bought("A", 100, transaction_date=day(1)), bought("B", 50, transaction_date=day(3)))
    shop.now = day(8)
    assert await check_availability(ann, "ANN") == 150
    assert await together_and_alone(shop, refunded("B", 50, transaction_date=day(8))) == []
    assert await check_availability(ann, "ANN") == 0
    expired, taken = (await entries(ann, "ANN"))[:2]
    assert (taken.stored.kind, int(taken.points)) == ("refund", -50)
    # Dated when it happens: what the balance was before does not change.
    assert (expired.stored.kind, int(expired.points), expired.stored.transaction_date) == ("expiry", -100, shop.now)


async def test_a_rules_own_date_stays(shop: Shop, ann: Context) -> None:
    await under(shop, RULES)
    shop.now = day(7)
    rows = [
        bought("A", 100, transaction_date=day(1)),
        bought("B", 50, transaction_date=day(3), product_code="BOOK"),
        bought("C", 5, transaction_date=day(6)),  # to the end of the year as well
    ]
    year = ends(6)
    assert await together_and_alone(shop, *rows) == [(100, year), (50, year), (5, year)]
    assert await together_and_alone(shop, refunded("C", 5)) == [(100, ends(3)), (50, year)]


@pytest.mark.parametrize("at", [day(3), day(6)])
async def test_a_rules_own_date_that_is_that_of_the_last_purchase_too_is_not_taken_back(
    shop: Shop, ann: Context, at: datetime
) -> None:
    await under(shop, RULES)
    shop.now = day(7)
    own = bought("B", 50, transaction_date=at, product_code="BOOK")
    rows = [bought("A", 100, transaction_date=day(1)), bought("C", 5, transaction_date=day(6)), own]
    year = ends(6)
    assert sorted(await together_and_alone(shop, *rows)) == [(5, year), (50, year), (100, year)]
    before = ends(at.month)
    assert await together_and_alone(shop, refunded("C", 5)) == [(100, before), (50, year)]
    # Put off together with the others it goes back to its own, and no further.
    assert await together_and_alone(shop, bought("D", 9, transaction_date=day(7)), refunded("D", 9)) == [
        (100, before),
        (50, year),
    ]
    later = bought("E", 5, transaction_date=day(6)), bought("F", 9, transaction_date=day(7))
    await together_and_alone(shop, *later)
    assert await together_and_alone(shop, refunded("F", 9), refunded("E", 5)) == [(100, before), (50, year)]


async def test_points_that_count_from_their_release_are_put_off_by_what_is_bought_after_it(
    shop: Shop, ann: Context
) -> None:
    rules = RULES.replace(b"Europe/Berlin}", b"Europe/Berlin, pending_validity: release}")
    await under(shop, rules.replace(b"points: 1}}", b"points: 1, release_after_days: 60}}", 1))
    shop.now = day(1)
    # Released on 11 March, so that they are good as if they were earned then.
    assert await together_and_alone(shop, bought("A", 100, transaction_date=day(1))) == [(100, ends(3))]
    shop.now = day(2)
    rows = [bought("B", 50, transaction_date=day(2))]
    assert await together_and_alone(shop, *rows) == [(100, ends(3)), (50, ends(4))]
    shop.now = day(5)
    rows = [bought("C", 5, transaction_date=day(5), product_code="BOOK")]
    assert await together_and_alone(shop, *rows) == [(100, ends(5)), (50, ends(5)), (5, ends(6))]
    # Without it each counts from its own release again.
    assert await together_and_alone(shop, refunded("C", 5, transaction_date=day(5))) == [(100, ends(3)), (50, ends(4))]


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_bought_and_refunded_all_dates_are_those_of_the_last_purchase_that_stands(
    shop: Shop, ann: Context, seed: int
) -> None:
    await under(shop, RULES)
    shop.now = day(6)
    chance = random.Random(seed)
    bought_at: dict[str, datetime] = {}
    left: dict[str, int] = {}
    for number in range(14):
        rows: list[Any] = []
        for _ in range(chance.choice((1, 1, 3))):
            if left and chance.random() < 0.45:
                name = chance.choice(sorted(left))
                part = chance.choice((left[name], chance.randint(1, left[name])))
                rows.append(refunded(name, part, transaction_date=shop.now))
                left[name] -= part
                if not left[name]:
                    del left[name], bought_at[name]
            else:
                name = f"N{number}-{len(rows)}"
                at = day(chance.randint(1, 6), chance.randint(1, 10))
                bought_at[name], left[name] = at, chance.randint(1, 60)
                rows.append(bought(name, left[name], transaction_date=at))
        assert all(isinstance(one, int) for one in await points_of(ann, *rows))
        last = max(bought_at.values(), default=shop.now)
        expected = sorted((bought_at[name], left[name]) for name in left)
        assert await dates(ann) == [(points, expires_at(TERMS, last, BERLIN)) for _, points in expected]
    assert await verify_ledger(shop.services) == []
