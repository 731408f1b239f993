"""How many SQL statements a query costs: the same number whatever the sizes of its pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.graphql.test_campaign import CAMPAIGNS
from tests.graphql.test_query import HOME_SCREEN
from tests.graphql.test_segment import SEGMENTS
from tests.graphql.test_tier import TIERS, under
from tests.graphql.world import Caller, World

MEMBERS = """query($first: Int!, $entries: Int!) {members(first: $first) {edges {node {
    relationReference balance {available nextExpiryAt} expiring {available}
    ledger(first: $entries) {totalCount edges {node {points member {id} reverses {id}}}}
    tier {name} tierProgress {next fraction} tierHistory {tier} segments campaigns {name}
    transactions(first: $entries) {edges {node {points member {id}}}}}}}}"""


@asynccontextmanager
async def counted() -> AsyncIterator[list[str]]:
    """The statements that any engine runs meanwhile."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def _cost(caller: Caller, document: str, **variables: Any) -> int:
    # Once before, so that what is cached for a while costs nothing.
    assert (await caller.ask(document, **variables)).data
    async with counted() as statements:
        assert (await caller.ask(document, **variables)).data
    return len(statements)


async def test_the_home_screen_costs_the_same_for_any_page(world: World, server: Caller) -> None:
    await under(server, TIERS)
    reference = await world.member(server)
    costs = []
    for count in (1, 4, 12):
        for _ in range(count):
            await world.earn(server, reference, 10)
        costs.append(await _cost(server, HOME_SCREEN, reference=reference))
    assert len(set(costs)) == 1
    assert 0 < costs[0] <= 21


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
    assert costs.pop() <= 55


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
