"""Aggregates that come later are what they would be had they been there from the beginning."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select

from domain.errors import ConfigurationRefused
from domain.models import member
from domain.store.tally import Tallies
from resolvers import recount
from resolvers.configuration import apply_configuration
from resolvers.context import Context
from resolvers.member import EnrollMember, enroll_member
from resolvers.merge import MergeMembers, merge_members
from resolvers.transaction import submit_transaction, submit_transactions
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import nothing_written
from tests.resolvers.test_refund import bought, refunded

BARE = b"""
version: 1
program: {time_zone: Europe/Berlin, redemption_minimum: 1}
product_codes: [{code: MUSIC, sub_codes: [CD]}]
transaction_attributes: [{key: quantity, name: Quantity, type: int}]
"""

COUNTED = (
    BARE
    + b"""
aggregates:
  - {key: spent, of: amount, function: sum, period: mtd}
  - {key: most, of: amount, function: max, period: qtd}
  - {key: purchases, function: count, period: lifetime}
  - {key: items, of: quantity, function: average, period: ytd}
  - key: large
    of: amount
    function: sum
    period: rolling_365
    when: {attribute: transaction.amount, op: gte, value: 50}
"""
)


def day(month: int, number: int, hour: int = 12) -> datetime:
    return datetime(2026, month, number, hour, tzinfo=UTC)


ROWS: list[Any] = [
    bought("A", 60, transaction_date=day(1, 31, 23)),  # February on the program's clocks
    bought("B", "50.25", transaction_date=day(2, 4), attributes={"quantity": "3"}),
    refunded("B", 20, transaction_date=day(2, 5)),
    bought("C", 5, transaction_date=day(2, 6), attributes={"quantity": "2"}),
    refunded("C", 5, transaction_date=day(2, 7)),
    refunded("Later", 1, transaction_date=day(2, 7)),
    bought("D", 0, transaction_date=day(2, 8)),
    refunded("D", 0, transaction_date=day(2, 8)),
    bought("E", 900, transaction_date=day(9, 1), member_relation_reference="BOB"),
]


@pytest.fixture
async def both(shop: Shop) -> list[Context]:
    for context in shop.contexts:
        for reference in ("ANN", "BOB"):
            await enroll_member(context, EnrollMember(values={"relation_reference": reference, "status": 1}))
    return shop.contexts


async def buckets(context: Context) -> list[tuple[Any, ...]]:
    """Every part of every aggregate, by the member's reference."""

    def body(tx: Connection) -> list[tuple[Any, ...]]:
        of_program = select(member.c.relation_reference, member.c.id).where(
            member.c.program_id == context.principal.program
        )
        references = {row.id: row.relation_reference for row in tx.execute(of_program)}
        tallies = Tallies(context.principal.program)
        tallies.read_all(tx, list(references))
        return sorted(
            (reference, key, start, one.sum, one.count, one.low, one.high)
            for member_id, reference in references.items()
            for (key, start), one in tallies.buckets(member_id).items()
        )

    return await context.read(body)


@pytest.mark.parametrize("page", [2, 1000])
async def test_an_aggregate_that_comes_later_is_counted_from_the_beginning(
    both: list[Context], page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recount, "_PAGE", page)
    early, late = both
    await apply_configuration(early, COUNTED, prune=True)
    await apply_configuration(late, BARE, prune=True)
    for context in both:
        await submit_transactions(context, ROWS)
    assert await buckets(late) == []
    await apply_configuration(late, COUNTED)
    assert await buckets(late) == await buckets(early) != []


async def test_a_changed_definition_or_other_clocks_count_anew_and_a_removed_one_is_forgotten(
    both: list[Context],
) -> None:
    early, late = both
    changed = COUNTED.replace(b"value: 50", b"value: 5").replace(b"period: mtd", b"period: qtd")
    changed = changed.replace(b"Europe/Berlin", b"America/New_York")
    await apply_configuration(early, changed, prune=True)
    await apply_configuration(late, COUNTED, prune=True)
    for context in both:
        await submit_transactions(context, ROWS)
    assert await buckets(late) != await buckets(early)
    await apply_configuration(late, changed, prune=True)
    assert await buckets(late) == await buckets(early)
    await apply_configuration(late, BARE, prune=True)
    assert await buckets(late) == []


async def test_what_stands_unchanged_is_not_counted_twice(both: list[Context]) -> None:
    context = both[0]
    await apply_configuration(context, COUNTED, prune=True)
    await submit_transactions(context, ROWS)
    before = await buckets(context)
    more = b"aggregates: [{key: least, of: amount, function: min, period: lifetime}]"
    await apply_configuration(context, b"version: 1\n" + more)
    assert [one for one in await buckets(context) if one[1] != "least"] == before


async def test_a_survivor_of_a_merge_has_the_purchases_of_both(both: list[Context]) -> None:
    early, late = both
    await apply_configuration(early, COUNTED, prune=True)
    await apply_configuration(late, BARE, prune=True)
    for context in both:
        await submit_transactions(context, ROWS)
        await merge_members(context, MergeMembers(victim="BOB", survivor="ANN"))
    await apply_configuration(late, COUNTED)
    assert await buckets(late) == await buckets(early)


async def test_purchases_at_the_same_time_are_counted_once(both: list[Context]) -> None:
    context = both[0]
    await apply_configuration(context, BARE, prune=True)
    rows = [bought(f"N{number}", 1, transaction_date=day(2, 3)) for number in range(24)]
    await asyncio.gather(
        *(submit_transaction(context, one) for one in rows[:12]),
        apply_configuration(context, COUNTED),
        *(submit_transaction(context, one) for one in rows[12:]),
    )
    counted = {one[1]: (one[3], one[4]) for one in await buckets(context)}
    assert counted["spent"] == (Decimal(24), 24)
    assert counted["purchases"][1] == 24


async def test_a_configuration_that_is_refused_counts_nothing(shop: Shop, both: list[Context]) -> None:
    context = both[0]
    await apply_configuration(context, BARE, prune=True)
    await submit_transactions(context, ROWS)
    failing = COUNTED + b"examples: [{name: Wrong, transaction: {amount: 1, product_code: MUSIC}, points: 7}]\n"
    async with nothing_written(shop):
        with pytest.raises(ConfigurationRefused):
            await apply_configuration(context, failing)
