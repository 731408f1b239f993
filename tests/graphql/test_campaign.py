"""Campaigns over GraphQL: those of the program, those of a member, and how they are saved and removed."""

from typing import Any

from tests.graphql.test_tier import under
from tests.graphql.world import Caller, World

CAMPAIGNS = """
version: 1
segments: [{name: Web, when: {attribute: member.shirt_size, op: gte, value: 40}}]
campaigns:
  - {name: Winter, starts: 2026-02-01, ends: 2026-02-03, message: Warm up, award: {type: flat, points: "2.5"}}
  - {name: Large, starts: 2026-02-03 11:46, ends: 2026-02-28 12:00, segment: Web,
     award: {type: multiplier, factor: "1.5"}}
  - {name: Spring, starts: 2026-03-01, ends: 2026-05-31, award: {type: flat, points: 1}}
"""
OF_PROGRAM = """query($active: Boolean) {campaigns(active: $active) {
    name starts ends startsAt endsAt segment award {points factor} message isActive}}"""
OF_MEMBER = "query($r: String, $n: Int! = 20) {member(reference: $r) {campaigns(first: $n) {name isActive}}}"
SAVE = "mutation($i: ConfigurationItemSaveInput!) {campaignSave(input: $i) {changed}}"
REMOVE = "mutation($i: ConfigurationItemRemoveInput!) {campaignRemove(input: $i) {changed}}"
FORBIDDEN = ("FORBIDDEN", "FORBIDDEN", "403", None)


async def named(caller: Caller, active: bool | None = None) -> list[str]:
    """The names of the program's campaigns."""
    return [one["name"] for one in (await caller.ask(OF_PROGRAM, active=active)).data["campaigns"]]


async def test_the_campaigns_of_a_program_are_told_with_days_instants_and_awards(world: World, server: Caller) -> None:
    await under(server, CAMPAIGNS)
    winter, large, spring = (await server.ask(OF_PROGRAM)).data["campaigns"]
    assert winter == {
        "name": "Winter",
        "starts": "2026-02-01",
        "ends": "2026-02-03",
        "startsAt": "2026-02-01T00:00:00+05:30",
        "endsAt": "2026-02-04T00:00:00+05:30",
        "segment": None,
        "award": {"points": "2.5", "factor": None},
        "message": "Warm up",
        "isActive": True,
    }
    assert large == {
        "name": "Large",
        "starts": "2026-02-03",
        "ends": "2026-02-28",
        "startsAt": "2026-02-03T11:46:00+05:30",
        "endsAt": "2026-02-28T12:00:00.000001+05:30",
        "segment": "Web",
        "award": {"points": None, "factor": "1.5"},
        "message": None,
        "isActive": True,
    }
    assert (spring["name"], spring["isActive"]) == ("Spring", False)
    assert (await named(server, True), await named(server, False)) == (["Winter", "Large"], ["Spring"])


async def test_a_member_sees_its_own_campaigns_and_nobody_elses(world: World, server: Caller) -> None:
    await under(server, CAMPAIGNS)
    size: dict[str, Any] = {"attributes": [{"key": "shirt_size", "value": 42}]}
    large, small = await world.member(server, **size), await world.member(server)
    winter, its = {"name": "Winter", "isActive": True}, {"name": "Large", "isActive": True}
    for reference, expected in ((large, [winter, its]), (small, [winter])):
        app = await world.caller(member=reference)
        assert (await app.ask(OF_MEMBER)).data["member"]["campaigns"] == expected
        assert (await server.ask(OF_MEMBER, r=reference)).data["member"]["campaigns"] == expected
        # Which class of members it is for says how the member is classified.
        shown = (await app.ask("{me {campaigns {segment}}}")).data["me"]["campaigns"]
        assert {one["segment"] for one in shown} == {None}
        assert (await app.ask(OF_PROGRAM)).refusal == FORBIDDEN
    assert (await app.ask(OF_MEMBER, r=large)).refusal == FORBIDDEN
    assert (await server.ask(OF_MEMBER, r=large, n=1)).data["member"]["campaigns"] == [winter]
    refusal = (await server.ask(OF_MEMBER, r=large, n=101)).refusal
    assert refusal == ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "first")


async def test_a_purchase_gets_what_its_member_sees(world: World, server: Caller) -> None:
    await under(server, CAMPAIGNS)
    size: dict[str, Any] = {"attributes": [{"key": "shirt_size", "value": 42}]}
    large, small = await world.member(server, **size), await world.member(server)
    now = {"transactionDate": "2026-02-03T11:46:03+05:30"}
    assert (await world.earn(server, large, 10, **now))["points"] == "17.5"
    assert (await world.earn(server, small, 10, **now))["points"] == "12.5"


async def test_another_program_has_campaigns_of_its_own(world: World, server: Caller) -> None:
    await under(server, CAMPAIGNS)
    theirs = await world.caller(world.theirs)
    assert await named(theirs) == []
    reference = await world.member(theirs)
    assert (await theirs.ask(OF_MEMBER, r=reference)).data["member"]["campaigns"] == []
    assert await named(await world.administrator("customer-executive", program=1), True) == ["Winter", "Large"]
    assert await named(await world.administrator(program=2)) == []


async def test_a_campaign_is_saved_and_removed_by_itself(world: World, server: Caller) -> None:
    await under(server, CAMPAIGNS)
    reference = await world.member(server)
    summer = {"name": "Summer", "starts": "2026-02-03", "ends": "2026-08-31", "award": {"type": "flat", "points": 3}}
    assert (await server.ask(SAVE, i={"item": summer})).data["campaignSave"] == {"changed": True}
    assert (await server.ask(REMOVE, i={"name": "Winter"})).data["campaignRemove"] == {"changed": True}
    assert await named(server) == ["Large", "Spring", "Summer"]
    assert (await server.ask(OF_MEMBER, r=reference)).data["member"]["campaigns"] == [
        {"name": "Summer", "isActive": True}
    ]
    await world.refused(
        server, SAVE, {"item": summer | {"segment": "Nobody"}}, "BAD_USER_INPUT", "CONFIGURATION_REFUSED", "1300", None
    )
