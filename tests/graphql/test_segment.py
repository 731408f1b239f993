"""Segments over GraphQL: who is in which, snapshots, and each refusal with nothing written."""

from typing import Any

from tests.graphql.world import Caller, World

SEGMENTS = """
version: 1
aggregates: [{key: spent, of: amount, function: sum, period: rolling_365}]
segments:
  - {name: Big, when: {attribute: aggregate.spent, op: gte, value: 100}}
  - {name: Press, kind: frozen}
"""
APPLY = "mutation($i: ConfigurationApplyInput!) {configurationApply(input: $i) {changed}}"
FREEZE = "mutation($i: SegmentFreezeInput!) {segmentFreeze(input: $i) {segment size added removed}}"
WITHIN = """query($s: String!, $first: Int, $after: String) {segmentMembers(segment: $s, first: $first, after: $after) {
    edges {cursor node {relationReference segments}} pageInfo {hasNextPage hasPreviousPage startCursor endCursor}}}"""
OF_MEMBER = "query($r: String) {member(reference: $r) {segments}}"


async def page(caller: Caller, segment: str, **arguments: Any) -> tuple[list[str], dict[str, Any]]:
    """The references of a page, and what stands around it."""
    found = (await caller.ask(WITHIN, s=segment, **arguments)).data["segmentMembers"]
    return [edge["node"]["relationReference"] for edge in found["edges"]], found["pageInfo"]


async def test_a_member_and_a_segment_know_each_other(world: World, server: Caller) -> None:
    await server.ask(APPLY, i={"document": SEGMENTS})
    references = [await world.member(server, points) for points in (0, 60, 70)]
    assert (await server.ask(OF_MEMBER, r=references[1])).data["member"]["segments"] == [
        "New members",
        "Active buyers",
        "Big",
    ]
    assert (await server.ask(OF_MEMBER, r=references[0])).data["member"]["segments"] == [
        "New members",
        "Never purchased",
    ]
    # How it is classified is not for the member, in whatever it is asked.
    app = await world.caller(member=references[0])
    assert (await app.ask(OF_MEMBER)).data["member"]["segments"] is None
    assert (await app.ask("{me {segments}}")).data["me"]["segments"] is None
    assert (await page(server, "Big"))[0] == references[1:]
    first, around = await page(server, "Big", first=1)
    assert (first, around["hasNextPage"]) == ([references[1]], True)
    rest, around = await page(server, "Big", first=1, after=around["endCursor"])
    assert (rest, around["hasNextPage"], around["hasPreviousPage"]) == ([references[2]], False, True)


async def test_a_snapshot_is_taken_from_a_list(world: World, server: Caller) -> None:
    await server.ask(APPLY, i={"document": SEGMENTS})
    references = [await world.member(server) for _ in range(3)]
    taken = {"segment": "Press", "mode": "REPLACE", "members": references[:2]}
    expected = {"segment": "Press", "size": 2, "added": 2, "removed": 0}
    assert (await server.ask(FREEZE, i=taken)).data["segmentFreeze"] == expected
    more = {"segment": "Press", "mode": "APPEND", "members": references[1:]}
    assert (await server.ask(FREEZE, i=more)).data["segmentFreeze"] == expected | {"size": 3, "added": 1}
    assert (await page(server, "Press"))[0] == references
    first, around = await page(server, "Press", first=2)
    assert (first, around["hasNextPage"]) == (references[:2], True)
    assert (await page(server, "Press", first=2, after=around["endCursor"]))[0] == references[2:]


async def test_a_snapshot_is_refused(world: World, server: Caller) -> None:
    await server.ask(APPLY, i={"document": SEGMENTS})
    reference, bad = await world.member(server), "BAD_USER_INPUT"
    taken = {"segment": "Press", "mode": "REPLACE", "members": [reference]}
    for change, *expected in (
        ({"segment": "Nobody"}, bad, "INVALID_REQUEST", "998", "segment"),
        ({"segment": "New members"}, bad, "INVALID_REQUEST", "998", "segment"),
        ({"members": None}, bad, "INVALID_REQUEST", "998", "members"),
        ({"mode": "MERGE"}, bad, "BAD_REQUEST", "999", "mode"),
        ({"members": ["nobody"]}, "NOT_FOUND", "MEMBER_NOT_FOUND", "103", "members"),
    ):
        await world.refused(server, FREEZE, taken | change, *expected)
    forbidden = ("FORBIDDEN", "FORBIDDEN", "403", None)
    app = await world.caller(member=reference)
    await world.refused(app, FREEZE, taken, *forbidden)
    assert (await app.ask(WITHIN, s="Press")).refusal == forbidden
    assert (await server.ask(WITHIN, s="Nobody")).refusal == (bad, "INVALID_REQUEST", "998", "segment")
    assert (await server.ask(WITHIN, s="Big", after="x")).refusal == (bad, "BAD_REQUEST", "999", "after")
