"""Back-tests: a draft over a past period, held against the same transactions really posted under it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from domain.errors import BadRequest, ConfigurationRefused, Forbidden, InvalidRequest
from resolvers import back_test as module
from resolvers.back_test import BackTest, BackTestReport, back_test
from resolvers.configuration import apply_configuration
from resolvers.context import Context
from resolvers.member import EnrollMember, enroll_member
from resolvers.transaction import SubmitTransaction, submit_transactions
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import administrator, enroll, entries, member_of, nothing_written
from tests.resolvers.test_refund import bought, refunded
from tests.resolvers.test_simulation import DRAFT, RULES, random_transaction

MEMBERS = ("JAZZ", "ROCK")
YEAR = date(2026, 1, 1), date(2026, 12, 31)
FEBRUARY = date(2026, 2, 1), date(2026, 2, 28)

BASE = b"""
version: 1
program: {time_zone: Europe/Berlin, redemption_rate: 3}
product_codes: [{code: MUSIC}, {code: BOOK}]
rule_groups:
  - name: Base
    rules: [{name: One for one, award: {type: per_unit, of: transaction.amount, points: 1}}]
"""

BOOKS = """
version: 1
rule_groups:
  - {name: Base, enabled: false, rules: []}
  - name: Books
    caps: {month: 100}
    rules:
      - name: Two for one
        when: {attribute: transaction.product_code, op: eq, value: BOOK}
        award: {type: per_unit, of: transaction.amount, points: 2}
