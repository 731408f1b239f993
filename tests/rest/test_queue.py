"""InsertTransactionDataV2 and PollTransactionBatchStatus, in both families."""

import asyncio
from typing import Any
from uuid import uuid4

import orjson
import pytest

from rest_compat.envelope import Family
from tests.rest.background import work
from tests.rest.test_success import GUID
from tests.rest.world import Answer, World, new_program

both = pytest.mark.parametrize("family", Family)


async def submitted(world: World, elements: Any, family: Family = Family.V1, **request: Any) -> Answer:
    return await world.call("InsertTransactionDataV2", elements, family=family, **request)


async def polled(world: World, batch_id: str, family: Family = Family.V1, **request: Any) -> Answer:
    return await world.call("PollTransactionBatchStatus", query={"batch_id": batch_id}, family=family, **request)


async def outcomes(world: World, elements: Any, family: Family = Family.V1, **request: Any) -> list[dict[str, Any]]:
    """Submit, let the work be done, and give the rows."""
    answer = await submitted(world, elements, family, **request)
    assert answer.outcome == (202, "001")
    await work(world)
    rows: list[dict[str, Any]] = (await polled(world, answer.value["batch_id"], family)).value["results"]
    assert [row["request_id"] for row in rows] == [one["request_id"] for one in answer.value["transactions"]]
    return rows


async def three(world: World) -> list[dict[str, Any]]:
    """A purchase, a refund of it, and one that is refused."""
    reference = await world.member()
    purchase = world.purchase(reference, 25, transaction_type="dr", channel="web")
    refund = purchase | {"amount": 10, "transaction_type": "cr"}
    return [purchase, refund, world.purchase(reference, product_code="NONE")]


@both
async def test_a_batch_is_accepted_under_names_to_poll_by(world: World, family: Family) -> None:
    given = await three(world)
    answer = await submitted(world, given, family, query={"pintProgramId": 1})
    ids = [one["request_id"] for one in answer.value["transactions"]]
    assert len(set(filter(GUID.fullmatch, [answer.value["batch_id"], *ids]))) == 4
    shown = ("member_relation_reference", "transaction_id", "transaction_type")
    transactions = [
        {name: one[name] for name in shown} | {"request_id": request_id}
        for one, request_id in zip(given, ids, strict=True)
    ]
    envelope = {
        "IsSucessful": True,
        "ErrorCode": "001",
        "ExceptionMessage": "Success",
        "Count": 0,
        "ReturnObject": {
            "batch_id": answer.value["batch_id"],
            "message": "Transactions queued successfully",
            "total_transactions": 3,
            "transactions": transactions,
        },
    }
    assert answer.status == 202
    assert answer.body == (envelope if family is Family.V1 else {"results": envelope})


@both
async def test_a_batch_is_polled_while_it_waits_and_when_it_is_done(world: World, family: Family) -> None:
    accepted = (await submitted(world, await three(world), family)).value
    batch_id, ids = accepted["batch_id"], [one["request_id"] for one in accepted["transactions"]]
    waiting = await polled(world, batch_id, family)
    assert waiting.outcome == (200, "000")
    assert waiting.value == {
        "batch_id": batch_id,
        "summary": {"total": 3, "success": 0, "failed": 0, "pending": 3, "on_hold": 0, "partial_hold": 0},
        "results": [
            {"request_id": one, "status": "PENDING", "message": "Transaction is waiting to be processed"} for one in ids
        ],
        "total_points": 0,
    }
    await work(world)
    done = await polled(world, batch_id, family)
    fine = {"status": "SUCCESS", "message": "Transaction processed successfully"}
    assert done.value == {
        "batch_id": batch_id,
        "summary": {"total": 3, "success": 2, "failed": 1, "pending": 0, "on_hold": 0, "partial_hold": 0},
        "results": [
            {"request_id": ids[0], "points": 17.5, **fine},
            {"request_id": ids[1], "points": -7, **fine},
            {"request_id": ids[2], "status": "FAILED", "error": "105 Invalid product code"},
        ],
        "total_points": 10.5,
    }
    assert (done.envelope["ExceptionMessage"], done.envelope["Count"]) == ("Success", 0)


@both
async def test_a_faulty_element_fails_with_what_the_operation_for_one_would_say(world: World, family: Family) -> None:
    reference = await world.member()
    good = world.purchase(reference)
    faults: list[dict[str, Any]] = [
        {name: value for name, value in good.items() if name != "amount"},
        good | {"amount": "much"},
        good | {"amount": -1},
        good | {"transaction_type": "XX"},
        good | {"transaction_date": "2026-02-30"},
        good | {"transaction_id": "x" * 101},
        good | {"ProgramId": 4711},
        {name: value for name, value in good.items() if name != "amount"} | {"AMOUNT": 2, "aMOUNT": 3},
        good | {"member_relation_reference": None},
        good | {"member_relation_reference": "nobody"},
        good | {"_xoxo_api_client_idempotency": "x" * 101},
        good | {"sub_product_code": "NONE"},
        good | {"channel": "phone"},
        {},
    ]
    rows = await outcomes(world, [*faults, good], family)
    said = [await world.call("InsertTransactionData", one, family=family) for one in faults]
    expected = [f"{one.envelope['ErrorCode']} {one.envelope['ExceptionMessage']}" for one in said]
    assert {one.status < 400 for one in said} == {False}
    for fault, row, error in zip(faults, rows, expected, strict=False):
        assert {**row, "request_id": ""} == {"request_id": "", "status": "FAILED", "error": error}, fault
    assert rows[-1]["status"] == "SUCCESS"


