"""How many SQL statements a query costs: the same number whatever the sizes of its pages."""

from typing import Any

import pytest

from tests.graphql.test_campaign import CAMPAIGNS
from tests.graphql.test_query import HOME_SCREEN
from tests.graphql.test_segment import SEGMENTS
from tests.graphql.test_tier import TIERS, under
from tests.graphql.world import Caller, World
from tests.statements import noted

MEMBERS = """query($first: Int!, $entries: Int!) {members(first: $first) {edges {node {
    relationReference balance {available nextExpiryAt} expiring {available}
    ledger(first: $entries) {totalCount edges {node {points member {id} reverses {id}}}}
    tier {name} tierProgress {next fraction} tierHistory {tier} segments campaigns {name}
    transactions(first: $entries) {edges {node {points member {id}}}}}}}}"""

HOME = """query($reference: String, $first: Int!) {member(reference: $reference) {
    fullName status tier {name multiplier qualifiedUntil}
    tierProgress {next points aggregate missingPoints missingAggregate fraction}
    balance {available pending held total redeemed expired nextExpiryAt nextExpiringPoints}
    expiring(first: $first) {scheduleDate available}
    ledger(first: $first) {edges {node {transactionDate kind narration points}} pageInfo {hasNextPage endCursor}}}}"""
LIST = """query($first: Int!, $entries: Int!) {members(first: $first) {edges {node {relationReference
    balance {available} tier {name} ledger(first: $entries) {edges {node {points}}}}}}}"""


async def _cost(caller: Caller, document: str, **variables: Any) -> int:
    # Once before, so that what is cached for a while costs nothing.
    assert (await caller.ask(document, **variables)).data
    with noted() as statements:
        assert (await caller.ask(document, **variables)).data
    return len(statements)


AGGREGATE = """
version: 1
aggregates:
  - {key: spent, function: sum, of: amount, period: ytd}
  - {key: bought, function: count, period: rolling_365}
rule_groups: [{name: Base, caps: {month: 100000}}]
tiers: {assessment: automatic, basis: aggregate, aggregate: spent, levels: [{name: Fan, from_aggregate: 30}]}
"""
TIER_PLANS = {
    "off": "",
    "lifetime": TIERS,
    "rolling": TIERS.replace("levels:", "window: rolling_365\n  levels:"),
    "aggregate": AGGREGATE,
}


@pytest.mark.parametrize("plan", TIER_PLANS)
async def test_the_home_screen_costs_six_statements_at_any_page_size(world: World, server: Caller, plan: str) -> None:
    """Member, tier and progress, balances, expiring points, last entries; for the member's own app and for a server."""
    if TIER_PLANS[plan]:
        await under(server, TIER_PLANS[plan])
    reference = await world.member(server)
    app = await world.caller(member=reference)
    costs = set()
    for count in (1, 4, 12):
        for _ in range(count):
            await world.earn(server, reference, 10)
        for first in (1, 10, 100):
            costs.add(await _cost(server, HOME, reference=reference, first=first))
            costs.add(await _cost(app, HOME, first=first))
    assert len(costs) == 1
    assert 0 < costs.pop() <= 6
    assert await _cost(server, HOME_SCREEN, reference=reference) <= 6


async def test_a_hundred_members_with_balance_tier_and_entries_cost_eight_statements(
    world: World, server: Caller
) -> None:
    await under(server, TIERS)
    for number in range(100):
        reference = await world.member(server)
        for _ in range(1 + number % 3):
            await world.earn(server, reference, 10)
    costs = {await _cost(server, LIST, first=first, entries=entries) for first, entries in ((2, 1), (100, 1), (100, 5))}
    assert len(costs) == 1
    assert costs.pop() <= 8


async def test_a_list_of_members_costs_the_same_for_any_page(world: World, server: Caller) -> None:
    await under(server, TIERS.replace("levels:", "window: rolling_365\n  levels:"))
    await under(server, SEGMENTS)
    await under(server, CAMPAIGNS)
    for _ in range(6):
        reference = await world.member(server)
        for _ in range(3):
            await world.earn(server, reference, 10)
        await world.redeem(server, reference, 5)
    costs = {await _cost(server, MEMBERS, first=first, entries=entries) for first, entries in ((2, 2), (6, 2), (6, 50))}
    assert len(costs) == 1
    assert costs.pop() <= 26


async def test_segments_and_campaigns_are_found_out_together(world: World, server: Caller) -> None:
    await under(server, SEGMENTS)
    await under(server, CAMPAIGNS)
    for _ in range(6):
        await world.member(server, 60)
    asked = ("segments", "campaigns {name}", "segments campaigns {name isActive}")
    query = "query($first: Int!) {members(first: $first) {edges {node {%s}}}}"
    assert len({await _cost(server, query % fields, first=first) for fields in asked for first in (2, 6)}) == 1


async def test_a_count_costs_something_only_when_it_is_asked_for(world: World, server: Caller) -> None:
    await world.member(server, 10)
    plain = await _cost(server, "{members {edges {node {ledger {edges {cursor}}}}}}")
    counting = await _cost(server, "{members {totalCount edges {node {ledger {totalCount edges {cursor}}}}}}")
    assert plain < counting


async def test_what_is_refused_leaves_alone_what_is_read_with_it(world: World, server: Caller) -> None:
    reference = await world.member(server, 10)
    query = """query($r: String!) {known: member(reference: $r) {balance {available}}
        unknown: member(reference: "nobody") {id} too: member(reference: $r) {tier {name} balance {available}}}"""
    answer = await server.ask(query, r=reference)
    assert [one["path"] for one in answer.errors] == [["unknown"]]
    balance = {"available": "10"}
    assert answer.body["data"] == {
        "known": {"balance": balance},
        "unknown": None,
        "too": {"tier": None, "balance": balance},
    }


async def test_what_a_mutation_changes_is_read_anew(world: World, server: Caller) -> None:
    reference = await world.member(server, 10)
    redeem = """%s: pointsRedeem(input: {relationReference: $r, points: 1, idempotencyKey: "%s"}) {
        member {balance {available} ledger {totalCount}}}"""
    document = f"mutation($r: String!) {{{' '.join(redeem % (name, name) for name in ('a', 'b'))}}}"
    found = (await server.ask(document, r=reference)).data
    assert [found[name]["member"]["balance"]["available"] for name in ("a", "b")] == ["9", "8"]
    assert [found[name]["member"]["ledger"]["totalCount"] for name in ("a", "b")] == [2, 3]