"""


async def opened(ctx: Context, *documents: bytes) -> None:
    """The program under these documents, each over the one before, with its members."""
    for place, document in enumerate(documents):
        await apply_configuration(ctx, document, prune=not place)
    for reference in MEMBERS:
        values = {"relation_reference": reference, "status": 1, "genre": reference.lower()}
        await enroll_member(ctx, EnrollMember(values=values))


async def given(ctx: Context, first: date, last: date) -> dict[str, Decimal]:
    """What rule groups gave, less what refunds took back, by the date of the transaction."""
    found: dict[str, Decimal] = {}
    for reference in MEMBERS:
        for one in await entries(ctx, reference):
            if one.stored.kind in {"earn", "refund"} and first <= one.stored.transaction_date.date() <= last:
                group = one.detail["group"]
                found[group] = found.get(group, Decimal(0)) + one.points
    return found


def told(report: BackTestReport, side: str) -> dict[str, Decimal]:
    return {group: getattr(one, side) for group, one in report.groups.items() if getattr(one, side)}


async def replayed(
    ctx: Context, draft: Any, days: tuple[date, date] = YEAR, limit: int | None = None
) -> BackTestReport:
    return await back_test(ctx, BackTest(draft=draft, first_day=days[0], last_day=days[1]), limit=limit)


async def submitted(ctx: Context, commands: Sequence[SubmitTransaction]) -> None:
    for one in commands:
        await submit_transactions(ctx, [one])


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MEMBERS", 1)
    monkeypatch.setattr(module, "_TRANSACTIONS", 7)


@pytest.mark.usefixtures("small_portions")
@pytest.mark.parametrize("days", [YEAR, FEBRUARY])
async def test_a_draft_gives_what_it_really_gives_where_it_was_in_force(shop: Shop, days: tuple[date, date]) -> None:
    ours, theirs = shop.contexts
    await opened(ours, RULES)
    await opened(theirs, RULES, DRAFT)
    random = Random(7)
    commands = [random_transaction(random, number, ("MUSIC", "BOOK")) for number in range(60)]
    for ctx in (ours, theirs):
        await submitted(ctx, commands)
    async with nothing_written(shop):
        same, report = await replayed(ours, {"version": 1}, days), await replayed(ours, DRAFT, days)
    posted = {group: points for group, points in (await given(ours, *days)).items() if points}
    assert told(same, "actual") == told(same, "draft") == told(report, "actual") == posted
    assert (same.members_gained, same.members_lost, same.members_unchanged) == (0, 0, 2)
    drafted = {group: points for group, points in (await given(theirs, *days)).items() if points}
    assert told(report, "draft") == drafted != posted
    assert (report.warmed_up > 0) == (days == FEBRUARY)


async def test_a_report_tells_points_money_groups_and_members(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await opened(ctx, BASE.replace(b"}]\nrule", b"}]\nmember_attributes: [{key: genre, name: G, type: string}]\nrule"))
    await enroll(ctx, "SAME")
    jazz, rock, same = ({"member_relation_reference": one} for one in (*MEMBERS, "SAME"))
    commands = [
        bought("A", 30, product_code="BOOK", **jazz),
        bought("B", 70, **jazz),
        refunded("B", 20, **jazz),
        bought("C", 40, product_code="BOOK", **rock),
        bought("D", 40, product_code="BOOK", **rock),  # 20 by the month's cap
        bought("E", 0, **same),
        bought("F", 500, **rock, transaction_date=datetime(2025, 12, 31, 22, 59, tzinfo=UTC)),
    ]
    await submitted(ctx, commands)
    async with nothing_written(shop):
        report = await replayed(ctx, BOOKS)
    total = report.total
    assert (int(total.actual), int(total.draft), int(total.points), str(total.money)) == (160, 160, 0, "0")
    lines = {group: (int(one.actual), int(one.draft), str(one.money)) for group, one in report.groups.items()}
    assert lines == {"Base": (160, 0, "-53.33"), "Books": (0, 160, "53.33")}
    largest = {member: (int(one.points), str(one.money)) for member, one in report.largest.items()}
    assert largest == {"ROCK": (20, "6.67"), "JAZZ": (-20, "-6.67")}
    assert (report.members_gained, report.members_lost, report.members_unchanged) == (1, 1, 1)
    assert (report.transactions, report.refused) == (6, 0)
    double = await replayed(ctx, {"version": 1, "program": {"redemption_rate": 6}})
    assert (int(double.total.points), str(double.total.money)) == (0, "-26.67")


async def test_a_purchase_that_a_draft_does_not_know_earns_nothing(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await apply_configuration(ctx, BASE.replace(b"{code: MUSIC}, {code: BOOK}", b""), prune=True)
    await enroll(ctx, "ANN")
    await submitted(ctx, [bought("A", 30), bought("B", 10, product_code="BOOK"), refunded("B", 5)])
    report = await replayed(ctx, {"version": 1, "product_codes": [{"code": "MUSIC"}]})
    assert (int(report.total.actual), int(report.total.draft), report.refused) == (35, 30, 1)


async def test_a_back_test_that_cannot_be_is_refused(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await apply_configuration(ctx, BASE, prune=True)
    await enroll(ctx, "ANN")
    await submitted(ctx, [bought(f"T{number}", 1) for number in range(3)])
    good = BackTest(draft={"version": 1}, first_day=YEAR[0], last_day=YEAR[1])
    for change, refusal, word in (
        ({"first_day": YEAR[1], "last_day": YEAR[0]}, InvalidRequest, "before"),
        ({"last_day": date(9999, 12, 31)}, BadRequest, "range"),
        ({"draft": b"version: 2"}, ConfigurationRefused, "version"),
        ({}, InvalidRequest, "more than 2 transactions"),
    ):
        with pytest.raises(refusal, match=word):
            await back_test(ctx, replace(good, **change), limit=2)
    assert (await back_test(ctx, good, limit=3)).transactions == 3
    lifetime = b"version: 1\nrule_groups: [{name: Base, caps: {lifetime: 10}, rules: []}]"
    with pytest.raises(InvalidRequest, match="replayed before"):
        await replayed(ctx, lifetime, (date(2026, 2, 4), date(2026, 2, 4)), limit=2)
    for caller in (member_of(ctx, "ANN"), administrator(ctx, "eve", "customer-executive")):
        with pytest.raises(Forbidden):
            await back_test(caller, good)
