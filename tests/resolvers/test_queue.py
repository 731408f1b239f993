"""Transactions that are accepted at once and posted later: in order, each once, whatever happens meanwhile."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, select, update

import resolvers.queue_work
from domain.errors import BadRequest, BodyTooLarge, Forbidden, InvalidRequest, RedemptionNotFound, ServiceUnavailable
from domain.models import member_transaction, queue_item
from resolvers.context import Context
from resolvers.earning import Earnings
from resolvers.erasure import erase_member
from resolvers.program import apply_configuration
from resolvers.queue import FAILED, PENDING, SUCCESS, Element, PolledBatch, poll_queue, submit_queue
from resolvers.queue_payload import dump_command, load_command
from resolvers.queue_work import work_queue
from resolvers.transaction import SubmitTransaction, submit_transaction
from tests.resolvers.conftest import RULES, Shop
from tests.resolvers.desk import FEBRUARY, enroll, figures, member_of, nothing_written, set_status, verified


def buy(number: str, amount: str = "10", **more: Any) -> SubmitTransaction:
    """A purchase of ANN that earns its amount."""
    values: dict[str, Any] = {"transaction_type": "DR", "member_relation_reference": "ANN", "product_code": "MUSIC"}
    return SubmitTransaction(
        transaction_id=number, amount=Decimal(amount), transaction_date=FEBRUARY, **{**values, **more}
    )


async def queued(ctx: Context, *elements: Element) -> PolledBatch:
    """Submit, let the work be done, and look."""
    batch = await submit_queue(ctx, elements)
    await work_queue(ctx.services)
    return await poll_queue(ctx, batch.batch_id)


def shown(batch: PolledBatch) -> list[tuple[str, int, str]]:
    """Status, points and code of each item."""
    return [(one.status, int(one.points), one.error.code if one.error else "") for one in batch.items]


async def test_a_batch_is_pending_until_the_work_is_done(shop: Shop, ann: Context) -> None:
    batch = await submit_queue(ann, [buy("T1"), buy("T1", "5", transaction_type="cr"), buy("T2", "7")])
    before = await poll_queue(ann, batch.batch_id)
    assert [one.request_id for one in before.items] == batch.request_ids
    assert shown(before) == [(PENDING, 0, "")] * 3
    assert await figures(ann, "ANN") == (100, 0)
    assert ann.services.queued.is_set()

    assert await work_queue(shop.services) == 3
    after = await poll_queue(ann, batch.batch_id)
    # The refund finds its purchase, which stands before it in the batch.
    assert shown(after) == [(SUCCESS, 10, ""), (SUCCESS, -5, ""), (SUCCESS, 7, "")]
    assert after.counts == {SUCCESS: 3}
    assert after.points == 12
    assert await figures(ann, "ANN") == (112, 0)
    assert await work_queue(shop.services) == 0


async def test_a_fault_of_one_leaves_the_others_alone(ann: Context) -> None:
    batch = await queued(
        ann,
        InvalidRequest("amount: is out of range"),
        buy("T1"),
        buy("T2", member_relation_reference="NOBODY"),
        buy("T3", product_code="NONE"),
        buy("T1"),
        buy("T4", attributes={"colour": "red"}),
        buy("T5", attributes={"colour": "red"}, ignore_unknown=True),
    )
    assert shown(batch) == [
        (FAILED, 0, "998"),
        (SUCCESS, 10, ""),
        (FAILED, 0, "103"),
        (FAILED, 0, "105"),
        (FAILED, 0, "1201"),
        (FAILED, 0, "106"),
        (SUCCESS, 10, ""),
    ]
    assert str(batch.items[0].error) == "998 Invalid request (amount: is out of range)"
    assert batch.counts == {SUCCESS: 2, FAILED: 5}


async def test_a_batch_of_nothing_but_faults_is_finished_at_once(ann: Context) -> None:
    batch = await submit_queue(ann, [BadRequest("amount: is missing")])
    assert await work_queue(ann.services) == 0
    assert shown(await poll_queue(ann, batch.batch_id)) == [(FAILED, 0, "999")]


async def test_portions_go_on_where_the_last_one_ended(ann: Context) -> None:
    faults = [BadRequest("amount: is missing")] * 3
    batch = await submit_queue(ann, [*faults, *[buy(f"T{n}") for n in range(5)], *faults, buy("T9")])
    for pending in (4, 2, 0):
        assert await work_queue(ann.services, limit=2) == 2
        counts = (await poll_queue(ann, batch.batch_id)).counts
        assert counts.get(PENDING, 0) == pending
    assert await work_queue(ann.services, limit=2) == 0
    assert counts == {FAILED: 6, SUCCESS: 6}
    assert await figures(ann, "ANN") == (160, 0)


async def test_what_was_submitted_first_is_posted_first_program_by_program(shop: Shop, ann: Context) -> None:
    two = shop.contexts[1]
    await enroll(two, "ANN")
    batches = [await submit_queue(ctx, [buy(f"T{n}")]) for n, ctx in enumerate([ann, ann, two])]
    assert await work_queue(shop.services) == 2
    left = [await poll_queue(ctx, one.batch_id) for ctx, one in zip([ann, ann, two], batches, strict=True)]
    assert [shown(one)[0][0] for one in left] == [SUCCESS, PENDING, SUCCESS]
    assert await work_queue(shop.services) == 1
    await verified(shop)


async def test_another_program_knows_nothing_of_a_batch(shop: Shop, ann: Context) -> None:
    batch = await submit_queue(ann, [buy("T1")])
    for ctx, reference in ((shop.contexts[1], batch.batch_id), (ann, uuid4())):
        with pytest.raises(RedemptionNotFound):
            await poll_queue(ctx, reference)


async def test_a_repeated_key_names_the_first_request(ann: Context) -> None:
    batch = await queued(
        ann,
        buy("T1", idempotency_key="one"),
        buy("T1", idempotency_key="one"),
        buy("T2", idempotency_key="one"),
    )
    first = f"(idempotency key of request_id {str(batch.items[0].request_id).upper()})"
    assert shown(batch) == [(SUCCESS, 10, ""), (FAILED, 0, "1201"), (FAILED, 0, "409")]
    assert [str(one.error).endswith(first) for one in batch.items[1:]] == [True, True]

    later = await queued(ann, buy("T1", idempotency_key="one"))
    assert str(later.items[0].error) == f"1201 Duplicate record {first}"
    assert await figures(ann, "ANN") == (110, 0)


async def test_a_key_of_another_door_says_what_is_known(ann: Context) -> None:
    await submit_transaction(replace(ann, source="rest"), buy("T1", idempotency_key="one"))
    batch = await queued(ann, buy("T1", idempotency_key="one"), buy("T2", idempotency_key="two"))
    assert str(batch.items[0].error) == "1201 Duplicate record (idempotency key of transaction_id T1 from rest)"
    # And the other way round: the door that waits for the answer replays it.
    replay = await submit_transaction(ann, buy("T2", idempotency_key="two"))
    assert replay.replayed
    assert replay.points == 10


async def test_a_key_of_a_refusal_names_the_request_that_was_refused(ann: Context) -> None:
    await set_status(ann, "ANN", 2)
    first = await queued(ann, buy("T1", idempotency_key="one"))
    assert shown(first) == [(FAILED, 0, "114")]
    await set_status(ann, "ANN", 1)
    again = await queued(ann, buy("T1", idempotency_key="one"), buy("T2", idempotency_key="two"))
    assert str(first.items[0].request_id).upper() in str(again.items[0].error)
    assert shown(again) == [(FAILED, 0, "1201"), (SUCCESS, 10, "")]

    await set_status(ann, "ANN", 2)
    with pytest.raises(Exception, match="114"):
        await submit_transaction(ann, buy("T3", idempotency_key="three"))
    known = await queued(ann, buy("T3", idempotency_key="three"))
    assert "refused with 114" in str(known.items[0].error)


async def test_a_failure_that_binds_no_key_may_be_sent_again(ann: Context) -> None:
    assert shown(await queued(ann, buy("T1", member_relation_reference="BOB", idempotency_key="k"))) == [
        (FAILED, 0, "103")
    ]
    await enroll(ann, "BOB")
    assert shown(await queued(ann, buy("T1", member_relation_reference="BOB", idempotency_key="k"))) == [
        (SUCCESS, 10, "")
    ]


async def test_a_refused_submission_queues_nothing(shop: Shop, ann: Context) -> None:
    await apply_configuration(ann, RULES.replace(b"redemption_minimum: 1", b"queue_limit: 2"))
    async with nothing_written(shop):
        with pytest.raises(BadRequest):
            await submit_queue(ann, [])
        with pytest.raises(BodyTooLarge):
            await submit_queue(ann, [buy("T1"), buy("T2"), buy("T3")])
        for ctx in (member_of(ann, "ANN"), replace(ann, principal=replace(ann.principal, permissions=frozenset()))):
            with pytest.raises(Forbidden):
                await submit_queue(ctx, [buy("T1")])
            with pytest.raises(Forbidden):
                await poll_queue(ctx, uuid4())
    assert shown(await queued(ann, buy("T1"), buy("T2"))) == [(SUCCESS, 10, "")] * 2


async def test_a_transaction_is_of_its_submitter(ann: Context) -> None:
    submitter = replace(ann, source="rest", principal=replace(ann.principal, actor="client:7"))
    await queued(submitter, buy("T1"))
    rows = await ann.read(lambda tx: tx.execute(select(member_transaction.c.source, member_transaction.c.actor)).all())
    assert [tuple(row) for row in rows] == [("rest", "client:7")]


async def test_what_waits_is_sealed_and_gone_when_it_is_done(ann: Context) -> None:
    def payloads(tx: Connection) -> list[bytes | None]:
        return list(tx.scalars(select(queue_item.c.payload).order_by(queue_item.c.position)))

    card = "4111111111111111"
    await submit_queue(ann, [buy("T1", card_number=card), BadRequest("amount: is missing")])
    sealed, fault = await ann.read(payloads)
    assert sealed is not None
    assert card.encode() not in sealed
    assert b"ANN" not in sealed
    assert fault is None
    await work_queue(ann.services)
    assert await ann.read(payloads) == [None, None]


async def test_who_is_erased_meanwhile_is_not_brought_back(ann: Context) -> None:
    batch = await submit_queue(ann, [buy("T1")])
    await erase_member(ann, "ANN")
    await work_queue(ann.services)
    assert shown(await poll_queue(ann, batch.batch_id)) == [(FAILED, 0, "103")]


async def test_one_poisoned_transaction_does_not_stop_the_batch(ann: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    post = Earnings.post

    def poisoned(self: Earnings, commands: Any) -> Any:
        if any(one.transaction_id == "POISON" for one in commands):
            raise RuntimeError("a surprise")
        return post(self, commands)

    monkeypatch.setattr(Earnings, "post", poisoned)
    batch = await queued(ann, buy("T1"), buy("POISON"), buy("T2"))
    assert shown(batch) == [(SUCCESS, 10, ""), (FAILED, 0, "997"), (SUCCESS, 10, "")]
    assert await figures(ann, "ANN") == (120, 0)


async def test_a_payload_that_nobody_can_read_fails_alone(ann: Context) -> None:
    batch = await submit_queue(ann, [buy("T1"), buy("T2")])
    await ann.write(
        lambda tx: tx.execute(update(queue_item).where(queue_item.c.position == 0).values(payload=b"x" * 40))
    )
    await work_queue(ann.services)
    assert shown(await poll_queue(ann, batch.batch_id)) == [(FAILED, 0, "997"), (SUCCESS, 10, "")]


async def test_a_database_that_goes_away_fails_no_transaction(ann: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> Any:
        raise ServiceUnavailable

    batch = await submit_queue(ann, [buy("T1")])
    with monkeypatch.context() as patched:
        patched.setattr(resolvers.queue_work, "post_transactions", away)
        with pytest.raises(ServiceUnavailable):
            await work_queue(ann.services)
    assert shown(await poll_queue(ann, batch.batch_id)) == [(PENDING, 0, "")]
    await work_queue(ann.services)
    assert shown(await poll_queue(ann, batch.batch_id)) == [(SUCCESS, 10, "")]


async def test_workers_side_by_side_post_everything_once(shop: Shop, ann: Context) -> None:
    batches = [await submit_queue(ann, [buy(f"{b}-{n}", "1") for n in range(30)]) for b in range(4)]
    for _ in range(40):
        await asyncio.gather(*(work_queue(shop.services, limit=7) for _ in range(4)))
    for one in batches:
        assert (await poll_queue(ann, one.batch_id)).counts == {SUCCESS: 30}
    assert await figures(ann, "ANN") == (220, 0)


@pytest.mark.parametrize(
    "command",
    [
        buy("T1", "1.50", attributes={"a": Decimal("1.50"), "b": 2**70, "c": True, "d": "x\u00e9", "e": None}),
        buy("T2", member_relation_reference=None, card_number="4111", idempotency_key="k", ignore_unknown=False),
        buy("T3", attributes={"list": [1, "two"], "object": {"a": 1}}, source="file:x:1"),
    ],
)
def test_a_command_survives_the_wait_as_it_is(command: SubmitTransaction) -> None:
    assert load_command(dump_command(command)) == command
