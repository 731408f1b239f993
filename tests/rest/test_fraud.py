"""What REST answers where a threshold of the program is passed, in both families."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from resolvers.queue_work import work_queue
from rest_compat.envelope import Family
from tests.rest.world import World

both = pytest.mark.parametrize("family", Family)


@pytest_asyncio.fixture
async def guarded(world: World) -> AsyncIterator[World]:
    """A program with thresholds, for as long as the test takes."""
    await world.configure(
        "version: 1\nfraud: {earning: [{product_code: SHOP, max_points: 100}, "
        "{max_points: 60, action: hold_excess}], redemption: {max_points: 10}}"
    )
    yield world
    await world.configure("version: 1\nfraud: {earning: [], redemption: {max_points: null}}")


@both
async def test_an_earning_on_hold_is_accepted_and_says_so(guarded: World, family: Family) -> None:
    reference = await guarded.member()
    whole, part, fine = (guarded.purchase(reference, amount) for amount in (202, 150, 100))
    answers = [await guarded.call("InsertTransactionData", one, family=family) for one in (whole, part, fine)]
    assert [(answer.outcome, answer.value) for answer in answers] == [((200, "000"), True)] * 3
    headers = [(one.headers["x-points-awarded"], one.headers.get("x-transaction-status")) for one in answers]
    assert headers == [("0", "ON HOLD"), ("60", "PARTIAL HOLD"), ("50", None)]
    account = {"RelationReference": reference}
    assert (await guarded.call("CheckAvailability", account, family=family)).value == 110


@both
async def test_the_queue_tells_what_is_on_hold(guarded: World, family: Family) -> None:
    reference = await guarded.member()
    given = [guarded.purchase(reference, amount) for amount in (202, 150, 100)]
    batch_id = (await guarded.call("InsertTransactionDataV2", given, family=family)).value["batch_id"]
    while await work_queue(guarded.services):
        pass
    query = {"batch_id": batch_id}
    polled = (await guarded.call("PollTransactionBatchStatus", query=query, family=family)).value
    assert polled["summary"] == {
        "total": 3, "success": 1, "failed": 0, "pending": 0, "on_hold": 1, "partial_hold": 1,
    }  # fmt: skip
    assert [{name: row[name] for name in row if name != "request_id"} for row in polled["results"]] == [
        {"status": "ON HOLD", "message": "Transaction is on hold for review"},
        {"status": "PARTIAL HOLD", "points": 60, "message": "Transaction is partly on hold for review"},
        {"status": "SUCCESS", "points": 50, "message": "Transaction processed successfully"},
    ]
    assert polled["total_points"] == 110


@both
async def test_a_redemption_over_the_threshold_is_129(guarded: World, family: Family) -> None:
    reference = await guarded.member(points=50)
    body = {"RelationReference": reference, "Points": 11, "MerchantName": "Shop", "LoyaltyTxnType": 5}
    before = await guarded.contents()
    answer = await guarded.call("RedeemPoints", body, family=family)
    assert answer.outcome == (422, "129")
    assert answer.envelope["ExceptionMessage"] == "Held for review"
    assert await guarded.contents() == before
    assert (await guarded.call("RedeemPoints", body | {"Points": 10}, family=family)).outcome == (200, "000")
