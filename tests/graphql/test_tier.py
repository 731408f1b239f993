"""Tiers over GraphQL: what a member sees, and tiers given by hand, each refusal with nothing written."""

from tests.graphql.world import Caller, World

TIERS = """
version: 1
tiers:
  assessment: automatic
  retention_days: 30
  levels:
    - {name: Silver, from: 0}
    - {name: Gold, from: 100, multiplier: 1.5, upgrade_bonus: 20}
    - {name: Platinum, from: 1000}
"""
MANUAL = TIERS.replace("automatic", "manual")
APPLY = "mutation($i: ConfigurationApplyInput!) {configurationApply(input: $i) {changed}}"
SET = "mutation($i: MemberTierSetInput!) {memberTierSet(input: $i) {changed bonus member {tier {name}}}}"
STANDING = """query($r: String) {member(reference: $r) {
    tier {name since multiplier qualifiedUntil}
    tierProgress {next points aggregate neededPoints neededAggregate missingPoints missingAggregate fraction}
    tierHistory {tier since source}}}"""
AT = "2026-02-03T11:46:03.703000+05:30"


async def under(caller: Caller, document: str) -> None:
    """Apply a configuration."""
    assert (await caller.ask(APPLY, i={"document": document})).data["configurationApply"]["changed"]


async def test_a_member_sees_its_tier_and_the_way_to_the_next(world: World, server: Caller) -> None:
    await under(server, TIERS)
    reference = await world.member(server, 105)
    expected = {
        "tier": {
            "name": "Gold",
            "since": AT,
            "multiplier": "1.5",
            "qualifiedUntil": "2026-03-05T11:46:03.703000+05:30",
        },
        "tierProgress": {
            "next": "Platinum",
            "points": "125",
            "aggregate": None,
            "neededPoints": "1000",
            "neededAggregate": None,
            "missingPoints": "875",
            "missingAggregate": None,
            "fraction": "0.125",
        },
        "tierHistory": [{"tier": "Gold", "since": AT, "source": "AUTOMATIC"}],
    }
    assert (await server.ask(STANDING, r=reference)).data["member"] == expected
    app = await world.caller(member=reference)
    assert (await app.ask(STANDING)).data["member"] == expected


async def test_without_tiers_there_is_nothing_to_see(world: World, server: Caller) -> None:
    reference = await world.member(server, 10)
    seen = (await server.ask(STANDING, r=reference)).data["member"]
    assert seen == {"tier": None, "tierProgress": None, "tierHistory": []}


async def test_a_tier_is_given_by_hand_once(world: World, server: Caller) -> None:
    await under(server, MANUAL)
    reference = await world.member(server)
    gold = {"relationReference": reference, "tier": "Gold", "reason": "a guest of honour"}
    assert (await server.ask(SET, i=gold)).data["memberTierSet"] == {
        "changed": True,
        "bonus": "20",
        "member": {"tier": {"name": "Gold"}},
    }
    async with world.nothing_written():
        again = (await server.ask(SET, i=gold)).data["memberTierSet"]
    assert again == {"changed": False, "bonus": "0", "member": {"tier": {"name": "Gold"}}}
    number = (await server.ask("query($r: String) {member(reference: $r) {id}}", r=reference)).data["member"]["id"]
    taken = {"memberId": number, "tier": None, "reason": "left"}
    assert (await server.ask(SET, i=taken)).data["memberTierSet"]["member"] == {"tier": None}


async def test_a_tier_is_refused(world: World, server: Caller) -> None:
    reference = await world.member(server)
    gold = {"relationReference": reference, "tier": "Gold", "reason": "a guest of honour"}
    bad = "BAD_USER_INPUT"
    await world.refused(server, SET, gold, "CONFLICT", "TIER_NOT_MANUAL", "1341", None)
    await under(server, MANUAL)
    await world.refused(server, SET, gold | {"tier": "Tin"}, bad, "INVALID_REQUEST", "998", "tier")
    await world.refused(server, SET, gold | {"reason": ""}, bad, "BAD_REQUEST", "999", "reason")
    await world.refused(server, SET, gold | {"memberId": "x"}, bad, "BAD_REQUEST", "999", "memberId")
    nobody = gold | {"relationReference": "nobody"}
    await world.refused(server, SET, nobody, "NOT_FOUND", "MEMBER_NOT_FOUND", "103", None)
    app = await world.caller(member=reference)
    await world.refused(app, SET, gold, "FORBIDDEN", "FORBIDDEN", "403", None)