async def test_unknown_attributes_are_refused_or_ignored_as_the_family_has_it(world: World) -> None:
    reference = await world.member()
    rows = [
        (await outcomes(world, [world.purchase(reference, colour="red")], family))[0]["status"] for family in Family
    ]
    assert rows == ["FAILED", "SUCCESS"]


@both
@pytest.mark.parametrize("body", [{}, [], [[]], [{}, 1], ["x"], None, b"[{]", b"", b'[{"a":1,"a":2}]'])
async def test_what_is_no_array_of_objects_is_refused_whole(world: World, family: Family, body: Any) -> None:
    before = await world.contents()
    answer = await submitted(world, body, family)
    assert answer.outcome == (400, "999")
    assert await world.contents() == before


async def test_what_was_given_is_shown_as_far_as_it_is_text(world: World) -> None:
    element = {"transaction_id": 17, "memberId": "M", "transaction_type": ["DR"], "amount": {"a": 1}}
    answer = await submitted(world, [element])
    shown = answer.value["transactions"][0]
    assert shown == {
        "member_relation_reference": "M",
        "transaction_id": "17",
        "transaction_type": None,
        "request_id": shown["request_id"],
    }


async def test_keys_come_from_the_elements_and_never_from_the_header(world: World) -> None:
    reference, key = await world.member(), f"k-{uuid4()}"
    headers = {"Idempotency-Key": key}
    one, other = (world.purchase(reference, 2) for _ in range(2))
    assert [row["status"] for row in await outcomes(world, [one, other], headers=headers)] == ["SUCCESS"] * 2

    keyed = world.purchase(reference, 2, _xoxo_api_client_idempotency=key)
    rows = await outcomes(world, [keyed, keyed, keyed | {"amount": 3}])
    first = f"(idempotency key of request_id {rows[0]['request_id']})"
    assert [row.get("error") for row in rows] == [
        None,
        f"1201 Duplicate record {first}",
        f"409 Idempotency key reused with another body {first}",
    ]
    again = await outcomes(world, [keyed], Family.LBMS)
    assert again[0]["error"] == f"E201 Duplicate record {first}"
    # One space of keys for both operations.
    replay = await world.call("InsertTransactionData", keyed)
    assert (replay.headers["x-points-awarded"], replay.headers["idempotency-replayed"]) == ("1", "true")


async def test_a_bound_token_may_neither_submit_nor_poll(world: World) -> None:
    reference = await world.member()
    batch_id = (await submitted(world, [world.purchase(reference)])).value["batch_id"]
    token = await world.bound_token(reference)
    before = await world.contents()
    assert (await submitted(world, [world.purchase(reference)], token=token)).outcome == (403, "403")
    assert (await polled(world, batch_id, token=token)).outcome == (403, "403")
    assert await world.contents() == before


@both
async def test_a_batch_is_polled_under_each_name_and_by_its_program_only(world: World, family: Family) -> None:
    batch_id = (await submitted(world, [{}])).value["batch_id"]
    for name in ("batch_id", "batchId", "pstrBatchId", "BATCHID"):
        query = {name: batch_id.lower()}
        answer = await world.call("PollTransactionBatchStatus", query=query, family=family)
        assert answer.value["batch_id"] == batch_id
    assert (await polled(world, str(uuid4()), family)).outcome == (404, "123")
    assert (await polled(world, "17", family)).outcome == (400, "998")
    assert (await polled(world, "", family)).outcome == (400, "999")
    other = await new_program(world.services, f"Other {uuid4()}")
    body = {"grant_type": "client_credentials", "client_id": other.client_id, "client_secret": other.client_secret}
    token = (await world.call("Token", body, token="")).body["access_token"]
    assert (await polled(world, batch_id, family, token=token)).outcome == (404, "123")


async def test_a_program_may_limit_the_number(world: World) -> None:
    await world.configure("version: 1\nprogram: {queue_limit: 2}")
    try:
        before = await world.contents()
        answer = await submitted(world, [{}, {}, {}])
        assert answer.outcome == (413, "413")
        assert await world.contents() == before
        assert (await submitted(world, [{}, {}])).status == 202
        assert (await submitted(world, [{"transaction_id": "{" * 50}])).status == 202
    finally:
        await world.configure("version: 1\nprogram: {queue_limit: 100000}")


async def test_eight_mebibytes_are_read_while_others_are_served(world: World) -> None:
    element = orjson.dumps(world.purchase("M-1", padding="x" * 800))
    body = b"[" + b",".join([element] * 8000) + b"]"
    assert 7 << 20 < len(body) <= 8 << 20
    reference = await world.member(points=5)
    large = asyncio.create_task(submitted(world, body))
    served = 0
    while not large.done():
        answer = await world.call("CheckAvailability", {"RelationReference": reference})
        assert answer.value == 5
        served += 1
    assert large.result().outcome == (202, "001")
    assert served > 3


@both
async def test_millions_of_empty_ones_are_sent_away_unread(world: World, family: Family) -> None:
    before = await world.contents()
    body = b"[" + b",".join([b"{}"] * 2_000_000) + b"]"
    answer = await world.call("InsertTransactionDataV2", body, family=family)
    assert answer.outcome == (413, "413")
    assert await world.contents() == before
