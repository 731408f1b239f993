"""Requests to pay with rewards: made, listed, read, cancelled, settled, lapsed."""

from datetime import timedelta
from typing import Any

import pytest

from rest_compat.envelope import Family
from tests.rest.test_precedence import refused
from tests.rest.world import NOW, World


async def available(world: World, reference: str) -> Any:
    return (await world.call("CheckAvailability", {"RelationReference": reference})).value


async def listed(world: World, reference: str, **more: Any) -> tuple[list[int], int]:
    """The ids of a page and the number of all that match."""
    answer = await world.call("ListPayWithRewards", query={"RelationReference": reference, **more})
    assert answer.outcome == (200, "000"), answer.body
    return [one["RequestId"] for one in answer.value], answer.envelope["Count"]


@pytest.mark.parametrize("family", Family)
async def test_a_request_holds_points_until_it_is_cancelled(world: World, family: Family) -> None:
    reference = await world.member(points=10)
    body = {"RelationReference": reference, "Points": "4.50", "Amount": 12.5, "MerchantName": "Shop"}
    created = await world.call("CreatePayWithRewards", body, family=family)
    request_id = created.value["RequestId"]
    assert created.value == {
        "RequestId": request_id,
        "RelationReference": reference,
        "Points": 4.5,
        "Amount": 12.5,
        "MerchantName": "Shop",
        "Status": "Pending",
        "CreatedOn": "2026-02-03T11:46:03.703",
        "ExpiresOn": "2026-02-06T11:46:03.703",
        "ProcessedOn": None,
        "ExternalReference": None,
    }
    assert await available(world, reference) == 5.5
    got = await world.call("GetPayWithRewards", query={"RequestId": request_id}, family=family)
    assert got.value == created.value
    cancelled = await world.call("CancelPayWithRewards", {"RequestId": str(request_id)}, family=family)
    assert cancelled.value is True
    assert await available(world, reference) == 10
    again = await world.call("GetPayWithRewards", query={"RequestId": request_id}, family=family)
    assert again.value == created.value | {"Status": "Cancelled", "ProcessedOn": "2026-02-03T11:46:03.703"}


async def test_a_settled_request_is_processed_and_names_its_redemption(world: World) -> None:
    reference = await world.member(points=10)
    request_id = await world.pending(reference, 4)
    guid = str(await world.settle(request_id)).upper()
    got = (await world.call("GetPayWithRewards", query={"RequestId": request_id})).value
    assert (got["Status"], got["ExternalReference"]) == ("Processed", guid)
    assert got["ProcessedOn"] == "2026-02-03T11:46:03.703"
    reversal = {"RelationReference": reference, "MerchantName": "Shop", "ExternalReference": guid}
    assert (await world.call("ReversalPoints", reversal)).outcome == (200, "000")


async def test_a_list_is_narrowed_by_status_and_paged(world: World) -> None:
    reference = await world.member(points=100)
    cancelled = [await world.pending(reference, 1)]
    assert (await world.call("CancelPayWithRewards", {"RequestId": cancelled[0]})).status == 200
    processed = []
    for _ in range(11):
        processed.append(await world.pending(reference, 1))
        await world.settle(processed[-1])
    pending = await world.pending(reference, 1)
    newest_first = [pending, *reversed(processed), *cancelled]
    assert await listed(world, reference) == (newest_first[:10], 13)
    assert await listed(world, reference, PageNumber=2) == (newest_first[10:], 13)
    assert await listed(world, reference, pintPageNumber=3) == ([], 13)
    assert await listed(world, reference, RecordsPerPage=5, PageNumber=3) == (newest_first[10:], 13)
    assert await listed(world, reference, RecordsPerPage=10**6) == (newest_first, 13)
    assert await listed(world, reference, RecordsPerPage=10**6, PageNumber=2) == ([], 13)
    for status, expected in {0: newest_first[:10], 1: [pending], 2: processed[:0:-1], 3: cancelled, 4: []}.items():
        found, _ = await listed(world, reference, Status=status)
        assert found == expected
    for more, code in (({"Status": 5}, "998"), ({"PageNumber": 0}, "998"), ({"RecordsPerPage": "x"}, "999")):
        answer = await world.call("ListPayWithRewards", query={"RelationReference": reference, **more})
        assert answer.envelope["ErrorCode"] == code


