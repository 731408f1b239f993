"""Messages: written with their code, delivered once all is well, tried again until they lapse, then emptied."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.models import message
from resolvers.context import Context
from resolvers.delivery import deliver_messages
from resolvers.erasure import erase_member
from resolvers.otp import GenerateOtp, generate_otp
from resolvers.program import apply_configuration
from resolvers.subject import Named
from tests.resolvers.conftest import RULES, Shop
from tests.resolvers.mailbox import Mailbox, person

MESSAGES = b"""
messages:
  - {name: Any, event: OTP, channel: email, subject: "Code {code}", body: "{code} for {minutes} minutes"}
  - {name: Login, event: OTP.LOGIN, channel: email, body: "Log in with {code}"}
  - {name: German, event: OTP, channel: email, language: de, subject: Ihr Code, body: "Ihr Code: {code}"}
  - {name: Swiss, event: OTP.LOGIN, channel: email, language: de-CH, body: "Dein Code: {code}"}
"""


async def send(ctx: Context, reference: str, otp_type: str = "LOGIN") -> None:
    await generate_otp(ctx, GenerateOtp(named=Named(reference=reference), otp_type=otp_type))


async def stored(ctx: Context) -> list[tuple[bool, bool, int]]:
    """Of each message: whether it still says something, whether it waits, how often it was tried."""
    rows = await ctx.read(lambda tx: tx.execute(select(message).order_by(message.c.id)).all())
    return [(row.payload is not None, row.next_attempt_at is not None, row.attempts) for row in rows]


async def test_a_message_is_delivered_once_and_emptied(shop: Shop) -> None:
    ctx, mailbox = shop.contexts[0], Mailbox()
    await person(ctx, "ANN")
    await send(ctx, "ANN")
    assert await stored(ctx) == [(True, True, 0)]
    assert [await deliver_messages(shop.services, mailbox) for _ in range(2)] == [1, 0]
    assert await stored(ctx) == [(False, False, 1)]
    [sent] = mailbox.messages
    assert (sent.channel, sent.to, sent.subject) == ("email", "ann@example.com", "Your one-time code")
    assert sent.body == f"Your one-time code is {sent.details['code']}. It works for 5 minutes."
    assert (sent.details["otp_type"], sent.details["relation_reference"]) == ("LOGIN", "ANN")
    assert sent.program_id == shop.credentials[0].program_id


async def test_what_fails_is_tried_again_with_longer_pauses_until_it_lapses(shop: Shop) -> None:
    ctx, mailbox = shop.contexts[0], Mailbox(failing=100)
    await person(ctx, "ANN")
    await send(ctx, "ANN")
    tried_at, begin = [], shop.now
    for _ in range(600):
        if await deliver_messages(shop.services, mailbox):
            tried_at.append((shop.now - begin) / timedelta(seconds=1))
        shop.later(seconds=1)
    assert tried_at == [0, 2, 6, 14, 30, 62, 126, 254]
    assert (await stored(ctx), mailbox.messages) == ([(False, False, 8)], [])


async def test_a_message_that_failed_once_comes_the_second_time(shop: Shop) -> None:
    ctx, mailbox = shop.contexts[0], Mailbox(failing=1)
    await person(ctx, "ANN")
    await send(ctx, "ANN")
    await deliver_messages(shop.services, mailbox)
    assert await stored(ctx) == [(True, True, 1)]
    shop.later(seconds=2)
    await deliver_messages(shop.services, mailbox)
    assert [one.attempt for one in mailbox.messages] == [2]


async def test_what_lapsed_before_anybody_delivered_is_emptied_and_not_sent(shop: Shop) -> None:
    ctx, mailbox = shop.contexts[0], Mailbox()
    await person(ctx, "ANN")
    await send(ctx, "ANN")
    shop.later(minutes=5)
    assert await deliver_messages(shop.services, mailbox) == 0
    assert (await stored(ctx), mailbox.messages) == ([(False, False, 0)], [])


async def test_after_a_crash_in_a_delivery_another_process_delivers(shop: Shop) -> None:
    class Crash(BaseException):
        pass

    class Broken(Mailbox):
        async def deliver(self, message: object, at: object) -> None:
            raise Crash

    ctx, mailbox = shop.contexts[0], Mailbox()
    await person(ctx, "ANN")
    await send(ctx, "ANN")
    with pytest.raises(Crash):
        await deliver_messages(shop.services, Broken())
    assert await deliver_messages(shop.services, mailbox) == 0
    shop.later(minutes=1)
    assert await deliver_messages(shop.services, mailbox) == 1
    assert len(mailbox.messages) == 1


async def test_two_processes_deliver_each_message_once(shop: Shop) -> None:
    ctx, mailbox = shop.contexts[0], Mailbox()
    for number in range(8):
        await person(ctx, f"P{number}")
        await send(ctx, f"P{number}")
    await asyncio.gather(*(deliver_messages(shop.services, mailbox) for _ in range(4)))
    assert sorted(str(one.to) for one in mailbox.messages) == [f"p{number}@example.com" for number in range(8)]


async def test_nothing_goes_to_who_was_erased(shop: Shop) -> None:
    ctx, mailbox = shop.contexts[0], Mailbox()
    await person(ctx, "ANN")
    await send(ctx, "ANN")
    await erase_member(ctx, "ANN")
    assert await deliver_messages(shop.services, mailbox) == 0


async def test_without_a_messenger_messages_wait(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN")
    await send(ctx, "ANN")
    assert await deliver_messages(shop.services) == 0
    assert await stored(ctx) == [(True, True, 0)]


@pytest.mark.parametrize(
    ("language", "otp_type", "said", "spoken"),
    [
        ("de", "LOGIN", "Ihr Code: {}", "de"),
        ("de_AT", "TwoFA", "Ihr Code: {}", "de"),
        ("DE-ch", "LOGIN", "Dein Code: {}", "de-CH"),
        ("de-ch", "TwoFA", "Ihr Code: {}", "de"),
        ("fr", "LOGIN", "Log in with {}", ""),
        ("", "TwoFA", "{} for 5 minutes", ""),
    ],
)
async def test_a_message_speaks_the_members_language(
    shop: Shop, language: str, otp_type: str, said: str, spoken: str
) -> None:
    ctx, mailbox = shop.contexts[0], Mailbox()
    await apply_configuration(ctx, RULES + MESSAGES)
    await person(ctx, "ANN", preferred_language=language)
    await send(ctx, "ANN", otp_type)
    await deliver_messages(shop.services, mailbox)
    [sent] = mailbox.messages
    assert (sent.body, sent.language) == (said.format(sent.details["code"]), spoken)
