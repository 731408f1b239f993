"""Sub-relations: linked and found, in a profile, and in transactions that name a card in place of the member."""

from datetime import date
from typing import Any

from rest_compat.envelope import Family
from tests.rest.test_precedence import refused
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


async def test_a_card_is_linked_changed_and_found(world: World) -> None:
    reference = await world.member()
    body = {
        "RelationReference": reference,
        "CardNumber": 5105105105105100,
        "SubRelationIdentifier": 0,
        "SubRelationType": "CARD",
        "ProductCode": "GOLD",
        "ExpiryDate": "2030-01-31T23:59:59",
        "Status": 1,
    }
    created = await world.call("CreateSubRelation", body)
    assert created.value == {
        "Id": created.value["Id"],
        "SubRelationType": "CARD",
        "CardNumber": None,
        "CardLastFour": "5100",
        "SubRelationIdentifier": None,
        "LastSixDigits": None,
        "ProductCode": "GOLD",
        "ExpiryDate": "2030-01-31T00:00:00",
        "Status": "1",
    }
    # The names of the published card file; what is left out stays.
    file = {"memberRelationRef": reference, "cardNumber": "5105-1051-0510-5100", "subRelationType": "debit"}
    changed = await world.call(
        "CreateSubRelation", {**file, "lastSixDigits": "105100", "status": "0"}, family=Family.LBMS
    )
    assert changed.value == created.value | {"LastSixDigits": "105100", "Status": "0"}
    assert "x-ignored-fields" not in changed.headers
    found = await world.call("GetSubRelations", query={"pstrRelationReference": reference})
    assert (found.value, found.envelope["Count"]) == ([changed.value], 1)


async def test_a_link_is_made_once_for_a_key(world: World) -> None:
    body = {"RelationReference": await world.member(), "SubRelationIdentifier": "Keyed"}
    key = {"Idempotency-Key": "keyed-link"}
    first = await world.call("CreateSubRelation", body, headers=key)
    before = await world.contents()
    again = await world.call("CreateSubRelation", body, headers=key, family=Family.LBMS)
    assert (again.value, again.headers["idempotency-replayed"]) == (first.value, "true")
    assert (await world.call("CreateSubRelation", body | {"Status": "x"}, headers=key)).outcome == (409, "409")
    assert await world.contents() == before
    later = body | {"Status": "x", "ExpiryDate": "2031-01-01T00:00:00", "SubRelationType": "DEVICE"}
    assert (await world.call("CreateSubRelation", later)).value["Status"] == "x"
    assert (await world.call("CreateSubRelation", body, headers=key)).body == first.body


async def test_what_has_no_type_is_a_card_and_a_known_pair_keeps_its_own(world: World) -> None:
    reference = await world.member()
    bare = {"RelationReference": reference, "SubRelationIdentifier": "Bare"}
    assert (await world.call("CreateSubRelation", bare)).value["SubRelationType"] == "CARD"
    device = {"RelationReference": reference, "SubRelationIdentifier": "Phone"}
    assert (await world.call("CreateSubRelation", device | {"SubRelationType": "DEVICE"})).status == 200
    kept = await world.call("CreateSubRelation", device | {"Status": "old"})
    assert (kept.value["SubRelationType"], kept.value["Status"]) == ("DEVICE", "old")


async def test_a_look_up_by_value_gives_every_member_with_all_it_has(world: World) -> None:
    first, second, third = [await world.member(full_name="Ada") for _ in range(3)]
    for reference in (first, second):
        await world.link(reference, type="DEVICE", card_number="777", sub_relation_identifier="Both")
    await world.link(second, type="LOAN", sub_relation_identifier="L-1")
    await world.link(third, type="DEVICE", sub_relation_identifier="Both")

    async def found(**query: Any) -> list[tuple[str, list[str]]]:
        answer = await world.call("GetSubRelations", query=query)
        assert answer.outcome == (200, "000")
        assert answer.envelope["Count"] == len(answer.value)
        return [
            (one["RelationReference"], [link["SubRelationIdentifier"] for link in one["MemberRelationsList"]])
            for one in answer.value
        ]

    pair = [(first, ["Both"]), (second, ["Both", "L-1"])]
    assert await found(pstrCardNumber="777") == pair
    assert await found(CardNumber="777", SubRelationIdentifier="Both") == pair
    assert await found(pstrCardNumber=0, pstrSubRelationIdentifier="Both") == [*pair, (third, ["Both"])]
    assert await found(pstrSubRelationIdentifier="nowhere") == []


async def test_a_bound_token_sees_what_is_linked_to_its_member_and_changes_nothing(world: World) -> None:
    mine, theirs = await world.member(), await world.member()
    for reference in (mine, theirs):
        await world.link(reference, type="DEVICE", sub_relation_identifier="Bound")
    token = await world.bound_token(mine)
    own = await world.call("GetSubRelations", token=token)
    assert [one["SubRelationIdentifier"] for one in own.value] == ["Bound"]
    before = await world.contents()
    for query in ({"pstrSubRelationIdentifier": "Bound"}, {"pstrRelationReference": theirs}):
        assert (await world.call("GetSubRelations", query=query, token=token)).outcome == (403, "403")
    body = {"RelationReference": mine, "SubRelationIdentifier": "New"}
    assert (await world.call("CreateSubRelation", body, token=token)).outcome == (403, "403")
    assert await world.contents() == before


async def test_the_errors_of_a_link_in_their_order(world: World) -> None:
    member, cancelled = await world.member(), await world.member(status=4)
    used = {"RelationReference": member, "CardNumber": "123", "SubRelationIdentifier": "One"}
    assert (await world.call("CreateSubRelation", used, headers={"Idempotency-Key": "link"})).status == 200
    body: dict[str, Any] = {
        "RelationReference": "nobody", "CardNumber": "000", "SubRelationType": "SHOE", "ProgramId": 0,
    }  # fmt: skip

    async def code(*, key: str = "", **mended: Any) -> str:
        body.update(mended)
        return await refused(world, "CreateSubRelation", body, key=key)

    assert await code(key="link") == "999"
    assert await code(key="link", CardNumber="123") == "403"
    assert await code(key="link", ProgramId=world.credential.program_id) == "998"
    assert await code(key="link", SubRelationType="CREDIT", SubRelationIdentifier=VISA) == "998"
    assert await code(key="link", SubRelationIdentifier="Two", LastSixDigits="12345x") == "998"
    assert await code(key="link", LastSixDigits="") == "409"
    assert await code() == "103"
    assert await code(RelationReference=cancelled) == "1204"
    assert await code(RelationReference=member) == "119"
    assert await code(CardNumber=0, SubRelationIdentifier="One") == "119"


async def test_a_search_names_a_member_or_a_value_and_not_both(world: World) -> None:
    reference = await world.member()
    for query, code in (
        ({}, "999"),
        ({"pstrCardNumber": "0"}, "999"),
        ({"pstrCardNumber": "0", "ProgramId": 0}, "999"),
        ({"pstrRelationReference": "nobody", "pintProgramId": 0}, "403"),
        ({"pstrRelationReference": reference, "pstrCardNumber": "1"}, "998"),
        ({"pstrRelationReference": "nobody"}, "103"),
    ):
        answer = await world.call("GetSubRelations", query=query)
        assert answer.envelope["ErrorCode"] == code, query
