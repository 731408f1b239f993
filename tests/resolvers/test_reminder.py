"""Points that are about to expire are told of ahead: once for each member and date, and only where that is wanted."""

import asyncio
from datetime import timedelta

from sqlalchemy import func, select

from domain.models import expiry_reminder
from resolvers.context import Context
from resolvers.program import apply_configuration
from resolvers.reminder import remind_of_expiry
from tests.receiver import Receiver, receiving
from tests.resolvers.conftest import RULES, Shop
from tests.resolvers.desk import enroll, give, nothing_written, verified
from tests.resolvers.webhook import deliver, listening, posting

WITH_REMINDER = RULES.replace(b"redemption_minimum: 1}", b"redemption_minimum: 1, expiry_reminder_days: 14}")


async def kept(ctx: Context) -> int:
    """How many dates are kept as told."""
    return await ctx.read(lambda tx: tx.scalar(select(func.count()).select_from(expiry_reminder))) or 0


async def test_a_date_is_told_once_and_a_program_that_wants_none_has_none(shop: Shop) -> None:
    services, (ctx, other) = posting(shop), shop.contexts
    today = shop.now.date()
    near, far = today + timedelta(days=10), today + timedelta(days=30)
    for one in shop.contexts:
        await enroll(one, "ANN", 5, expires=near)
        await give(one, "ANN", 7, expires=near)
        await give(one, "ANN", 11, expires=far)
        await enroll(one, "BEN", 3, expires=far)
    async with nothing_written(shop):
        assert await remind_of_expiry(services) == 0
    await apply_configuration(ctx, WITH_REMINDER)
    with receiving(Receiver()) as receiver, receiving(Receiver()) as strangers:
        secret = await listening(ctx, receiver, types=["points.expiring"])
        await listening(other, strangers, types=["points.expiring"])
        assert await remind_of_expiry(services) == 1
        async with nothing_written(shop):
            assert await remind_of_expiry(services) == 0
        # More points of the same date are not told of again.
        await give(ctx, "ANN", 1, expires=near)
        assert await remind_of_expiry(services) == 0
        await deliver(services)
        [told] = receiver.verified(secret)
        assert (told["type"], told["data"]["member"], told["data"]["points"]) == ("points.expiring", "ANN", "12")
        assert told["data"]["expires_at"][:10] == near.isoformat()
        shop.later(days=20)
        assert await remind_of_expiry(services) == 2
        await deliver(services)
        later = {(one.told["data"]["member"], one.told["data"]["points"]) for one in receiver.received[1:]}
        assert later == {("ANN", "11"), ("BEN", "3")}
        assert strangers.received == []
    # What has come is kept no longer.
    assert await kept(ctx) == 2
    await verified(shop)


async def test_of_two_processes_one_tells(shop: Shop) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    await apply_configuration(ctx, WITH_REMINDER)
    for number in range(5):
        await enroll(ctx, f"M-{number}", 5, expires=shop.now.date() + timedelta(days=3))
    with receiving(Receiver()) as receiver:
        await listening(ctx, receiver, types=["points.*"])
        await asyncio.gather(*(remind_of_expiry(services, limit=2) for _ in range(4)))
        while await remind_of_expiry(services, limit=2):
            pass
        await deliver(services)
        assert sorted(one.told["data"]["member"] for one in receiver.received) == [f"M-{n}" for n in range(5)]
