"""Simulated transactions: what a real one would come to, to the point, and nothing written."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from domain.errors import (
    BadRequest,
    ConfigurationRefused,
    DuplicateRecord,
    Forbidden,
    InvalidAttribute,
    InvalidProductCode,
    InvalidRequest,
    MemberNotFound,
    MemberSuspended,
    TesseraError,
)
from domain.member import SUSPENDED
from domain.rules.model import Configuration
from resolvers import draft
from resolvers.configuration import apply_configuration, get_configuration, joined
from resolvers.context import Context
from resolvers.ledger import list_entries_by_id, list_entry_lots
from resolvers.member import EnrollMember, UpdateMember, enroll_member, update_member
from resolvers.simulation import SampleMember, SimulateTransaction, Simulation, simulate_transaction
from resolvers.transaction import SubmitTransaction, submit_transaction
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import administrator, enroll, member_of, nothing_written
from tests.resolvers.test_refund import bought, refunded

RULES = b"""
version: 1
program: {time_zone: Europe/Berlin, points_decimals: 1, accrual_cap_per_month: 900, refund_policy: floor}
expiry: {policy: inactivity, months: 6, period_end: month}
product_codes: [{code: MUSIC}, {code: BOOK}]
transaction_attributes: [{key: quantity, name: Quantity, type: int}]
member_attributes: [{key: genre, name: Genre, type: selection, values: [jazz, rock]}]
aggregates:
  - {key: spend_mtd, of: amount, function: sum, period: mtd}
  - {key: year, of: amount, function: average, period: rolling_365}
  - {key: records, function: count, period: ytd, when: {attribute: transaction.product_code, op: eq, value: MUSIC}}
rule_groups:
  - name: Principal
    caps: {transaction: 200, day: 300, month: 400}
    rules:
      - {name: A third, award: {type: per_unit, of: transaction.amount, points: 1, per: 3}}
      - name: Five or more
        when: {attribute: transaction.quantity, op: gte, value: 5}
        award: {type: flat, points: 10}
        cap: 10
      - {name: Jazz, when: {attribute: member.genre, op: eq, value: jazz}, award: {type: multiplier, factor: 2}}
      - name: Much this month
        when: {attribute: aggregate.spend_mtd, op: gte, value: 400}
        award: {type: flat, points: 7, release_after_days: 14}
  - name: Extra
    category: bonus
    caps: {lifetime: 120}
    rules:
      - {name: Third record, award: {type: every_nth, count: records, n: 3, points: 50, expires: {months: 3}}}
      - {name: Not the first, when: {attribute: member.purchases, op: gte, value: 1}, award: {type: flat, points: 1}}
      - {name: High average, when: {attribute: aggregate.year, op: gt, value: 150}, award: {type: flat, points: 3}}
tiers:
  assessment: automatic
  levels: [{name: Silver, from: 0}, {name: Gold, from: 150, multiplier: 1.5, upgrade_bonus: 30}]
segments: [{name: New, when: {attribute: member.days_since_enrolment, op: lte, value: 3}}]
campaigns: [{name: Welcome, starts: 2026-01-01, ends: 2026-12-31, segment: New, award: {type: flat, points: 5}}]
"""

DRAFT = b"""
version: 1
product_codes: [{code: FILM}]
aggregates:
  - {key: records, function: count, period: lifetime}
  - key: books
    of: amount
    function: sum
    period: lifetime
    when: {attribute: transaction.product_code, op: eq, value: BOOK}
rule_groups:
  - name: Principal
    caps: {month: 450}
    rules: [{name: A third, award: {type: per_unit, of: transaction.amount, points: 1, per: 2}}]
  - name: Books
    rules: [{name: Many books, when: {attribute: aggregate.books, op: gt, value: 200}, award: {type: flat, points: 11}}]
