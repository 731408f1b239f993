"""Caps, aggregates, release delays, inactivity and tiers as they are counted in the database."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import TesseraError
from resolvers.adjustment import AdjustPoints, adjust_points
from resolvers.configuration import apply_configuration
from resolvers.context import Context
from resolvers.ledger import list_balances
from resolvers.member import EnrollMember, enroll_member, get_member
from resolvers.merge import MergeMembers, merge_members, undo_merge
from resolvers.redemption import RedeemPoints, check_availability, redeem_points
from resolvers.statement import StatementQuery, get_statement_summary, list_statement
from resolvers.tier import assess_tiers
from resolvers.transaction import TransactionOutcome, submit_transaction, submit_transactions
from resolvers.verification import verify_ledger
from tests.resolvers.conftest import Shop
from tests.resolvers.test_refund import bought, refunded

CAPS = b"""
version: 1
program: {time_zone: Europe/Berlin, accrual_cap_per_month: 500}
product_codes: [{code: MUSIC}]
rule_groups:
  - name: Base
    caps: {day: 100, month: 250, lifetime: 600}
    rules: [{name: One for one, award: {type: per_unit, of: transaction.amount, points: 1}}]
  - name: More
    rules: [{name: Once more, award: {type: per_unit, of: transaction.amount, points: 1}}]
"""

AGGREGATES = b"""
version: 1
product_codes: [{code: MUSIC}]
aggregates:
  - {key: spent, of: amount, function: sum, period: mtd}
  - {key: purchases, function: count, period: lifetime}
  - {key: year, of: amount, function: sum, period: rolling_365}
rule_groups:
  - name: Base
    rules:
      - name: Big month
        when: {attribute: aggregate.spent, op: gte, value: 100}
        award: {type: flat, points: 10}
      - {name: Every third, award: {type: every_nth, count: purchases, n: 3, points: 7}}
      - name: Big year
        when: {attribute: aggregate.year, op: gte, value: 1000}
        award: {type: flat, points: 1000}
"""

TIERS = b"""
version: 1
product_codes: [{code: MUSIC}]
rule_groups:
  - name: Base
    rules: [{name: One for one, award: {type: per_unit, of: transaction.amount, points: 1}}]
tiers:
  assessment: automatic
  basis: points
  window: rolling_365
  retention_days: 30
  levels:
    - {name: Silver, from: 0, multiplier: 1}
    - {name: Gold, from: 100, multiplier: 2, upgrade_bonus: 50}
    - {name: Platinum, from: 1000, multiplier: 3, upgrade_bonus: 500}
"""

DELAYED = b"""
version: 1
program: {time_zone: Europe/Berlin}
expiry: {policy: inactivity, months: 6, period_end: month}
product_codes: [{code: MUSIC}]
rule_groups:
  - name: Base
    rules:
      - name: One for one
        when: {attribute: transaction.amount, op: lt, value: 1000}
        award: {type: per_unit, of: transaction.amount, points: 1}
      - name: Later
        when: {attribute: transaction.amount, op: gte, value: 1000}
        award: {type: per_unit, of: transaction.amount, points: 1, release_after_days: 14}
