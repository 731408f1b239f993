"""Templates as they look, tests of them, and what could not be delivered."""

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from domain.access import ROLES
from domain.models import audit_entry, message
from resolvers.context import Context
from resolvers.delivery import deliver_messages, sweep_messages
from resolvers.message import (
    PreviewMessage,
    count_undelivered,
    list_undelivered,
    preview_message,
    send_test_message,
)
from resolvers.otp import GenerateOtp, generate_otp
from resolvers.program import apply_configuration
from resolvers.subject import Named
from tests.resolvers.conftest import RULES, Shop
from tests.resolvers.desk import member_of, nothing_written, outcome
from tests.resolvers.mailbox import Mailbox, person
from tests.resolvers.test_delivery import MESSAGES

CODE = PreviewMessage(event="OTP", channel="email", subject="For {minutes} minutes", body="Code {code}")


def sending(ctx: Context, mailbox: Mailbox) -> Context:
    """The same caller in a process that sends."""
    return replace(ctx, services=replace(ctx.services, messenger=mailbox))


async def test_a_template_is_shown_with_samples(shop: Shop) -> None:
    ctx = shop.contexts[0]
    shown = await preview_message(ctx, CODE)
    assert (shown.subject, shown.body) == ("For 5 minutes", "Code 123456")
    await apply_configuration(ctx, RULES + MESSAGES)
    assert (await preview_message(ctx, PreviewMessage(template="German"))).body == "Ihr Code: 123456"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (PreviewMessage(template="None"), "998"),
        (PreviewMessage(), "999"),
        (replace(CODE, body=None), "999"),
        (replace(CODE, event="SOON"), "1300"),
        (replace(CODE, body="no code"), "1300"),
        (replace(CODE, body="{code} {secret}"), "1300"),
        (replace(CODE, body="{code}" + "x" * 5000), "1300"),
        (replace(CODE, channel="fax"), "1300"),
    ],
)
async def test_a_template_that_is_not_good_is_refused(shop: Shop, command: PreviewMessage, code: str) -> None:
    async with nothing_written(shop):
        assert await outcome(preview_message(shop.contexts[0], command)) == code


async def test_a_test_goes_to_the_address_that_was_given_with_samples_and_the_audit_trail_knows(shop: Shop) -> None:
    mailbox = Mailbox()
    ctx = sending(shop.contexts[0], mailbox)
    await apply_configuration(ctx, RULES + MESSAGES)
    done = await send_test_message(ctx, "Any", "me@example.com")
    assert (done.is_delivered, done.outcome) == (True, "handed on")
    [sent] = mailbox.messages
    assert (sent.to, sent.subject, sent.body) == ("me@example.com", "Code 123456", "123456 for 5 minutes")
    mailbox.failing = 1
    done = await send_test_message(ctx, "Any", "me@example.com")
    assert (done.is_delivered, done.outcome) == (False, "ConnectionError")
    query = select(audit_entry.c.subject, audit_entry.c.after).where(audit_entry.c.action == "message.test")
    rows = await ctx.read(lambda tx: tx.execute(query).all())
    assert [tuple(one) for one in rows] == [("message-template:Any", {"template": "Any", "channel": "email"})] * 2


async def test_who_may_not_test_and_what_is_no_address(shop: Shop) -> None:
    mailbox = Mailbox()
    ctx = sending(shop.contexts[0], mailbox)
    await apply_configuration(ctx, RULES + MESSAGES)
    executive = replace(ctx, principal=replace(ctx.principal, permissions=ROLES["customer-executive"]))
    refused: list[tuple[Context, str, str, str]] = [
        (executive, "Any", "me@example.com", "403"),
        (member_of(ctx, "ANN"), "Any", "me@example.com", "403"),
        (ctx, "None", "me@example.com", "998"),
        (ctx, "Any", "+491511234567", "998"),
        (ctx, "Any", "me@example.com\r\nBcc: all@example.com", "998"),
        (shop.contexts[0], "Any", "me@example.com", "503"),
    ]
    async with nothing_written(shop):
        for caller, name, to, code in refused:
            assert await outcome(send_test_message(caller, name, to)) == code, (name, to)
        for work in (preview_message(member_of(ctx, "ANN"), CODE), list_undelivered(member_of(ctx, "ANN"), first=1)):
            assert await outcome(work) == "403"
        assert await outcome(count_undelivered(member_of(ctx, "ANN"))) == "403"
    assert mailbox.messages == []


async def test_what_fails_is_seen_until_it_is_delivered_and_for_a_month_where_it_never_is(shop: Shop) -> None:
    ctx, other = shop.contexts
    mailbox = Mailbox(failing=1)
    for reference in ("ANN", "BEN"):
        await person(ctx, reference)
    await generate_otp(ctx, GenerateOtp(named=Named(reference="ANN"), otp_type="LOGIN"))
    await deliver_messages(shop.services, mailbox)
    [seen] = await list_undelivered(ctx, first=10)
    assert (seen.event, seen.channel, seen.relation_reference) == ("OTP.LOGIN", "email", "ANN")
    assert (seen.attempts, seen.outcome) == (1, "ConnectionError")
    assert seen.next_attempt_at == shop.now + timedelta(seconds=2)
    assert (await count_undelivered(ctx), await count_undelivered(other)) == (1, 0)
    assert await list_undelivered(other, first=10) == []
    shop.later(seconds=2)
    await deliver_messages(shop.services, mailbox)
    assert await count_undelivered(ctx) == 0
    mailbox.failing = 100
    await generate_otp(ctx, GenerateOtp(named=Named(reference="BEN"), otp_type="LOGIN"))
    await deliver_messages(shop.services, mailbox)
    shop.later(minutes=10)
    await deliver_messages(shop.services, mailbox)
    [given_up] = await list_undelivered(ctx, first=10)
    assert (given_up.relation_reference, given_up.next_attempt_at) == ("BEN", None)
    shop.later(days=2)
    await sweep_messages(shop.services)
    assert await count_undelivered(ctx) == 1
    shop.later(days=30)
    await sweep_messages(shop.services)
    assert await ctx.read(lambda tx: tx.execute(select(message)).all()) == []


async def test_no_code_and_no_address_is_ever_logged(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    class Telling(Mailbox):
        async def deliver(self, message: Any, at: Any) -> None:
            self.messages.append(message)
            raise RuntimeError(f"{message.to} was not sent {message.body}")

    caplog.set_level(logging.DEBUG)
    mailbox = Telling()
    ctx = sending(shop.contexts[0], mailbox)
    await apply_configuration(ctx, RULES + MESSAGES)
    await person(ctx, "ANN")
    with capture_logs() as logged:
        await generate_otp(ctx, GenerateOtp(named=Named(reference="ANN"), otp_type="LOGIN"))
        await deliver_messages(ctx.services, mailbox)
        await send_test_message(ctx, "Any", "me@example.com")
    everything = str(logged) + caplog.text + str(await list_undelivered(ctx, first=10))
    assert len(logged) == 2
    codes = {one.details["code"] for one in mailbox.messages if "code" in one.details}
    assert len(codes) == 1
    for secret in (*codes, "ann@example.com", "me@example.com", "123456"):
        assert secret not in everything
