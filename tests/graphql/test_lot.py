"""What a member's points consist of, and what of them is still pending."""

from datetime import timedelta
from typing import Any

from tests.graphql.test_tier import under
from tests.graphql.world import Caller, World
from tests.statements import noted

LOTS = """query($r: String, $first: Int, $after: String) {member(reference: $r) {
    lots(first: $first, after: $after) {
        edges {cursor node {id points remaining isPending availableAt expiresAt entry {points} member {id}}}
        pageInfo {hasNextPage hasPreviousPage endCursor}}}}"""
PENDING = """query($r: String, $n: Int! = 12) {member(reference: $r) {
    balance {pending} pending(first: $n) {availableAt points}}}"""
RELEASES = """
version: 1
rule_groups:
  - name: Base
    rules:
      - name: Half a point for a unit
        award: {type: per_unit, of: transaction.amount, points: 0.5, per: 1, release_after_days: 10}
"""


def _nodes(answer: Any) -> list[dict[str, Any]]:
    return [edge["node"] for edge in answer.data["member"]["lots"]["edges"]]


async def test_lots_come_soonest_expiry_first_with_what_is_left(world: World, server: Caller) -> None:
    reference = await world.member(server)
    for month, points in ((1, 10), (7, 20), (4, 30)):
        await world.earn(server, reference, points, transactionDate=f"2025-{month:02}-15T10:00:00Z")
    assert (await world.redeem(server, reference, 4)).data
    app = await world.caller(member=reference)
    for caller, given in ((server, reference), (app, None)):
        found = _nodes(await caller.ask(LOTS, r=given))
        assert [(one["points"], one["remaining"], one["expiresAt"]) for one in found] == [
            ("10", "6", "2026-04-01T00:00:00+05:30"),
            ("30", "30", "2026-07-01T00:00:00+05:30"),
            ("20", "20", "2026-10-01T00:00:00+05:30"),
        ]
        assert [one["entry"]["points"] for one in found] == ["10", "30", "20"]
        assert not any(one["isPending"] for one in found)
    node = "query($id: ID!) {node(id: $id) {__typename ... on Lot {points remaining}}}"
    assert (await app.ask(node, id=found[0]["id"])).data["node"] == {
        "__typename": "Lot",
        "points": "10",
        "remaining": "6",
    }
    # What is due is gone, and what is spent is no open lot.
    world.clock[0] += timedelta(days=90)
    server = await world.caller()
    assert (await world.redeem(server, reference, 30)).data
    assert [one["points"] for one in _nodes(await server.ask(LOTS, r=reference))] == ["20"]


async def test_lots_are_paged_by_their_place(world: World, server: Caller) -> None:
    reference = await world.member(server)
    for points in range(1, 6):
        # The same date, so that lots are told apart by their ids.
        await world.earn(server, reference, points)
    seen: list[str] = []
    after = None
    for size, more in ((2, True), (2, True), (2, False)):
        answer = await server.ask(LOTS, r=reference, first=size, after=after)
        seen += [one["points"] for one in _nodes(answer)]
        info = answer.data["member"]["lots"]["pageInfo"]
        assert info["hasNextPage"] is more
        after = info["endCursor"]
    assert seen == ["1", "2", "3", "4", "5"]


async def test_what_is_no_cursor_of_lots_is_refused(world: World, server: Caller) -> None:
    reference = await world.member(server, 10)
    ledger = "query($r: String) {member(reference: $r) {ledger {edges {cursor}}}}"
    (edge,) = (await server.ask(ledger, r=reference)).data["member"]["ledger"]["edges"]
    for cursor in (edge["cursor"], "bG90czox", "bG90czp4Onk6eg", "bG90czo5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk6MTox"):
        answer = await server.ask(LOTS, r=reference, after=cursor)
        assert answer.refusal == ("BAD_USER_INPUT", "BAD_REQUEST", "999", "after"), cursor


async def test_pending_points_are_told_with_their_dates(world: World, server: Caller) -> None:
    reference = await world.member(server, 5)
    await under(server, RELEASES)
    for day in (1, 2, 2):
        await world.earn(server, reference, 10, transactionDate=f"2026-02-0{day}T10:00:00+05:30")
    app = await world.caller(member=reference)
    dates = [
        {"availableAt": "2026-02-11T00:00:00+05:30", "points": "10"},
        {"availableAt": "2026-02-12T00:00:00+05:30", "points": "20"},
    ]
    for caller, given in ((server, reference), (app, None)):
        found = (await caller.ask(PENDING, r=given)).data["member"]
        assert found == {"balance": {"pending": "30"}, "pending": dates}
    assert (await app.ask(PENDING, n=1)).data["member"]["pending"] == dates[:1]
    assert [one["isPending"] for one in _nodes(await app.ask(LOTS))].count(True) == 3
    world.clock[0] += timedelta(days=8)
    app = await world.caller(member=reference)
    assert (await app.ask(PENDING)).data["member"] == {"balance": {"pending": "20"}, "pending": dates[1:]}


async def test_lots_of_many_members_are_read_together(world: World, server: Caller) -> None:
    costs = set()
    for _ in range(3):
        await world.member(server, 10)
        query = "{members {edges {node {lots {edges {node {entry {id}}}} pending {points}}}}}"
        with noted() as statements:
            assert (await server.ask(query)).data
        costs.add(len(statements))
    assert len(costs) == 1