"""


@pytest.fixture
async def ann(shop: Shop) -> Context:
    for context in shop.contexts:
        await enroll_member(context, EnrollMember(values={"relation_reference": "ANN", "status": 1}))
    return shop.contexts[0]


async def under(shop: Shop, document: bytes) -> None:
    for context in shop.contexts:
        await apply_configuration(context, document, prune=True)


async def earned(context: Context, *commands: Any) -> list[int]:
    return [int((await submit_transaction(context, one)).points) for one in commands]


async def in_one_run(context: Context, commands: Sequence[Any]) -> list[int]:
    outcomes = await submit_transactions(context, commands)
    assert not any(isinstance(one, TesseraError) for one in outcomes)
    return [int(one.points) for one in outcomes if isinstance(one, TransactionOutcome)]


def day(number: int) -> datetime:
    return datetime(2026, 2, number, 12, tzinfo=UTC)


async def test_caps_cut_by_day_month_lifetime_and_program_alone_and_in_one_run(shop: Shop, ann: Context) -> None:
    await under(shop, CAPS)
    rows = [
        bought("A", 80, transaction_date=day(3)),  # 80 + 80
        bought("B", 80, transaction_date=day(3)),  # 20 by the day + 80
        bought("C", 80, transaction_date=day(4)),  # 80 + 80
        bought("D", 80, transaction_date=day(5)),  # 70 by the month, 10 by the program
        bought("E", 80, transaction_date=day(6)),  # nothing left in the month
        bought("F", 80, transaction_date=datetime(2026, 3, 1, tzinfo=UTC)),  # 80 + 80
    ]
    alone = await earned(ann, *rows)
    assert alone == [160, 100, 160, 80, 0, 160]
    assert await in_one_run(shop.contexts[1], rows) == alone
    assert await verify_ledger(shop.services) == []


async def test_sixteen_at_once_never_pass_a_cap(shop: Shop, ann: Context) -> None:
    await under(shop, CAPS)
    rows = [bought(f"N{number}", 30, transaction_date=day(3)) for number in range(16)]
    await asyncio.gather(*(submit_transaction(ann, one) for one in rows))
    page = await list_statement(ann, StatementQuery(relation_reference="ANN"))
    groups = dict.fromkeys(("Base", "More"), 0)
    for one in page.entries:
        groups[one.detail["group"]] += int(one.points)
    assert groups == {"Base": 100, "More": 400}
    assert await verify_ledger(shop.services) == []


async def test_a_refund_gives_the_caps_back_in_the_window_of_its_purchase(shop: Shop, ann: Context) -> None:
    await under(shop, CAPS)
    assert await earned(ann, bought("A", 100, transaction_date=day(3))) == [200]
    assert await earned(ann, bought("B", 50, transaction_date=day(3))) == [50]
    assert await earned(ann, refunded("A", 40, transaction_date=day(20))) == [-80]
    assert await earned(ann, bought("C", 50, transaction_date=day(3))) == [90]
    # In one run the same.
    rows = [
        bought("A", 100, transaction_date=day(3)),
        bought("B", 50, transaction_date=day(3)),
        refunded("A", 40, transaction_date=day(20)),
        bought("C", 50, transaction_date=day(3)),
    ]
    assert await in_one_run(shop.contexts[1], rows) == [200, 50, -80, 90]
    assert await verify_ledger(shop.services) == []


async def test_a_refund_after_a_merge_gives_the_caps_back_to_whoever_has_the_purchase_when_it_is_undone(
    shop: Shop, ann: Context
) -> None:
    await under(shop, CAPS)
    for reference in ("OLD", "LAST"):
        await enroll_member(ann, EnrollMember(values={"relation_reference": reference, "status": 1}))
    first = bought("A", 100, transaction_date=day(3), member_relation_reference="OLD")
    assert await earned(ann, first, bought("B", 60, transaction_date=day(3))) == [200, 120]
    # What was spent before the merge and is refunded after it takes points that did not move.
    await redeem_points(ann, RedeemPoints(relation_reference="OLD", points=Decimal(200), merchant_name="Shop"))
    soon = (shop.now + timedelta(days=9)).date()
    given = AdjustPoints(relation_reference="LAST", points=Decimal(200), reason="a gift", expires=soon)
    await adjust_points(ann, given)
    merges = [
        await merge_members(ann, MergeMembers(victim=victim, survivor=survivor))
        for victim, survivor in (("OLD", "ANN"), ("ANN", "LAST"))
    ]
    assert await earned(ann, refunded("A", 100, transaction_date=day(3), member_relation_reference="OLD")) == [-200]
    for merge in reversed(merges):
        await undo_merge(ann, merge.id)
    # ANN has 60 of the 100 of a day still, OLD has bought nothing that stands.
    again = bought("C", 50, transaction_date=day(3))
    assert await earned(ann, again, replace(again, transaction_id="D", member_relation_reference="OLD")) == [90, 100]
    assert await verify_ledger(shop.services) == []


async def test_aggregates_count_with_the_transaction_itself_and_are_given_back(shop: Shop, ann: Context) -> None:
    await under(shop, AGGREGATES)
    rows = [
        bought("A", 60, transaction_date=day(3)),
        bought("B", 50, transaction_date=day(4)),  # 110 in the month
        refunded("B", 20, transaction_date=day(4)),  # 90 in the month, and a part of B's points
        bought("C", 5, transaction_date=day(5)),  # the third
        refunded("A", 60, transaction_date=day(6)),  # counts two again
        bought("D", 100, transaction_date=day(7)),  # the third once more, and 135 in the month
        bought("E", 900, transaction_date=datetime(2026, 9, 1, tzinfo=UTC)),  # 1035 in the year, 900 in the month
        bought("F", 100, transaction_date=datetime(2027, 3, 2, tzinfo=UTC)),  # last February has left the year
    ]
    alone = await earned(ann, *rows)
    assert alone == [0, 10, -4, 7, 0, 17, 1010, 1010]
    assert await in_one_run(shop.contexts[1], rows) == alone


async def test_points_are_released_to_the_day_and_expire_by_inactivity(shop: Shop, ann: Context) -> None:
    await under(shop, DELAYED)
    shop.now = datetime(2026, 2, 3, 12, tzinfo=UTC)
    member = await get_member(ann, "ANN")
    assert await earned(ann, bought("A", 100, transaction_date=shop.now)) == [100]
    assert await earned(ann, bought("B", 1000, transaction_date=shop.now)) == [1000]
    balance = (await list_balances(ann, [member.id]))[member.id]
    assert (int(balance.available), int(balance.pending), int(balance.total)) == (100, 1000, 1100)
    shop.now = datetime(2026, 2, 16, 22, 59, 59, 999999, tzinfo=UTC)
    assert await check_availability(ann, "ANN") == 100
    shop.now += timedelta(microseconds=1)
    assert await check_availability(ann, "ANN") == 1100
    # August ends without a purchase: only a purchase in July puts it off.
    shop.now = datetime(2026, 7, 15, 12, tzinfo=UTC)
    assert await earned(ann, bought("C", 1, transaction_date=shop.now)) == [1]
    shop.now = datetime(2026, 9, 1, 12, tzinfo=UTC)
    assert await check_availability(ann, "ANN") == 1101
    assert await verify_ledger(shop.services) == []
    shop.now = datetime(2027, 2, 1, 12, tzinfo=UTC)
    assert await check_availability(ann, "ANN") == 0
    assert (await get_statement_summary(ann, "ANN")).expired_points == 1101
    assert await verify_ledger(shop.services) == []


async def test_a_refund_takes_the_purchases_own_pending_points_first(shop: Shop, ann: Context) -> None:
    await under(shop, DELAYED)
    shop.now = datetime(2026, 2, 3, 12, tzinfo=UTC)
    member = await get_member(ann, "ANN")
    await earned(ann, bought("A", 100, transaction_date=shop.now), bought("B", 1000, transaction_date=shop.now))
    assert await earned(ann, refunded("B", 400, transaction_date=shop.now)) == [-400]
    balance = (await list_balances(ann, [member.id]))[member.id]
    assert (int(balance.available), int(balance.pending)) == (100, 600)
    assert await verify_ledger(shop.services) == []


async def test_tiers_go_up_at_once_with_one_bonus_each_and_down_after_their_time(shop: Shop, ann: Context) -> None:
    await under(shop, TIERS)
    shop.now = day(3)
    assert await earned(ann, bought("A", 60, transaction_date=shop.now)) == [60]
    assert (await get_member(ann, "ANN")).tier == "Silver"
    shop.later(hours=1)
    assert await earned(ann, bought("B", 60, transaction_date=shop.now)) == [60]
    assert (await get_member(ann, "ANN")).tier == "Gold"
    assert await check_availability(ann, "ANN") == 170
    shop.later(hours=1)
    # Twice, because Gold was valid when it was bought.
    assert await earned(ann, bought("C", 10, transaction_date=shop.now)) == [20]
    # Bought before that, it counts once.
    assert await earned(ann, bought("D", 10, transaction_date=day(2))) == [10]
    shop.later(days=366)
    assert await assess_tiers(shop.services) == 1
    assert (await get_member(ann, "ANN")).tier == "Silver"
    assert await earned(ann, bought("E", 200, transaction_date=shop.now)) == [200]
    assert (await get_member(ann, "ANN")).tier == "Gold"
    page = await list_statement(ann, StatementQuery(relation_reference="ANN"))
    assert [int(one.points) for one in page.entries if one.stored.kind == "bonus"] == [50]
    assert await verify_ledger(shop.services) == []


async def test_a_retention_of_no_days_is_assessed_to_an_end(shop: Shop, ann: Context) -> None:
    await under(shop, TIERS.replace(b"retention_days: 30", b"retention_days: 0"))
    assert await earned(ann, bought("A", 100, transaction_date=shop.now)) == [100]
    shop.later(hours=1)
    assert await assess_tiers(shop.services) == 1
    assert (await get_member(ann, "ANN")).tier == "Gold"
    assert await assess_tiers(shop.services) == 0


async def test_an_upgrade_bonus_may_lead_further_up(shop: Shop, ann: Context) -> None:
    await under(shop, TIERS)
    assert await earned(ann, bought("A", 970, transaction_date=shop.now)) == [970]
    assert (await get_member(ann, "ANN")).tier == "Platinum"
    assert await check_availability(ann, "ANN") == 970 + 50 + 500
    assert await verify_ledger(shop.services) == []


async def test_a_tier_that_the_same_run_takes_back_gives_its_bonus_once(shop: Shop, ann: Context) -> None:
    await under(shop, TIERS.replace(b"retention_days: 30", b"retention_days: 0"))
    await in_one_run(ann, [bought("A", 100), refunded("A", 100)])
    shop.later(days=1)
    await submit_transaction(ann, bought("B", 100))
    page = await list_statement(ann, StatementQuery(relation_reference="ANN"))
    assert [int(one.points) for one in page.entries if one.stored.kind == "bonus"] == [50]


async def test_ten_at_once_reach_a_tier_once(shop: Shop, ann: Context) -> None:
    await under(shop, TIERS)
    rows = [bought(f"N{number}", 20, transaction_date=shop.now) for number in range(10)]
    await asyncio.gather(*(submit_transaction(ann, one) for one in rows))
    page = await list_statement(ann, StatementQuery(relation_reference="ANN"))
    assert [int(one.points) for one in page.entries if one.stored.kind == "bonus"] == [50]
    assert await verify_ledger(shop.services) == []