@pytest.mark.parametrize(
    ("given", "days"), [({}, 3), ({"ValidityPeriodInDays": 0}, 3), ({"ValidityPeriodInDays": 90}, 90)]
)
async def test_a_request_that_outlives_its_validity_is_expired(world: World, given: dict[str, int], days: int) -> None:
    reference = await world.member(points=10)
    request_id = await world.pending(reference, 4, **given)
    try:
        world.clock[0] = NOW + timedelta(days=days) - timedelta(milliseconds=1)
        world.token = await world.bound_token(reference)
        assert await listed(world, reference, Status=1) == ([request_id], 1)
        world.clock[0] += timedelta(milliseconds=1)
        assert await listed(world, reference, Status=1) == ([], 0)
        assert await listed(world, reference, Status=4) == ([request_id], 1)
        assert await available(world, reference) == 10
        late = await world.call("CancelPayWithRewards", {"RequestId": request_id})
        assert late.outcome == (409, "127")
    finally:
        world.clock[0] = NOW
        world.token = await world.program_token()


async def test_a_hold_for_another_purpose_is_no_request(world: World) -> None:
    reference = await world.member(points=10)
    held = await world.hold(reference, 4)
    before = await world.contents()
    assert await listed(world, reference) == ([], 0)
    assert (await world.call("GetPayWithRewards", query={"RequestId": held})).outcome == (404, "123")
    assert (await world.call("CancelPayWithRewards", {"RequestId": held})).outcome == (404, "123")
    assert await world.contents() == before
    assert await available(world, reference) == 6
    assert await world.pending(reference, 4)


async def test_the_errors_of_a_request_in_their_order(world: World) -> None:
    """Each step mends what the one before was refused for, and finds the next fault."""
    owner, busy = await world.member(points=10), await world.member(points=10)
    blocked = {status: await world.member(points=10, status=status) for status in (2, 3, 4, 5, 6)}
    await world.pending(busy)
    used = {"RelationReference": owner, "Points": 1, "MerchantName": "Shop"}
    taken = await world.call("CreatePayWithRewards", used, headers={"Idempotency-Key": "pwr"})
    assert (await world.call("CancelPayWithRewards", {"RequestId": taken.value["RequestId"]})).status == 200
    body: dict[str, Any] = {
        "RelationReference": "nobody", "Points": None, "ValidityPeriodInDays": 91, "ProgramId": 0,
    }  # fmt: skip

    async def code(*, key: str = "", **mended: Any) -> str:
        body.update(mended)
        return await refused(world, "CreatePayWithRewards", body, key=key)

    assert await code(key="pwr") == "999"
    assert await code(key="pwr", Points=0) == "403"
    assert await code(key="pwr", ProgramId=world.credential.program_id) == "998"
    assert await code(key="pwr", ValidityPeriodInDays=3) == "208"
    assert await code(key="pwr", MerchantName="Shop") == "120"
    assert await code(key="pwr", Points=10**11) == "998"
    assert await code(key="pwr", Points="0.5") == "409"
    assert await code() == "103"
    for status, expected in {4: "113", 6: "115", 2: "114", 3: "116", 5: "107"}.items():
        assert await code(RelationReference=blocked[status]) == expected
    assert await code(RelationReference=busy, Points="10.001") == "998"
    assert await code(Points="0.5") == "125"
    assert await code(Points="100") == "126"
    assert await code(RelationReference=owner) == "121"
    assert (await world.call("CreatePayWithRewards", body | {"Points": 10})).outcome == (200, "000")


