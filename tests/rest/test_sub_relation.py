"""Transactions that name a card in place of the member, and the sub-relations in a profile."""

from datetime import date
from typing import Any

from tests.rest.world import World

VISA = "4111111111111111"


def by_card(world: World, **named: Any) -> dict[str, Any]:
    """A purchase that names no member by reference."""
    return {**world.purchase("", 20), "member_relation_reference": None, **named}


async def test_a_profile_lists_what_is_linked_and_no_payment_card(world: World) -> None:
    reference = await world.member()
    await world.link(reference, type="CARD", card_number=VISA, expiry_date=date(2030, 1, 31), product_code="GOLD")
    await world.link(reference, type="ACCOUNT", card_number="12345", sub_relation_identifier="A-1")
    profile = await world.call("GetMemberProfile", query={"RelationReference": reference})
    card, account = profile.value["MemberRelationsList"]
    assert card == {
        "Id": card["Id"],
        "SubRelationType": "CARD",
        "CardNumber": None,
        "CardLastFour": "1111",
        "SubRelationIdentifier": None,
        "LastSixDigits": None,
        "ProductCode": "GOLD",
        "ExpiryDate": "2030-01-31T00:00:00",
        "Status": None,
    }
    assert (account["CardNumber"], account["SubRelationIdentifier"]) == ("12345", "A-1")


async def test_a_transaction_earns_for_whom_its_card_is_linked_to(world: World) -> None:
    owner, other = await world.member(), await world.member()
    await world.link(owner, type="CARD", card_number="5555555555554444", sub_relation_identifier="SHARED")
    await world.link(other, type="CARD", sub_relation_identifier="SHARED")
    answer = await world.call("InsertTransactionData", by_card(world, card_number="5555 5555 5555 4444"))
    assert (answer.outcome, answer.headers["x-points-awarded"]) == ((200, "000"), "10")
    before = await world.contents()
    shared = await world.call("InsertTransactionData", by_card(world, sub_relation_identifier="SHARED"))
    assert shared.outcome == (409, "118")
    unknown = await world.call("InsertTransactionData", by_card(world, card_number="4012888888881881"))
    assert unknown.outcome == (404, "103")
    nobody = await world.call("InsertTransactionData", by_card(world), query={"pintProgramId": 0})
    assert nobody.outcome == (400, "999")
    assert await world.contents() == before
