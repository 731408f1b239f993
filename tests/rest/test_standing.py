"""The tier and the segments in what REST tells of a member."""

from tests.rest.world import World

STANDING = """
version: 1
tiers: {assessment: automatic, levels: [{name: Silver, from: 0}, {name: Gold, from: 10}]}
"""

NOTHING = """
version: 1
tiers: {assessment: "off"}
segments:
  - {name: New members, kind: frozen}
  - {name: Active buyers, kind: frozen}
"""
"""Nobody is in these two, and whoever bought lately is in none of the others."""


async def test_a_profile_names_the_tier_and_the_segments(world: World) -> None:
    await world.configure(STANDING)
    query = {"RelationReference": await world.member()}
    profile = (await world.call("GetMemberProfile", query=query)).value
    assert (profile["TierName"], profile["CustomerSegment"]) == (None, "New members, Never purchased")
    await world.call("InsertTransactionData", world.purchase(query["RelationReference"], 100))
    profile = (await world.call("GetMemberProfile", query=query)).value
    assert (profile["TierName"], profile["CustomerSegment"]) == ("Gold", "New members, Active buyers")
    unique = {"pstrUniqueAttributeKey": "relation_reference"}
    unique["pstrUniqueAttributeValue"] = query["RelationReference"]
    found = await world.call("GetMemberDetailsByUniqueAttribute", query=unique)
    assert found.value["TierName"] == "Gold"
    await world.configure(NOTHING)
    profile = (await world.call("GetMemberProfile", query=query)).value
    assert (profile["TierName"], profile["CustomerSegment"]) == (None, None)
