"""What the tests of webhooks share: a carrier that may post to this machine, and an end of all that is under way."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from domain.network import read_networks
from resolvers.context import Context, Services
from resolvers.couriers import Couriers
from resolvers.outbox import relay_outbox
from resolvers.webhook import SaveWebhook, save_webhook
from resolvers.webhook_work import deliver_webhooks
from tessera.webhook import HttpCarrier
from tests.receiver import Receiver
from tests.resolvers.conftest import Shop
from tests.servers import NO_CERTIFICATES


def posting(shop: Shop) -> Services:
    """Services that post to this machine, as a process of its own on the same database; the time is the real one,
    because the official library asks for it."""
    shop.now = datetime.now(UTC)
    carrier = HttpCarrier(networks=read_networks("127.0.0.0/8"), https_only=False, trusted=NO_CERTIFICATES)
    services = replace(shop.services, carrier=carrier, couriers=Couriers())
    shop.contexts = [replace(one, services=services) for one in shop.contexts]
    return services


async def listening(ctx: Context, receiver: Receiver, name: str = "Hook", types: Sequence[str] | None = None) -> str:
    """A new endpoint; its secret."""
    command = SaveWebhook(name=name, url=receiver.url, event_types=types)
    issued = await save_webhook(ctx, command)
    assert issued.secret is not None
    return issued.secret


async def deliver(services: Services) -> None:
    """Do all that is due by now."""
    await relay_outbox(services)
    while await deliver_webhooks(services):
        await asyncio.gather(*services.couriers.tasks)


def told(receiver: Receiver) -> list[tuple[str, Any]]:
    """Type and member of each request, in the order in which they came."""
    return [(one.told["type"], one.told["data"].get("member")) for one in receiver.received]


def sequences(receiver: Receiver, member: str) -> list[int]:
    """The numbers of the events of a member, in the order in which they came."""
    found = [one.told["data"] for one in receiver.received]
    return [int(one["sequence"]) for one in found if one.get("member") == member]