async def test_the_errors_of_a_cancellation_in_their_order(world: World) -> None:
    reference = await world.member(points=10)
    request_id = await world.pending(reference)
    done = {"RequestId": request_id}
    assert (await world.call("CancelPayWithRewards", done, headers={"Idempotency-Key": "cpwr"})).status == 200
    body: dict[str, Any] = {"RequestId": "x", "ProgramId": 0}

    async def code(*, key: str = "cpwr", **mended: Any) -> str:
        body.update(mended)
        return await refused(world, "CancelPayWithRewards", body, key=key)

    assert await code() == "999"
    assert await code(RequestId=0) == "403"
    assert await code(ProgramId=world.credential.program_id) == "998"
    assert await code(RequestId=10**6) == "409"
    assert await code(key="") == "123"
    assert await code(key="", RequestId=request_id) == "127"
    assert await code(key="another") == "127"


async def test_a_repeat_gives_the_first_answer_whatever_became_of_the_request(world: World) -> None:
    reference = await world.member(points=10)
    body = {"memberId": reference, "points": 4, "amount": 4}
    key, other = {"Idempotency-Key": f"pwr-{reference}"}, {"Idempotency-Key": f"cancel-{reference}"}
    first = await world.call("CreatePayWithRewards", body, headers=key)
    assert (first.value["MerchantName"], first.value["Status"]) == ("House", "Pending")
    cancel = {"RequestId": first.value["RequestId"]}
    assert (await world.call("CancelPayWithRewards", cancel, headers=other)).status == 200
    before = await world.contents()
    again = await world.call("CreatePayWithRewards", body, headers=key)
    assert again.body == first.body
    ended = await world.call("CancelPayWithRewards", cancel, headers=other)
    assert ended.value is True
    assert {one.headers["idempotency-replayed"] for one in (again, ended)} == {"true"}
    assert "idempotency-replayed" not in first.headers
    assert await world.contents() == before


async def test_a_pending_request_is_repeated_by_its_key_and_by_no_other(world: World) -> None:
    reference = await world.member(points=10)
    body = {"RelationReference": reference, "Points": 4, "MerchantName": "Shop"}
    first, second = ({"Idempotency-Key": f"pending-{number}-{reference}"} for number in (1, 2))
    made = await world.call("CreatePayWithRewards", body, headers=first)
    before = await world.contents()
    again = await world.call("CreatePayWithRewards", body, headers=first, family=Family.LBMS)
    assert (again.value, again.headers["idempotency-replayed"]) == (made.value, "true")
    assert (await world.call("CreatePayWithRewards", body, headers=second)).outcome == (409, "126")
    assert await world.contents() == before
    # The refused key is still free.
    assert (await world.call("CancelPayWithRewards", {"RequestId": made.value["RequestId"]})).status == 200
    fresh = await world.call("CreatePayWithRewards", body, headers=second)
    assert (fresh.outcome, "idempotency-replayed" in fresh.headers) == ((200, "000"), False)


async def test_a_member_pays_from_its_own_points_only(world: World) -> None:
    mine, theirs = await world.member(points=10), await world.member(points=10)
    token, request_id = await world.bound_token(mine), await world.pending(theirs)
    before = await world.contents()
    for operation, body, query in (
        ("CancelPayWithRewards", {"RequestId": request_id}, None),
        ("GetPayWithRewards", None, {"RequestId": request_id}),
    ):
        assert (await world.call(operation, body, query=query, token=token)).outcome == (404, "123")
    assert (await world.call("ListPayWithRewards", query={"memberId": theirs}, token=token)).outcome == (403, "403")
    assert await world.contents() == before
    made = await world.call("CreatePayWithRewards", {"Points": 4, "MerchantName": "Shop"}, token=token)
    assert made.value["RelationReference"] == mine
    own = await world.call("ListPayWithRewards", token=token)
    assert own.value == [made.value]
    cancelled = await world.call("CancelPayWithRewards", {"RequestId": made.value["RequestId"]}, token=token)
    assert cancelled.value is True
