"""Webhooks: each event at least once, in order for each member, signed; what fails holds back its member alone."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from zlib import crc32

import pytest
from sqlalchemy import func, select

import tessera.webhook
from domain.models import webhook_delivery
from domain.webhook import GIVEN_UP_AFTER
from resolvers.context import Context
from resolvers.couriers import Couriers
from resolvers.outbox import relay_outbox
from resolvers.redemption import RedeemPoints, redeem_points
from resolvers.webhook import SaveWebhook, list_webhooks, save_webhook
from resolvers.webhook_replay import list_dead_letters
from resolvers.webhook_work import deliver_webhooks, stop_webhooks
from tests.receiver import Received, Receiver, Reply, receiving
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import enroll, give
from tests.resolvers.webhook import deliver, listening, posting, sequences, told


async def rows(ctx: Context) -> int:
    """How many events endpoints are behind with, or have given up."""
    return await ctx.read(lambda tx: tx.scalar(select(func.count()).select_from(webhook_delivery))) or 0


def refusing(member: str, status: int = 500) -> Receiver:
    """A receiver that takes nothing that is of this member."""
    return Receiver(reply=lambda one: Reply(status=status if one.told["data"].get("member") == member else 204))


async def test_each_event_arrives_once_signed_and_leaves_no_row(shop: Shop) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    await enroll(ctx, "EARLIER", 5)
    with receiving(Receiver()) as receiver:
        secret = await listening(ctx, receiver)
        await enroll(ctx, "ANN", 100)
        await enroll(ctx, "BEN", 7)
        await deliver(services)
        verified = receiver.verified(secret)
        await deliver(services)
    assert sorted(told(receiver)) == sorted(
        [("member.enrolled", "ANN"), ("points.earned", "ANN"), ("member.enrolled", "BEN"), ("points.earned", "BEN")]
    )
    assert verified == [one.told for one in receiver.received]
    assert len({one.id for one in receiver.received}) == 4
    for member in ("ANN", "BEN"):
        assert sequences(receiver, member) == sorted(sequences(receiver, member))
    assert await rows(ctx) == 0
    [known] = await list_webhooks(ctx)
    assert (known.behind, known.dead, known.outcome, known.failed_at) == (0, 0, "HTTP 204", None)


async def test_a_member_that_fails_is_held_back_and_nobody_else(shop: Shop) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    with receiving(refusing("ANN")) as receiver:
        await listening(ctx, receiver)
        await enroll(ctx, "ANN", 5)
        await enroll(ctx, "BEN", 5)
        await deliver(services)
        await give(ctx, "ANN", 1)
        await give(ctx, "BEN", 1)
        await deliver(services)
        assert len(sequences(receiver, "ANN")) == 1
        assert len(sequences(receiver, "BEN")) == 3
        [first] = sequences(receiver, "ANN")
        # Tried again the first goes first, and what is held behind it follows when that arrived.
        shop.later(seconds=7)
        await deliver(services)
        assert sequences(receiver, "ANN") == [first] * 2
        receiver.reply = lambda _: Reply()
        shop.later(seconds=20)
        await deliver(services)
    ann = sequences(receiver, "ANN")
    assert (ann[:3], len(ann)) == ([first] * 3, 5)
    assert ann[2:] == sorted(set(ann))
    assert len(sequences(receiver, "BEN")) == 3
    # A repeated message has one id.
    ids = [one.id for one in receiver.received if one.told["data"].get("member") == "ANN"]
    assert (len(set(ids)), len(set(ids[:3]))) == (3, 1)
    assert await rows(ctx) == 0


async def test_what_fails_for_days_is_dead_and_lets_its_member_go_on(shop: Shop) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    tried: list[timedelta] = []
    with receiving(refusing("ANN")) as receiver:
        await listening(ctx, receiver)
        await enroll(ctx, "ANN")
        begin = shop.now
        while not await list_dead_letters(ctx, "Hook", first=10):
            before = len(receiver.received)
            await deliver(services)
            tried += [shop.now - begin] * (len(receiver.received) - before)
            [known] = await list_webhooks(ctx)
            if known.next_attempt_at is not None:
                assert known.next_attempt_at > shop.now
                shop.now = known.next_attempt_at
        [dead] = await list_dead_letters(ctx, "Hook", first=10)
        assert (dead.type, dead.relation_reference, dead.outcome) == ("member.enrolled", "ANN", "HTTP 500")
        assert (dead.attempts, dead.first_tried_at, dead.last_tried_at) == (len(tried), begin, begin + GIVEN_UP_AFTER)
        assert (tried[0], tried[-1]) == (timedelta(), GIVEN_UP_AFTER)
        pauses = [(later - sooner).total_seconds() for sooner, later in pairwise(tried)]
        assert 20 <= len(pauses) <= 40
        for number, pause in enumerate(pauses[:-1]):
            usual = min(5 * 2**number, 4 * 3600)
            assert 0.8 * usual <= pause <= 1.2 * usual
        receiver.reply = lambda _: Reply()
        await give(ctx, "ANN", 3)
        await deliver(services)
    assert told(receiver)[-1] == ("points.earned", "ANN")
    [known] = await list_webhooks(ctx)
    assert (known.behind, known.dead, known.next_attempt_at) == (0, 1, None)


async def test_a_receiver_that_is_down_and_comes_back_gets_all_in_order(shop: Shop) -> None:
    """While it is down few events are tried, and those that are not leave no rows."""
    services, ctx = posting(shop), shop.contexts[0]
    with receiving(Receiver(reply=lambda _: Reply(status=503))) as receiver:
        await listening(ctx, receiver)
        members = [f"M-{number}" for number in range(150)]
        for one in members:
            await enroll(ctx, one, 1)
        await deliver(services)
        first = len(receiver.received)
        # As many as are under way when it is seen that none arrives.
        assert 8 <= first < 2 * 8
        for _ in range(5):
            shop.later(seconds=80)
            await deliver(services)
        assert len(receiver.received) <= first + 5 * 8
        assert 0 < await rows(ctx) < 150
        [known] = await list_webhooks(ctx)
        assert known.is_down
        receiver.reply = lambda _: Reply()
        while (await list_webhooks(ctx))[0].behind or (await list_webhooks(ctx))[0].is_down:
            shop.later(seconds=80)
            await deliver(services)
    arrived: dict[str, list[int]] = {}
    for one in members:
        arrived[one] = list(dict.fromkeys(sequences(receiver, one)))
    assert all(len(one) == 2 and one == sorted(one) for one in arrived.values())
    assert await rows(ctx) == 0


async def test_a_receiver_that_hangs_keeps_no_other_waiting(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tessera.webhook, "LIMIT_S", 30)
    services, (ctx, other) = posting(shop), shop.contexts
    hanging = Receiver(reply=lambda _: Reply(hangs=True))
    with receiving(hanging), receiving(Receiver()) as healthy, receiving(Receiver()) as stranger:
        await listening(ctx, hanging, "Hanging")
        await listening(ctx, healthy, "Healthy")
        await listening(other, stranger, "Stranger")
        await enroll(ctx, "ANN", 5)
        await enroll(other, "ZOE", 5)
        await relay_outbox(services)
        await deliver_webhooks(services)
        for one in (healthy, stranger):
            await asyncio.to_thread(one.wait_for, 2)
        assert len(hanging.received) == 1
        # What hangs still hangs; and a process that ends does not wait for it.
        assert len(services.couriers.tasks) >= 1
        monkeypatch.setattr("resolvers.webhook_work.PATIENCE_S", 0.05)
        await stop_webhooks(services)
        assert services.couriers.tasks == set()
    # It counts as not tried: another process has it at once.
    again = replace(services, couriers=Couriers())
    with receiving(Receiver(), port=int(hanging.url.split(":")[2].split("/")[0])) as returned:
        await deliver(again)
        assert told(returned) == [("member.enrolled", "ANN"), ("points.earned", "ANN")]
    assert told(healthy) == told(returned)
    assert told(stranger) == [("member.enrolled", "ZOE"), ("points.earned", "ZOE")]


async def test_who_is_gone_for_good_is_disabled_and_gets_all_when_enabled_again(shop: Shop) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    with receiving(Receiver(reply=lambda _: Reply(status=410))) as receiver:
        await listening(ctx, receiver)
        await enroll(ctx, "ANN", 5)
        await deliver(services)
        [known] = await list_webhooks(ctx)
        assert (known.enabled, known.disabled_because) == (False, "the receiver answered that it is gone (HTTP 410)")
        assert len(receiver.received) == 1
        await give(ctx, "ANN", 1)
        shop.later(days=1)
        await deliver(services)
        assert len(receiver.received) == 1
        receiver.reply = lambda _: Reply()
        await save_webhook(ctx, SaveWebhook(name="Hook", url=receiver.url))
        await deliver(services)
    assert told(receiver)[1:] == [("member.enrolled", "ANN"), ("points.earned", "ANN"), ("points.earned", "ANN")]


@pytest.mark.parametrize("reply", [Reply(status=302, headers={"Location": "/"}), Reply(status=400), Reply(status=304)])
async def test_nothing_but_2xx_is_success(shop: Shop, reply: Reply) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    with receiving(Receiver(reply=lambda _: reply)) as receiver:
        await listening(ctx, receiver)
        await enroll(ctx, "ANN")
        await deliver(services)
        assert len(receiver.received) == 1
    [known] = await list_webhooks(ctx)
    assert (known.behind, known.outcome) == (1, f"HTTP {reply.status}")


async def test_a_receiver_says_when_it_wants_more(shop: Shop) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    with receiving(Receiver(reply=lambda _: Reply(status=429, headers={"Retry-After": "900"}))) as receiver:
        await listening(ctx, receiver)
        await enroll(ctx, "ANN")
        await deliver(services)
    [known] = await list_webhooks(ctx)
    assert known.next_attempt_at == shop.now + timedelta(seconds=900)


async def test_an_endpoint_is_told_of_the_types_that_it_wants(shop: Shop) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    with receiving(Receiver()) as one, receiving(Receiver()) as family:
        await listening(ctx, one, "One", ["points.redeemed"])
        await listening(ctx, family, "Family", ["member.*"])
        await enroll(ctx, "ANN", 100)
        await redeem_points(ctx, RedeemPoints(relation_reference="ANN", points=Decimal(30), merchant_name="Shop"))
        await deliver(services)
    assert told(one) == [("points.redeemed", "ANN")]
    assert told(family) == [("member.enrolled", "ANN")]
    [known, other] = await list_webhooks(ctx)
    assert known.position == other.position > 0
    assert await rows(ctx) == 0


async def test_a_program_is_told_of_its_own_events_only(shop: Shop) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    with receiving(Receiver()) as receiver:
        await listening(ctx, receiver)
        await enroll(shop.contexts[1], "ZOE", 5)
        await deliver(services)
        assert receiver.received == []


def at_random(one: Received) -> Reply:
    """Takes one request of three, by a chance that is the same each time; says more than anybody reads."""
    chance = crc32(one.headers["webhook-signature"].encode()) % 3
    return Reply(status=200 if chance == 0 else 500, body=b"x" * 2_000_000)


async def test_two_processes_deliver_each_event_in_order(shop: Shop) -> None:
    """Both look for work all the time; each member's events arrive in order, whoever of them delivers."""
    services, ctx = posting(shop), shop.contexts[0]
    other = replace(services, couriers=Couriers())
    with receiving(Receiver(reply=at_random)) as receiver:
        await listening(ctx, receiver)
        for number in range(20):
            await enroll(ctx, f"M-{number}", 1)
        for number in range(40):
            await relay_outbox(services)
            await asyncio.gather(deliver_webhooks(services), deliver_webhooks(other))
            await give(ctx, f"M-{number % 20}", 1)
            await asyncio.gather(*services.couriers.tasks, *other.couriers.tasks)
            shop.later(seconds=30)
        receiver.reply = lambda _: Reply()
        shop.later(hours=5)
        await deliver(services)
    for number in range(20):
        first = list(dict.fromkeys(sequences(receiver, f"M-{number}")))
        assert (len(first), first) == (4, sorted(first))
    assert await rows(ctx) == 0
