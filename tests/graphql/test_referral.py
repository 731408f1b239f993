"""Referrals over GraphQL: codes, who brought whom, and what a member may see of it."""

from typing import Any

import pytest

from tests.graphql.world import Caller, World

ENROLL = """mutation($i: MemberEnrollInput!) {memberEnroll(input: $i) {replayed
    member {id referralCode referredBy {id} balance {bonus}}}}"""
ISSUE = """mutation($i: MemberReferralCodeIssueInput!) {memberReferralCodeIssue(input: $i) {replayed
    member {relationReference referralCode}}}"""
SAVE = "mutation($i: ConfigurationItemSaveInput!) {referralSave(input: $i) {changed}}"
SEEN = "query($r: String) {member(reference: $r) {id referralCode referredBy {id} referrals {count rewarded points}}}"
TERMS = {"enabled": True, "reward_on": "activation", "referrer_points": 100, "referee_points": 40}


@pytest.fixture
async def ann(server: Caller, world: World) -> dict[str, Any]:
    """A member of a program with referrals."""
    assert (await server.ask(SAVE, i={"item": TERMS})).data
    reference = await world.member(server)
    return {"reference": reference, **(await server.ask(SEEN, r=reference)).data["member"]}


async def test_a_server_sees_who_brought_whom(server: Caller, ann: dict[str, Any]) -> None:
    assert (ann["referredBy"], ann["referrals"]) == (None, {"count": 0, "rewarded": 0, "points": "0"})
    given = {"relationReference": "BOB", "status": "ACTIVE", "referralCode": f" {ann['referralCode'].lower()} "}
    bob = (await server.ask(ENROLL, i=given)).data["memberEnroll"]["member"]
    assert (bob["referredBy"], bob["balance"]) == ({"id": ann["id"]}, {"bonus": "40"})
    assert (await server.ask(ENROLL, i=given | {"relationReference": "CY", "status": "INACTIVE"})).data
    seen = (await server.ask(SEEN, r=ann["reference"])).data["member"]
    assert seen["referrals"] == {"count": 2, "rewarded": 1, "points": "100"}


async def test_members_see_their_own_code_and_no_other_member(
    world: World, server: Caller, ann: dict[str, Any]
) -> None:
    given = {"relationReference": "BOB", "referralCode": ann["referralCode"], "status": "ACTIVE"}
    assert (await server.ask(ENROLL, i=given)).data
    bob = (await (await world.caller(member="BOB")).ask(SEEN)).data["member"]
    assert (bob["referredBy"], len(bob["referralCode"])) == (None, 8)
    own = (await (await world.caller(member=ann["reference"])).ask(SEEN)).data["member"]
    assert own["referrals"] == {"count": 1, "rewarded": 1, "points": "100"}


async def test_members_ask_for_the_code_that_they_have_not(world: World, server: Caller) -> None:
    reference = await world.member(server)
    app = await world.caller(member=reference)
    await world.refused(app, ISSUE, {}, "BAD_USER_INPUT", "REFERRAL_REFUSED", "1340", None)
    assert (await server.ask(SAVE, i={"item": TERMS})).data
    issued = (await app.ask(ISSUE, i={})).data["memberReferralCodeIssue"]
    assert not issued["replayed"]
    again = (await server.ask(ISSUE, i={"relationReference": reference})).data["memberReferralCodeIssue"]
    assert again == issued | {"replayed": True}
    await world.refused(app, ISSUE, {"relationReference": "M-0"}, "FORBIDDEN", "FORBIDDEN", "403", None)
    await world.refused(server, ISSUE, {}, "BAD_USER_INPUT", "BAD_REQUEST", "999", "relationReference")


async def test_a_code_that_is_nobodys_or_of_another_program_is_refused(
    world: World, server: Caller, ann: dict[str, Any]
) -> None:
    refusal = ("BAD_USER_INPUT", "REFERRAL_REFUSED", "1340", "referralCode")
    await world.refused(server, ENROLL, {"relationReference": "BOB", "referralCode": "ZZZZZZZZ"}, *refusal)
    other = await world.caller(world.theirs)
    assert (await other.ask(SAVE, i={"item": TERMS})).data
    given = {"relationReference": "BOB", "referralCode": ann["referralCode"]}
    await world.refused(other, ENROLL, given, *refusal)
