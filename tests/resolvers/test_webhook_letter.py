"""What webhooks tell of each event: in documented shapes, with no personal data but the member's reference."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from domain.models import outbox
from domain.models.types import to_json
from domain.store.outbox import add_events
from domain.webhook_event import KNOWN_TYPES
from resolvers.batch import finish_batch, open_batch
from resolvers.batch_line import BatchLine
from resolvers.batch_post import Share, post_rows
from resolvers.context import Context
from resolvers.erasure import erase_member
from resolvers.hold import CancelHold, cancel_hold, create_hold
from resolvers.member import ImportMember
from resolvers.merge import MergeMembers, merge_members
from resolvers.program import apply_configuration, reset_credential
from resolvers.queue import submit_queue
from resolvers.queue_work import work_queue
from resolvers.redemption import RedeemPoints, redeem_points
from resolvers.reversal import ReverseRedemption, reverse_redemption
from resolvers.tier import SetTier, set_tier
from resolvers.transaction import submit_transaction
from resolvers.transfer import TransferPoints, transfer_points
from tests.receiver import Receiver, receiving
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import HOLD_ORDER, enroll, set_status
from tests.resolvers.held import buy
from tests.resolvers.test_tier import MANUAL
from tests.resolvers.webhook import deliver, listening, posting

POSTING = {
    "reference",
    "kind",
    "bucket",
    "points",
    "balance_after",
    "entry_sequence",
    "transaction_date",
    "expires_at",
    "merchant",
    "amount",
    "transaction_id",
    "reverses",
}


async def load_file(ctx: Context) -> None:
    """A file of two members, one of whom is refused."""
    batch = await open_batch(ctx, file_type="CPD", file_name="July_CPD.csv", sha256="0" * 64)
    values: list[dict[str, Any]] = [{"relation_reference": "CAL", "status": 1}, {"relation_reference": "", "status": 1}]
    lines = [BatchLine(line=line, command=ImportMember(values=one, action="NEW")) for line, one in enumerate(values, 2)]
    await post_rows(ctx, batch.id, Share(lines=lines))
    await finish_batch(ctx, batch.id)


async def happen(ctx: Context) -> None:
    """One of nearly each."""
    await enroll(ctx, "ANN", 100)
    await enroll(ctx, "BOB")
    await submit_transaction(ctx, buy("T1", "5"))
    done = await redeem_points(
        ctx, RedeemPoints(relation_reference="ANN", points=Decimal(30), merchant_name="Shop", amount=Decimal("9.90"))
    )
    await reverse_redemption(
        ctx,
        ReverseRedemption(
            relation_reference="ANN", external_reference=str(done.external_reference), merchant_name="Shop"
        ),
    )
    await set_tier(ctx, SetTier(relation_reference="ANN", tier="Gold", reason="a friend"))
    await load_file(ctx)
    await submit_queue(ctx, [buy("T2", "7")])
    await work_queue(ctx.services)
    await reset_credential(ctx)


@pytest.fixture
async def told(shop: Shop) -> dict[str, list[Any]]:
    """What a receiver was told, by type."""
    services, ctx = posting(shop), shop.contexts[0]
    await apply_configuration(ctx, MANUAL)
    found: dict[str, list[Any]] = {}
    with receiving(Receiver()) as receiver:
        secret = await listening(ctx, receiver)
        await happen(ctx)
        await deliver(services)
        for one in receiver.verified(secret):
            found.setdefault(one["type"], []).append(one["data"])
    return found


async def test_postings_are_told_whole(told: dict[str, list[Any]]) -> None:
    redeemed, reversed_ = told["points.redeemed"][0], told["redemption.reversed"][0]
    for one in (redeemed, reversed_, *told["points.earned"]):
        assert one.keys() == {"sequence", "member"} | POSTING
    assert (redeemed["points"], redeemed["amount"], redeemed["merchant"]) == ("-30", "9.9", "Shop")
    assert (redeemed["member"], redeemed["reverses"]) == ("ANN", None)
    assert (reversed_["points"], reversed_["reverses"]) == ("30", redeemed["reference"])
    numbers = [int(one["entry_sequence"]) for one in (redeemed, reversed_)]
    assert numbers[1] == numbers[0] + 1
    assert redeemed["transaction_date"].endswith("Z")


async def test_what_is_no_posting_is_told_without_numbers_of_rows(told: dict[str, list[Any]]) -> None:
    def without_sequence(type_: str) -> list[Any]:
        return [{name: value for name, value in one.items() if name != "sequence"} for one in told[type_]]

    enrolled = sorted(one["member"] for one in without_sequence("member.enrolled"))
    assert enrolled == ["ANN", "BOB", "CAL"]
    assert {"member": "ANN", "tier": "Gold"} in without_sequence("tier.changed")
    file, queue = sorted(without_sequence("batch.completed"), key=len, reverse=True)
    assert file == {
        "file_name": "July_CPD.csv",
        "file_type": "CPD",
        "status": "FINISHED",
        "rows": 2,
        "accepted": 1,
        "rejected": 1,
    }
    assert (queue.keys(), queue["rows"]) == ({"queue_batch_id", "rows"}, 1)
    assert without_sequence("credential.reset") == [{"generation": 2}]
    assert set(told) <= set(KNOWN_TYPES)


async def test_merged_and_erased_members_are_told_by_references(shop: Shop) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    with receiving(Receiver()) as receiver:
        await listening(ctx, receiver)
        for reference in ("ANN", "BOB", "CAL"):
            await enroll(ctx, reference, 50)
        await create_and_cancel(ctx)
        await transfer_points(ctx, TransferPoints(from_reference="ANN", to_reference="BOB", points=Decimal(5)))
        await merge_members(ctx, MergeMembers(victim="ANN", survivor="BOB"))
        await set_status(ctx, "CAL", 4)
        await erase_member(ctx, "CAL")
        await deliver(services)
        found = [(one.told["type"], one.told["data"]) for one in receiver.received]
    [merged] = [data for type_, data in found if type_ == "member.merged"]
    assert {name: merged[name] for name in ("member", "survivor", "victim")} == {
        "member": "BOB", "survivor": "BOB", "victim": "ANN",
    }  # fmt: skip
    [erased] = [data for type_, data in found if type_ == "member.erased"]
    assert erased["member"] != "CAL"
    assert "CAL" not in str([one.body for one in receiver.received])
    types = {type_ for type_, _ in found}
    assert types >= {"points.held", "points.released", "points.transferred", "member.updated"}


async def create_and_cancel(ctx: Context) -> None:
    """A hold that ends."""
    made = await create_hold(ctx, HOLD_ORDER)
    await cancel_hold(ctx, CancelHold(hold_id=made.id))


async def test_an_event_of_a_topic_that_nobody_knows_yet_is_delivered(shop: Shop) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    with receiving(Receiver()) as receiver, receiving(Receiver()) as orders:
        await listening(ctx, receiver)
        await listening(ctx, orders, "Orders", ["order.*"])
        await enroll(ctx, "ANN")
        member_id = await ctx.read(
            lambda tx: tx.scalar(select(outbox.c.member_id).where(outbox.c.topic == "member.enrolled"))
        )
        event: dict[str, object] = {
            "topic": "order.placed",
            "member_id": member_id,
            "payload": to_json({"order_id": 17, "number": "O-17", "points": "12.5"}),
            "created_at": shop.now,
        }
        await ctx.write(lambda tx: add_events(tx, ctx.principal.program, [event]))
        await deliver(services)
        last = receiver.received[-1].told
        assert [one.told for one in orders.received] == [last]
    last["data"].pop("sequence")
    assert (last["type"], last["data"]) == ("order.placed", {"member": "ANN", "number": "O-17", "points": "12.5"})
