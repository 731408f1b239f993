"""Jobs of messages: deliver what is due, forget what is done with."""

import asyncio
from datetime import timedelta

import orjson
import structlog
from sqlalchemy import Connection

from domain.store.message import Claimed, claim_messages, forget_old_messages, has_due, mark_failed, mark_sent
from domain.store.otp import forget_old_codes
from domain.store.session import forget_old_sessions
from resolvers.context import Services
from resolvers.messenger import Messenger, Outgoing

AT_A_TIME = 20
LEASE = timedelta(minutes=1)
"""How long one process has for a delivery before another one tries; longer than any delivery is given."""
FIRST_PAUSE = timedelta(seconds=2)
KEPT = timedelta(days=1)
"""How long it stays known that a message was sent, and when a code was used."""
FAILED_KEPT = timedelta(days=29)
"""How much longer that a message could not be delivered."""

_log = structlog.get_logger("tessera.messages")


async def deliver_messages(services: Services, messenger: Messenger | None = None) -> int:
    """Deliver messages that are due, each tried again with longer pauses until it lapses; how many were tried.

    Without a messenger by that of the process; where it has none they wait for another process.
    """
    messenger = messenger or services.messenger
    if messenger is None:
        return 0
    now = services.clock()
    if not await services.db.read(lambda tx: has_due(tx, now)):
        return 0
    claimed = await services.db.write(lambda tx: claim_messages(tx, services.keys, now, LEASE, AT_A_TIME))
    await asyncio.gather(*(_deliver(services, messenger, one) for one in claimed))
    return len(claimed)


async def _deliver(services: Services, messenger: Messenger, one: Claimed) -> None:
    now = services.clock()
    if one.payload is None:
        await services.db.write(lambda tx: mark_failed(tx, one.program_id, one.id, None))
        return
    try:
        await messenger.deliver(_outgoing(one, one.payload), now)
    except Exception as error:
        # Its text may name the address, or hold what the gateway was sent.
        again_at = now + FIRST_PAUSE * 2 ** min(one.attempts - 1, 10)
        _log.warning("message was not delivered", message=one.id, channel=one.channel, reason=type(error).__name__)
        again = again_at if again_at < one.expires_at else None
        reason = type(error).__name__
        await services.db.write(lambda tx: mark_failed(tx, one.program_id, one.id, again, reason))
        return
    await services.db.write(lambda tx: mark_sent(tx, one.program_id, one.id, services.clock()))


def _outgoing(one: Claimed, payload: str) -> Outgoing:
    content = orjson.loads(payload)
    return Outgoing(
        program_id=one.public_program_id,
        message_id=one.id,
        attempt=one.attempts,
        channel=one.channel,
        event=one.event,
        language=one.language,
        to=content.pop("to"),
        subject=content.pop("subject"),
        body=content.pop("body"),
        details=content,
    )


async def sweep_messages(services: Services) -> int:
    """Delete messages, codes, links and sessions that nobody needs to know of any more; how many rows."""
    before = services.clock() - KEPT

    def body(tx: Connection) -> int:
        codes = forget_old_codes(tx, before, 500) + forget_old_sessions(tx, before, 500)
        return forget_old_messages(tx, before, before - FAILED_KEPT, 500) + codes

    return await services.db.write(body)
