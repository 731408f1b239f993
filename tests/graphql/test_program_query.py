"""What an app has to know of its program, with the token of a member as well."""

from schema.sdl import export_sdl
from tests.graphql.test_tier import TIERS, under
from tests.graphql.world import Caller, World

PROGRAM = """{program {
    redemptionRate redemptionMinimum pointsDecimals currency redemptionTypes {type isDefault}
    tiers {name rank fromPoints fromAggregate multiplier upgradeBonus}
    tierTerms {assessment basis window aggregate retentionDays}
    referral {rewardOn referrerPoints refereePoints maxPerReferrer}
    expiry {policy months periodEnd lastDay words}}}"""
SECRETS = """
version: 1
program: {redemption_rate: 40}
referrals: {enabled: true, reward_on: first_transaction, referrer_points: 50, referee_points: 20}
fraud: {redemption: {max_points: 4321, max_per_day: 7}}
"""


async def test_a_member_knows_the_ladder_the_rate_and_the_terms(world: World, server: Caller) -> None:
    await under(server, TIERS)
    await under(server, SECRETS)
    app = await world.caller(member=await world.member(server))
    for caller in (server, app):
        found = (await caller.ask(PROGRAM)).data["program"]
        assert found["redemptionRate"] == "40"
        assert found["redemptionMinimum"] == "1"
        assert [one["type"] for one in found["redemptionTypes"] if one["isDefault"]] == [30]
        silver = {"name": "Silver", "rank": 1, "fromPoints": "0", "multiplier": "1", "upgradeBonus": "0"}
        gold = {"name": "Gold", "rank": 2, "fromPoints": "100", "multiplier": "1.5", "upgradeBonus": "20"}
        platinum = {"name": "Platinum", "rank": 3, "fromPoints": "1000", "multiplier": "1", "upgradeBonus": "0"}
        assert found["tiers"] == [one | {"fromAggregate": None} for one in (silver, gold, platinum)]
        assert found["tierTerms"] == {
            "assessment": "AUTOMATIC",
            "basis": "POINTS",
            "window": "LIFETIME",
            "aggregate": None,
            "retentionDays": 30,
        }
        assert found["referral"] == {
            "rewardOn": "FIRST_TRANSACTION",
            "referrerPoints": "50",
            "refereePoints": "20",
            "maxPerReferrer": None,
        }
        assert found["expiry"] == {
            "policy": "MONTHS",
            "months": 12,
            "periodEnd": "QUARTER",
            "lastDay": None,
            "words": "Points expire at the end of the quarter that is 12 months after they were earned.",
        }
        assert "4321" not in str(found)


async def test_what_is_off_is_empty(world: World, server: Caller) -> None:
    found = (await server.ask(PROGRAM)).data["program"]
    assert (found["tiers"], found["tierTerms"], found["referral"]) == ([], None, None)
    assert found["redemptionRate"] == "100"


async def test_thresholds_of_fraud_are_told_to_nobody_but_in_the_document(world: World, server: Caller) -> None:
    assert "fraud" not in export_sdl().casefold()
    await under(server, SECRETS)
    app = await world.caller(member=await world.member(server))
    answer = await app.ask("{configuration {document}}")
    assert answer.refusal == ("FORBIDDEN", "FORBIDDEN", "403", None)


async def test_programs_are_listed_behind_one_another(world: World) -> None:
    administrator = await world.administrator()
    query = "query($n: Int! = 100, $a: ID) {programs(first: $n, after: $a) {id name tiers {name}}}"
    found = (await administrator.ask(query)).data["programs"]
    assert [one["name"] for one in found] == ["Ours", "Theirs"]
    pages = [(await administrator.ask(query, n=1, a=after)).data["programs"] for after in (None, found[0]["id"])]
    assert pages == [found[:1], found[1:]]
    assert (await administrator.ask(query, a=found[1]["id"])).data["programs"] == []
    for after in ("x", "TWVtYmVyOjE6MQ"):
        refused = ("BAD_USER_INPUT", "BAD_REQUEST", "999", "after")
        assert (await administrator.ask(query, a=after)).refusal == refused
