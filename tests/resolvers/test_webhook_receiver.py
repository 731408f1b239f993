"""Receivers that answer late, and addresses that lead inside by the time that something is delivered."""

import asyncio
from dataclasses import replace

from domain.network import read_networks
from resolvers.outbox import relay_outbox
from resolvers.webhook import SaveWebhook, list_webhooks, save_webhook
from resolvers.webhook_replay import try_webhook
from resolvers.webhook_work import deliver_webhooks
from tessera.webhook import HttpCarrier
from tests.receiver import Receiver, Reply, receiving
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import enroll
from tests.resolvers.webhook import deliver, listening, posting, told
from tests.servers import NO_CERTIFICATES


async def test_a_late_answer_counts_and_nothing_is_sent_meanwhile(shop: Shop) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    with receiving(Receiver(reply=lambda _: Reply(hangs=True))) as receiver:
        await listening(ctx, receiver)
        await enroll(ctx, "ANN", 5)
        await relay_outbox(services)
        await deliver_webhooks(services)
        await asyncio.to_thread(receiver.wait_for, 1)
        # Its lease is held: nobody else has anything to do, and the next event of the member waits for the answer.
        assert await deliver_webhooks(services) == 0
        assert len(receiver.received) == 1
        receiver.go_on.set()
        await asyncio.gather(*services.couriers.tasks)
        await deliver(services)
        assert told(receiver) == [("member.enrolled", "ANN"), ("points.earned", "ANN")]
    [known] = await list_webhooks(ctx)
    assert (known.behind, known.outcome) == (0, "HTTP 204")


async def test_a_name_that_leads_inside_is_delivered_to_when_it_does_no_longer(shop: Shop) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    leads_to = ["127.0.0.2"]
    carrier = HttpCarrier(
        networks=read_networks("127.0.0.1/32"), https_only=False, lookup=lambda _: leads_to, trusted=NO_CERTIFICATES
    )
    services = replace(services, carrier=carrier)
    ctx = replace(ctx, services=services)
    with receiving(Receiver()) as outside:
        port = int(outside.url.split(":")[2].split("/")[0])
        with receiving(Receiver(), host="127.0.0.2", port=port) as inside:
            await save_webhook(ctx, SaveWebhook(name="Hook", url=f"http://hooks.example:{port}/"))
            await enroll(ctx, "ANN")
            await deliver(services)
            [known] = await list_webhooks(ctx)
            assert known.behind == 1
            assert known.outcome == "a network that nothing is sent to: TESSERA_WEBHOOK_NETWORKS names those besides"
            assert (await try_webhook(ctx, "Hook")).is_delivered is False
            leads_to[:] = ["127.0.0.1"]
            shop.later(seconds=10)
            await deliver(services)
            assert inside.received == []
        assert told(outside) == [("member.enrolled", "ANN")]
