"""Which error wins where several apply, and that a refusal writes nothing but its key."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from domain.errors import BY_CODE
from tests.rest.world import Answer, World

UNKNOWN_GUID = "9E107D9D-372B-4A81-8C6B-3542A419D6E1"


async def refused(world: World, operation: str, body: Mapping[str, Any], *, token: str = "", key: str = "") -> str:
    """The code of a refusal that left the database as it was."""
    headers = {"Idempotency-Key": key} if key else {}
    before = await world.contents()
    answer = await world.call(operation, body, token=token or None, headers=headers)
    after = await world.contents()
    code: str = answer.envelope["ErrorCode"]
    if key and BY_CODE[code].binds_key:
        before, after = [dict(one) | {"idempotency": None} for one in (before, after)]
    assert after == before
    assert answer.status == BY_CODE[code].status
    return code


async def test_the_errors_of_a_redemption_in_their_order(world: World) -> None:
    """Each step mends what the one before was refused for, and finds the next fault."""
    owner = await world.member(points=10)
    other = await world.member(points=10)
    token = await world.bound_token(owner)
    blocked = {status: await world.member(points=10, status=status) for status in (2, 3, 4, 5, 6)}
    used = {"RelationReference": owner, "Points": 1, "MerchantName": "Shop", "LoyaltyTxnType": 5}
    assert (await world.call("RedeemPoints", used, headers={"Idempotency-Key": "taken"})).status == 200

    body: dict[str, Any] = {
        "RelationReference": other, "Points": None, "MerchantName": " ", "LoyaltyTxnType": 77, "ProgramId": 0,
    }  # fmt: skip

    async def code(*, key: str = "taken", **mended: Any) -> str:
        body.update(mended)
        return await refused(world, "RedeemPoints", body, key=key)

    assert await code() == "999"
    assert await code(Points=0) == "403"
    assert await code(ProgramId=world.credential.program_id, Points=0) == "208"
    assert await refused(world, "RedeemPoints", body | {"MerchantName": "Shop"}, token=token) == "403"
    assert await code(MerchantName="Shop") == "120"
    assert await code(Points="0.000009") == "120"
    assert await code(Points="0.5", RelationReference="nobody") == "409"
    assert await code(key="") == "103"
    for status, expected in {4: "113", 6: "115", 2: "114", 3: "116", 5: "107"}.items():
        assert await code(key="", RelationReference=blocked[status]) == expected
    assert await code(key="", RelationReference=other) == "998"
    assert await code(key="", LoyaltyTxnType=5) == "125"
    assert await code(key="", Points="10.001") == "998"
    assert await code(key="", Points="10.01") == "121"
    assert await code(key="short", Points="10.01") == "121"
    assert (await world.call("RedeemPoints", body | {"Points": 10})).outcome == (200, "000")


async def test_the_errors_of_a_reversal_in_their_order(world: World) -> None:
    owner, other = await world.member(points=10), await world.member(points=10)
    redeemed = [
        (
            await world.call(
                "RedeemPoints",
                {"RelationReference": owner, "Points": 2, "MerchantName": "Shop", "LoyaltyTxnType": 5},
            )
        ).value
        for _ in range(2)
    ]
    done = {"RelationReference": owner, "MerchantName": "Shop", "ExternalReference": redeemed[0]}
    assert (await world.call("ReversalPoints", done, headers={"Idempotency-Key": "r"})).status == 200

    body: dict[str, Any] = {"RelationReference": "nobody", "ExternalReference": "", "ProgramId": 0}

    async def code(*, key: str = "r", **mended: Any) -> str:
        body.update(mended)
        return await refused(world, "ReversalPoints", body, key=key)

    assert await code() == "999"
    assert await code(ExternalReference="x") == "403"
    assert await code(ProgramId=world.credential.program_id) == "208"
    assert await code(MerchantName="Shop") == "998"
    assert await code(ExternalReference=UNKNOWN_GUID) == "409"
    assert await code(key="") == "103"
    assert await code(key="", RelationReference=other) == "123"
    assert await code(key="", ExternalReference=redeemed[0]) == "124"
    assert await code(key="", RelationReference=owner, MerchantName="Elsewhere") == "124"
    assert await code(key="", MerchantName="Shop") == "122"
    assert await code(key="another") == "122"
    again = await world.call("ReversalPoints", done, headers={"Idempotency-Key": "r"})
    assert (again.value, again.headers["idempotency-replayed"]) == (True, "true")


@pytest.mark.parametrize("status", [2, 3, 4, 5, 6])
async def test_no_status_stops_a_reversal(world: World, status: int) -> None:
    owner = await world.member(points=10)
    body = {"RelationReference": owner, "Points": 2, "MerchantName": "Shop", "LoyaltyTxnType": 5}
    redeemed = (await world.call("RedeemPoints", body)).value
    await world.change(owner, status=status)
    reversal = {"RelationReference": owner, "MerchantName": "Shop", "ExternalReference": redeemed}
    assert (await world.call("ReversalPoints", reversal)).outcome == (200, "000")


async def test_the_second_reversal_is_told_when_the_first_was(world: World) -> None:
    owner = await world.member(points=10)
    body = {"RelationReference": owner, "Points": 2, "MerchantName": "Shop", "LoyaltyTxnType": 5}
    redeemed = (await world.call("RedeemPoints", body)).value
    reversal = {"RelationReference": owner, "MerchantName": "Shop", "ExternalReference": redeemed}
    assert (await world.call("ReversalPoints", reversal)).status == 200
    second = await world.call("ReversalPoints", reversal)
    assert second.envelope["ExceptionMessage"] == ("Redemption already reversed (reversed at 2026-02-03T11:46:03.703)")


async def test_the_errors_of_a_transaction_in_their_order(world: World) -> None:
    closed = {status: await world.member(status=status) for status in (4, 2, 6)}
    member = await world.member()
    used = world.purchase(member)
    assert (await world.call("InsertTransactionData", used, headers={"Idempotency-Key": "t"})).status == 200

    body: dict[str, Any] = world.purchase(
        "nobody", None, transaction_id=used["transaction_id"], transaction_type="XX",
        product_code="NONE", channel="fax", unheard_of=1,
    )  # fmt: skip
    query = {"pintProgramId": 0}

    async def code(*, key: str = "t", **mended: Any) -> str:
        body.update(mended)
        before = await world.contents()
        headers = {"Idempotency-Key": key} if key else {}
        answer = await world.call("InsertTransactionData", body, query=query, headers=headers)
        assert await world.contents() == before
        return str(answer.envelope["ErrorCode"])

    assert await code() == "999"
    assert await code(amount=-1) == "403"
    query["pintProgramId"] = world.credential.program_id
    assert await code() == "998"
    assert await code(amount=10) == "998"
    assert await code(transaction_type="dr") in {"409", "106"}
    assert await code(key="") == "106"
    del body["unheard_of"]
    assert await code(key="") == "106"
    assert await code(channel="web") == "409"
    assert await code(key="") == "105"
    assert await code(key="", product_code="SHOP", sub_product_code="NONE") == "105"
    assert await code(key="", sub_product_code="BOOKS") == "103"
    for status, expected in {4: "113", 2: "114", 6: "115"}.items():
        assert await code(key="", member_relation_reference=closed[status]) == expected
    assert await code(key="", member_relation_reference=member) == "1201"


async def test_the_errors_of_an_enrolment_in_their_order(world: World) -> None:
    taken = {
        "relation_reference": "Taken", "email_id": "taken@example.com", "mobile_number": "+441122", "card_id": "K",
    }  # fmt: skip
    assert (await world.call("CreateProfileWithAttributes", taken, headers={"Idempotency-Key": "c"})).status == 200
    body: dict[str, Any] = {**taken, "relation_reference": None, "shirt_size": "large", "unheard_of": 1}
    query = {"pintProgramId": 0}

    async def code(*, key: str = "", **mended: Any) -> str:
        body.update(mended)
        before = await world.contents()
        headers = {"Idempotency-Key": key} if key else {}
        answer = await world.call("CreateProfileWithAttributes", body, query=query, headers=headers)
        assert await world.contents() == before
        return str(answer.envelope["ErrorCode"])

    assert await code(key="x" * 101) == "999"
    assert await code(key="x" * 101, relation_reference="Taken") == "403"
    query["pintProgramId"] = world.credential.program_id
    assert await code(key="x" * 101) == "998"
    assert await code(key="c") == "409"
    assert await code() == "106"
    del body["unheard_of"]
    assert await code() == "106"
    assert await code(shirt_size=40) == "1201"
    assert await code(relation_reference="Free") == "1205"
    assert await code(email_id="free@example.com") == "1206"
    assert await code(mobile_number="+442233") == "1207"


async def test_the_errors_of_an_update(world: World) -> None:
    await world.member(email_id="other@example.com")
    cancelled = await world.member(status=4)
    member = await world.member()
    ids = {
        reference: (await world.call("GetMemberProfile", query={"RelationReference": reference})).value["Id"]
        for reference in (cancelled, member)
    }
    cases: Sequence[tuple[dict[str, Any], str]] = (
        ({"id": ids[member], "data": {}}, "999"),
        ({"id": ids[member], "data": {"full_name": []}}, "999"),
        ({"id": ids[member], "data": {"relation_reference": "x"}}, "998"),
        ({"id": ids[member], "data": {"gender": "X"}}, "106"),
        ({"id": ids[member], "data": {"status": 9}}, "106"),
        ({"id": ids[member], "data": {"unheard_of": 1}}, "106"),
        ({"id": 10**9, "data": {"full_name": "x"}}, "1202"),
        ({"id": ids[cancelled], "data": {"full_name": "x"}}, "1204"),
        ({"id": ids[member], "data": {"email_id": "OTHER@example.com"}}, "1205"),
    )
    for body, expected in cases:
        assert await refused(world, "UpdateProfileWithAttributes", body) == expected


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"LoyaltyTxnType": "x"}, "204"),
        ({"LoyaltyTxnType": 99}, "204"),
        ({"LoyaltyTxnType": "99999999999"}, "204"),
        ({"AdditionalLoyaltyTxnTypes": "1,8"}, "204"),
        ({"LoyaltyTxnType": 1, "AdditionalLoyaltyTxnTypes": "2,,3"}, "204"),
        ({"MinimumRange": -1}, "998"),
        ({"MaximumRange": 0}, "998"),
        ({"DateFrom": "yesterday"}, "999"),
        ({"RelationType": 5}, "998"),
        ({"TransactionCurrency": "EUR"}, "998"),
        ({"RelationReference": "nobody"}, "103"),
    ],
)
async def test_the_errors_of_a_statement(world: World, more: dict[str, Any], code: str) -> None:
    body = {"RelationReference": await world.member(), "DateFrom": "2026-01-01", "DateTo": "2026-12-31", **more}
    assert await refused(world, "GetMemberTransactionSummaryByDate", body) == code


async def test_a_range_beyond_the_limit_is_cut_and_an_empty_one_is_no_error(world: World) -> None:
    body = {"RelationReference": await world.member(), "DateFrom": "2026-12-31", "DateTo": "2026-01-01"}
    answer: Answer = await world.call("GetMemberTransactionSummaryByDate", body | {"MaximumRange": 10**6})
    assert (answer.outcome, answer.value, answer.envelope["Count"]) == ((200, "000"), [], 0)


@pytest.mark.parametrize("status", [2, 3, 4, 5, 6])
async def test_only_an_active_member_has_something_available(world: World, status: int) -> None:
    body = {"RelationReference": await world.member(status=status)}
    assert await refused(world, "CheckAvailability", body) == "107"


async def test_an_attribute_that_is_not_unique_is_no_key(world: World) -> None:
    for key, code in {"full_name": "998", "shirt_size": "998", "email_id": "103", "card_id": "103"}.items():
        answer = await world.call(
            "GetMemberDetailsByUniqueAttribute",
            query={"pstrUniqueAttributeKey": key, "pstrUniqueAttributeValue": "nobody"},
        )
        assert answer.envelope["ErrorCode"] == code
