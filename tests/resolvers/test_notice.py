"""Messages about what happened: where there is a template, once each, by a channel that reaches the member."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from domain.models import message, message_feed
from domain.notice import NOTICES
from domain.rules.parse import ConfigurationInvalid, parse
from resolvers import notice
from resolvers.context import Context
from resolvers.delivery import deliver_messages
from resolvers.erasure import erase_member
from resolvers.notice import write_notices
from resolvers.otp import GenerateOtp, generate_otp
from resolvers.outbox import relay_outbox
from resolvers.program import apply_configuration
from resolvers.redemption import RedeemPoints, redeem_points
from resolvers.reminder import remind_of_expiry
from resolvers.subject import Named
from tests.resolvers.conftest import RULES, Shop
from tests.resolvers.desk import give, nothing_written, set_status, verified
from tests.resolvers.mailbox import Mailbox, person

TEMPLATES = b"""
messages:
  - {name: Welcome, event: ENROLLED, channel: email, subject: "Welcome, {name}", body: "{name}, this is {program}"}
  - {name: Earned, event: EARNED, channel: email, body: "{points} more, {balance} in all"}
  - {name: Verdient, event: EARNED, channel: email, language: de, body: "{points} mehr"}
  - {name: Spent, event: REDEEMED, channel: sms, body: "{points} at {merchant}, {balance} left"}
  - {name: Soon, event: EXPIRING, channel: email, body: "{points} until {expires_on}"}
"""
WITH_TEMPLATES = (
    RULES.replace(b"redemption_minimum: 1}", b"redemption_minimum: 1, expiry_reminder_days: 14}") + TEMPLATES
)


async def told(ctx: Context) -> list[tuple[str, str | None, str]]:
    """Channel, address and text of what is sent by now; each is written once."""
    mailbox = Mailbox()
    await relay_outbox(ctx.services)
    while await write_notices(ctx.services):
        pass
    while await deliver_messages(ctx.services, mailbox):
        pass
    return [(one.channel, one.to, one.body) for one in mailbox.messages]


async def stored(ctx: Context) -> int:
    """How many messages there are."""
    return await ctx.read(lambda tx: tx.scalar(select(func.count()).select_from(message))) or 0


async def begun(shop: Shop) -> Context:
    """A program with templates, whose feed was looked at."""
    ctx = shop.contexts[0]
    await apply_configuration(ctx, WITH_TEMPLATES)
    assert await told(ctx) == []
    return ctx


async def test_members_are_told_what_the_program_has_templates_for(shop: Shop) -> None:
    ctx = await begun(shop)
    await person(ctx, "ANN", full_name="Ann Lee", mobile_number="+491511234567")
    await person(ctx, "UDO", preferred_language="de-AT")
    await give(ctx, "ANN", 100, expires=(shop.now + timedelta(days=10)).date())
    await give(ctx, "UDO", 7)
    assert sorted(await told(ctx)) == [
        ("email", "ann@example.com", "100 more, 100 in all"),
        ("email", "ann@example.com", "Ann Lee, this is One"),
        ("email", "udo@example.com", "7 mehr"),
        ("email", "udo@example.com", "UDO, this is One"),
    ]
    await redeem_points(ctx, RedeemPoints(relation_reference="ANN", points=Decimal(30), merchant_name="Shop"))
    await remind_of_expiry(ctx.services)
    assert sorted(await told(ctx)) == [
        ("email", "ann@example.com", "70 until 2026-03-11"),
        ("sms", "+491511234567", "30 at Shop, 70 left"),
    ]
    assert await told(ctx) == []
    await verified(shop)


async def test_a_program_without_templates_has_no_messages_and_no_place(shop: Shop) -> None:
    ctx, other = shop.contexts
    await begun(shop)
    await person(other, "ZOE")
    await give(other, "ZOE", 5)
    assert await told(other) == []
    places = await ctx.read(lambda tx: list(tx.scalars(select(message_feed.c.program_id))))
    assert places == [ctx.principal.program]
    await relay_outbox(shop.services)
    async with nothing_written(shop):
        assert await write_notices(shop.services) == 0


async def test_who_has_templates_again_is_told_of_what_happens_from_then_on(shop: Shop) -> None:
    ctx = await begun(shop)
    await apply_configuration(ctx, RULES, prune=True)
    await person(ctx, "ANN")
    assert await told(ctx) == []
    await apply_configuration(ctx, WITH_TEMPLATES)
    assert await told(ctx) == []
    await give(ctx, "ANN", 5)
    assert await told(ctx) == [("email", "ann@example.com", "5 more, 5 in all")]


async def test_nobody_who_was_erased_is_written_to(shop: Shop) -> None:
    ctx = await begun(shop)
    await person(ctx, "ANN")
    await set_status(ctx, "ANN", 4)
    await erase_member(ctx, "ANN")
    assert (await told(ctx), await stored(ctx)) == ([], 0)


async def test_what_is_old_is_no_news(shop: Shop) -> None:
    ctx = await begun(shop)
    await person(ctx, "ANN")
    await relay_outbox(shop.services)
    shop.later(days=4)
    await give(ctx, "ANN", 5)
    assert await told(ctx) == [("email", "ann@example.com", "5 more, 5 in all")]


async def test_two_processes_write_each_message_once(shop: Shop) -> None:
    ctx = await begun(shop)
    for number in range(12):
        await person(ctx, f"P{number}")
    await relay_outbox(shop.services)
    await asyncio.gather(*(write_notices(shop.services) for _ in range(4)))
    assert len(await told(ctx)) == 12


async def test_news_wait_in_the_feed_where_many_do_and_a_code_overtakes_them(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notice, "MOST_WAITING", 30)
    monkeypatch.setattr(notice, "EVENTS_PER_COMMIT", 10)
    ctx = await begun(shop)
    for number in range(45):
        await person(ctx, f"P{number}")
    await relay_outbox(shop.services)
    while await write_notices(shop.services):
        pass
    assert await stored(ctx) == 30
    await generate_otp(ctx, GenerateOtp(named=Named(reference="P1"), otp_type="LOGIN"))
    mailbox = Mailbox()
    await deliver_messages(shop.services, mailbox)
    assert "OTP.LOGIN" in [one.event for one in mailbox.messages]
    assert len(await told(ctx)) + len(mailbox.messages) == 46


def test_templates_for_every_event_are_read() -> None:
    for event, names in NOTICES.items():
        body = " ".join(f"{{{one}}}" for one in ("name", "program", *names))
        item = {"name": "T", "event": event, "channel": "email", "body": body}
        assert parse({"version": 1, "messages": [item]}).messages[0].body == body
        with pytest.raises(ConfigurationInvalid, match="unknown placeholder"):
            parse({"version": 1, "messages": [item | {"body": "{code}"}]})