"""


@pytest.fixture
async def jazz(shop: Shop) -> Context:
    """A program under all kinds of rules, in which JAZZ and ROCK are members."""
    ctx = shop.contexts[0]
    await apply_configuration(ctx, RULES, prune=True)
    for reference in ("JAZZ", "ROCK"):
        values = {"relation_reference": reference, "status": 1, "genre": reference.lower()}
        await enroll_member(ctx, EnrollMember(values=values))
    return ctx


async def simulated(ctx: Context, command: SubmitTransaction, **given: Any) -> Simulation:
    return await simulate_transaction(ctx, SimulateTransaction(transaction=command, **given))


async def posted(ctx: Context, command: SubmitTransaction) -> tuple[Any, list[Any]]:
    """The points or the code of the refusal, and what is told of each posting."""
    try:
        outcome = await submit_transaction(ctx, command)
    except TesseraError as refusal:
        return refusal.code, []
    lots = await list_entry_lots(ctx, outcome.entry_ids)
    entries = await list_entries_by_id(ctx, outcome.entry_ids)
    return outcome.points, [_told(entries[one], lots[one]) for one in outcome.entry_ids]


def _told(entry: Any, lots: Any) -> tuple[Any, ...]:
    explanation = entry.explanation
    if explanation is not None:
        explanation = replace(explanation, config_version=0)
    is_of = getattr(entry, "stored", entry)
    return is_of.kind, is_of.bucket, entry.points, explanation, list(lots)


def foreseen(found: Simulation) -> tuple[Any, list[Any]]:
    """The same of a simulation, without the bonuses of tiers: those belong to no transaction."""
    if found.refusal is not None:
        return found.refusal.code, []
    return found.points, [_told(one, one.lots) for one in found.postings if one.kind != "bonus"]


def random_transaction(random: Random, number: int, products: tuple[str, ...]) -> SubmitTransaction:
    """Purchases and refunds over two months, some of them refused."""
    make = refunded if number and random.random() < 0.2 else bought
    return make(
        f"T{random.randrange(number) if make is refunded else number}",
        random.choice(["0", "10", "29.33", "120", "310.5"]),
        transaction_date=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=random.randrange(24 * 59)),
        member_relation_reference=random.choice(["JAZZ", "JAZZ", "ROCK", "ROCK", "GONE"]),
        product_code=random.choice(products),
        attributes={"quantity": random.randrange(1, 9)},
    )


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_simulation_gives_what_submitting_gives(shop: Shop, jazz: Context, seed: int) -> None:
    random, seen = Random(seed), set()
    for number in range(40):
        command = random_transaction(random, number, ("MUSIC", "MUSIC", "BOOK", "WINE"))
        found = await simulated(jazz, command)
        points, told = await posted(jazz, command)
        assert foreseen(found)[0] == points, (number, command)
        if command.transaction_type == "DR":
            # A refund takes from lots that are there, and makes none.
            assert foreseen(found)[1] == told
        seen |= {one.explanation.group for one in found.postings if one.explanation} | {points if not told else ""}
        shop.later(hours=random.randrange(40))
    assert seen >= {"Principal", "Extra", "Campaign Welcome", "103", "105"}


async def test_a_draft_gives_what_it_would_give_in_force(shop: Shop, jazz: Context) -> None:
    random = Random(5)
    for number in range(12):
        await posted(jazz, random_transaction(random, number, ("MUSIC", "BOOK")))
        shop.later(hours=random.randrange(40))
    commands = [random_transaction(random, number, ("BOOK", "FILM")) for number in range(100, 108)]
    commands = [one for one in commands if one.transaction_type == "DR"]
    now = [foreseen(await simulated(jazz, one)) for one in commands]
    drafted = [foreseen(await simulated(jazz, one, draft=DRAFT)) for one in commands]
    await apply_configuration(jazz, DRAFT)
    # One after the other they would see each other, so each is looked at before any is posted.
    assert [foreseen(await simulated(jazz, one)) for one in commands] == drafted != now
    assert await posted(jazz, commands[0]) == drafted[0]


@pytest.mark.parametrize("times", [1, 5])
async def test_a_draft_is_laid_over_what_is_in_force_in_the_end(
    jazz: Context, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    loop, seen = asyncio.get_running_loop(), list[int]()

    def overtaken(given: Any, stored: Any) -> Configuration:
        seen.append(len(seen))
        if len(seen) <= times:
            change = b"segments: [{name: Other %d, kind: frozen}]" % len(seen)
            asyncio.run_coroutine_threadsafe(apply_configuration(jazz, change), loop).result(10)
        return joined(given, stored)

    # The real thing, but for somebody who is faster: no other place lies between the reading and the joining.
    monkeypatch.setattr(draft, "joined", overtaken)
    found = await simulated(jazz, bought("", 10, member_relation_reference="JAZZ"), draft=DRAFT)
    assert (len(seen), found.refusal) == (times + 1, None)
    assert found.config_version == (await get_configuration(jazz)).version


async def test_nothing_is_written_and_the_bonuses_of_tiers_and_the_caps_are_told(shop: Shop, jazz: Context) -> None:
    await posted(jazz, bought("A", 90, member_relation_reference="JAZZ"))
    async with nothing_written(shop):
        assert (await simulated(jazz, refunded("A", 45, member_relation_reference="JAZZ"))).points < 0
    shop.later(days=300)  # The lots of the first are due by now, and stay so.
    command = bought("", 450, member_relation_reference="JAZZ", transaction_date=shop.now)
    async with nothing_written(shop):
        found = await simulated(jazz, command)
        assert (await simulated(jazz, refunded("NONE", 45, member_relation_reference="JAZZ"))).is_parked
        await simulated(jazz, command, draft=DRAFT)
    assert (found.refusal, found.points, found.is_draft) == (None, Decimal(204), False)
    *_, bonus = found.postings
    assert bonus.explanation is not None
    assert (bonus.kind, int(bonus.points), bonus.explanation.tier) == ("bonus", 30, "Gold")
    assert [lot.available_at for lot in found.postings[0].lots if lot.available_at] == []
    caps = {(one.group, one.window): (one.limit, int(one.used), int(one.added), int(one.left)) for one in found.caps}
    assert caps == {
        ("Principal", "day"): (300, 0, 200, 100),
        ("Principal", "month"): (400, 0, 200, 200),
        ("Extra", "lifetime"): (120, 0, 4, 116),
        (None, "month"): (900, 0, 204, 696),
    }


async def test_a_group_that_a_cap_leaves_nothing_of_is_told_all_the_same(shop: Shop, jazz: Context) -> None:
    for number in range(2):
        await posted(jazz, bought(f"A{number}", 900, member_relation_reference="JAZZ"))
    found = await simulated(jazz, bought("", 900, member_relation_reference="JAZZ"))
    (principal,) = [one for one in found.fruitless if one.group == "Principal"]
    assert [(cap.window, str(cap.used), str(cap.left)) for cap in principal.caps] == [
        ("transaction", "None", "200"),
        ("day", "300", "0"),
    ]


async def test_somebody_who_does_not_exist_may_buy(shop: Shop, jazz: Context) -> None:
    command = bought("", 30, member_relation_reference=None)
    gold = SampleMember(attributes={"genre": "jazz"}, enrolled_at=datetime(2020, 1, 1, tzinfo=UTC), tier="Gold")
    async with nothing_written(shop):
        assert (await simulated(jazz, command)).points == 15
        assert (await simulated(jazz, command, member=gold)).points == 30
        blocked = SampleMember(attributes={"status": SUSPENDED})
        assert isinstance((await simulated(jazz, command, member=blocked)).refusal, MemberSuspended)


async def test_what_would_be_refused_says_how(shop: Shop, jazz: Context) -> None:
    await enroll(jazz, "SUE")
    await update_member(jazz, UpdateMember(relation_reference="SUE", values={"status": 2}))
    await posted(jazz, bought("A", 10, member_relation_reference="JAZZ"))
    good = bought("B", 10, member_relation_reference="JAZZ")
    for change, refusal in (
        ({"transaction_id": "A"}, DuplicateRecord),
        ({"member_relation_reference": "NOBODY"}, MemberNotFound),
        ({"member_relation_reference": "SUE"}, MemberSuspended),
        ({"product_code": "WINE"}, InvalidProductCode),
        ({"attributes": {"quantity": "many"}}, InvalidAttribute),
        ({"amount": Decimal(-1)}, InvalidRequest),
        ({"amount": Decimal(10) ** 16}, BadRequest),
    ):
        async with nothing_written(shop):
            found = await simulated(jazz, replace(good, **change))
        assert isinstance(found.refusal, refusal)
        assert [found.points, *found.postings, *found.caps] == [0]


async def test_what_cannot_be_simulated_is_refused(shop: Shop, jazz: Context) -> None:
    named, nobody = bought("B", 10, member_relation_reference="JAZZ"), bought("", 10, member_relation_reference=None)
    await posted(jazz, bought("A", 10, member_relation_reference="JAZZ"))
    for command, given, refusal in (
        (named, {"member": SampleMember()}, BadRequest),
        (refunded("", 10), {}, BadRequest),
        (named, {"draft": b"version: 2"}, ConfigurationRefused),
        (named, {"draft": {"version": 1, "program": {"points_decimals": 0}}}, ConfigurationRefused),
        (nobody, {"member": SampleMember(tier="Iron")}, InvalidRequest),
        (nobody, {"member": SampleMember(attributes={"genre": "folk"})}, InvalidAttribute),
    ):
        with pytest.raises(refusal):
            await simulated(jazz, command, **given)
    for caller in (member_of(jazz, "JAZZ"), administrator(jazz, "eve", "customer-executive")):
        with pytest.raises(Forbidden):
            await simulated(caller, named)
    assert (await simulated(administrator(jazz, "max", "program-manager"), named)).refusal is None
