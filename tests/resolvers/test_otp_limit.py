"""One-time codes: few tries and few codes, however they come and at once; nobody shows."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import select

from domain.models import message, otp, otp_subject
from domain.otp import OTP_TYPES
from resolvers.context import Context
from resolvers.delivery import deliver_messages
from resolvers.program import apply_configuration
from tests.resolvers.conftest import RULES, Shop, contents
from tests.resolvers.mailbox import Mailbox, ask, asked, guess, person, wrong


@pytest.fixture
async def ctx(shop: Shop) -> Context:
    """A program in which ANN can be reached."""
    await person(shop.contexts[0], "ANN")
    return shop.contexts[0]


async def test_after_five_wrong_tries_the_right_code_is_refused(ctx: Context) -> None:
    code = await ask(ctx, "ANN")
    assert [await guess(ctx, "ANN", wrong(code)) for _ in range(6)] == ["130"] * 5 + ["131"]
    assert await guess(ctx, "ANN", code) == "131"


async def test_a_guess_of_another_type_counts_as_a_try(ctx: Context) -> None:
    code = await ask(ctx, "ANN")
    assert [await guess(ctx, "ANN", code, kind) for kind in OTP_TYPES[2:7]] == ["130"] * 5
    assert [await guess(ctx, "ANN", code, "TwoFA"), await guess(ctx, "ANN", code)] == ["131", "131"]


async def test_a_guess_of_a_type_that_has_a_code_leaves_other_codes_their_tries(ctx: Context) -> None:
    code, other = await ask(ctx, "ANN"), await ask(ctx, "ANN", "TwoFA")
    for _ in range(5):
        await guess(ctx, "ANN", wrong(other), "TwoFA")
    assert [await guess(ctx, "ANN", other, "TwoFA"), await guess(ctx, "ANN", code)] == ["131", "000"]


async def test_fifty_guesses_at_once_get_the_tries_of_the_code(ctx: Context) -> None:
    code = await ask(ctx, "ANN")
    answers = Counter(await asyncio.gather(*(guess(ctx, "ANN", wrong(code)) for _ in range(50))))
    assert answers == {"130": 5, "131": 45}
    assert await guess(ctx, "ANN", code) == "131"


async def test_fifty_right_guesses_at_once_let_one_in(ctx: Context) -> None:
    code = await ask(ctx, "ANN")
    answers = Counter(await asyncio.gather(*(guess(ctx, "ANN", code) for _ in range(50))))
    assert answers["000"] == 1
    assert set(answers) <= {"000", "130", "131"}


async def test_the_right_code_as_guess_26_of_an_hour_is_refused(shop: Shop, ctx: Context) -> None:
    codes = []
    for otp_type in ("LOGIN", "TwoFA", "NONE", "ACTIVATION"):
        codes.append((otp_type, await ask(ctx, "ANN", otp_type)))
    for otp_type, code in codes:
        await asyncio.gather(*(guess(ctx, "ANN", wrong(code), otp_type, address=f"203.0.113.{n}") for n in range(5)))
    # Guesses at what has no code count as well.
    await asyncio.gather(*(guess(ctx, "ANN", "123456", "SHOPREVIEWNCONFIRM") for _ in range(5)))
    last = await ask(ctx, "ANN")
    assert await guess(ctx, "ANN", last) == "131"
    shop.later(minutes=60)
    again = await ask(ctx, "ANN")
    assert await guess(ctx, "ANN", again) == "000"


async def test_fifty_guesses_of_all_types_at_once_are_25_that_are_looked_at(shop: Shop, ctx: Context) -> None:
    code = await ask(ctx, "ANN")
    kinds = [kind for kind in OTP_TYPES if kind != "LOGIN"]
    await asyncio.gather(*(guess(ctx, "ANN", code, kinds[n % len(kinds)]) for n in range(50)))
    rows = await ctx.read(lambda tx: tx.execute(select(otp_subject.c.guesses)).scalars().all())
    assert [len(guesses) for guesses in rows] == [25]
    shop.later(minutes=1)
    fresh = await ask(ctx, "ANN")
    assert await guess(ctx, "ANN", fresh) == "131"


async def test_five_codes_an_hour_whatever_their_types(shop: Shop, ctx: Context) -> None:
    assert [await asked(ctx, "ANN", kind) for kind in OTP_TYPES[:6]] == ["000"] * 5 + ["132"]
    before = await contents(ctx)
    assert await asked(ctx, "ANN") == "132"
    assert await contents(ctx) == before
    shop.later(minutes=60)
    assert await asked(ctx, "ANN") == "000"


async def test_twenty_requests_at_once_send_five_codes(shop: Shop, ctx: Context) -> None:
    assert Counter(await asyncio.gather(*(asked(ctx, "ANN") for _ in range(20)))) == {"000": 5, "132": 15}
    mailbox = Mailbox()
    await deliver_messages(shop.services, mailbox)
    assert len(mailbox.messages) == 5


async def test_an_address_asks_for_so_many_codes_in_an_hour(shop: Shop, ctx: Context) -> None:
    await apply_configuration(ctx, RULES.replace(b"redemption_minimum: 1", b"otp_sends_per_address: 3"))
    answers = [await asked(ctx, f"NOBODY-{n}", address="203.0.113.7") for n in range(4)]
    assert answers == ["000", "000", "000", "132"]
    assert await asked(ctx, "NOBODY-9", address="203.0.113.8") == "000"
    guesses = [await guess(ctx, f"NOBODY-{n}", "123456", address="203.0.113.7") for n in range(16)]
    assert guesses == ["130"] * 15 + ["131"]


@pytest.mark.parametrize("address", ["127.0.0.1", "::", "::1", "Web", "", None])
async def test_an_address_that_everybody_has_limits_nobody(ctx: Context, address: str | None) -> None:
    await apply_configuration(ctx, RULES.replace(b"redemption_minimum: 1", b"otp_sends_per_address: 1"))
    assert [await asked(ctx, f"NOBODY-{n}", address=address) for n in range(3)] == ["000"] * 3


async def test_nobody_is_answered_as_somebody_is(shop: Shop, ctx: Context) -> None:
    assert [await asked(ctx, "NOBODY") for _ in range(6)] == ["000"] * 5 + ["132"]
    assert [await guess(ctx, "NOBODY", "123456") for _ in range(6)] == ["130"] * 5 + ["131"]
    mailbox = Mailbox()
    assert await deliver_messages(shop.services, mailbox) == 0
    # As many rows as for a member, so that it takes as long.
    assert await ctx.read(lambda tx: len(tx.execute(select(message)).all())) == 5
    assert await ctx.read(lambda tx: len(tx.execute(select(otp)).all())) == 1


async def test_a_member_without_an_address_is_answered_as_any(shop: Shop, ctx: Context) -> None:
    await person(ctx, "BOB", email_id="")
    live = replace(ctx, services=replace(shop.services, environment="production"))
    assert await asked(live, "BOB") == "000"
    mailbox = Mailbox()
    assert await deliver_messages(shop.services, mailbox) == 0
    # In a sandbox there is a file to read it in.
    assert await asked(ctx, "BOB") == "000"
    await deliver_messages(shop.services, mailbox)
    assert [one.to for one in mailbox.messages] == [None]
