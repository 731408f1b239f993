"""One-time codes: single use, timed, bound to member, type and program; few tries however they come; nobody shows."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import select

from domain.access import ROLES, Permission
from domain.errors import BadRequest, Forbidden, InvalidRequest, KeyReused, OtpTooOften
from domain.models import message, otp, otp_subject
from domain.otp import OTP_TYPES
from resolvers.context import Context
from resolvers.delivery import deliver_messages, sweep_messages
from resolvers.erasure import erase_member
from resolvers.lockout import lift_lapsed_lockouts
from resolvers.member import UpdateMember, get_member, update_member
from resolvers.merge import MergeMembers, merge_members
from resolvers.otp import GenerateOtp, VerifyOtp, generate_otp, verify_otp
from resolvers.program import apply_configuration
from resolvers.subject import Named
from tests.resolvers.conftest import RULES, Shop, contents
from tests.resolvers.desk import set_status
from tests.resolvers.mailbox import PASSWORD, Mailbox, ask, bound, guess, person, tried, wrong


@pytest.fixture
async def ctx(shop: Shop) -> Context:
    """A program in which ANN can be reached."""
    await person(shop.contexts[0], "ANN")
    return shop.contexts[0]


async def asked(ctx: Context, reference: str, otp_type: str = "LOGIN", address: str | None = None) -> str:
    """The code that asking is answered with."""
    try:
        await generate_otp(ctx, GenerateOtp(named=Named(reference=reference), otp_type=otp_type, address=address))
    except OtpTooOften as error:
        return error.code if error.retry_after_s in range(1, 3601) else "no time to wait"
    return "000"


async def status_of(ctx: Context, reference: str = "ANN") -> int:
    return (await get_member(ctx, reference)).status


async def test_a_code_works_once(ctx: Context) -> None:
    code = await ask(ctx, "ANN")
    assert len(code) == 6
    assert code.isdigit()
    assert code[0] != "0"
    assert [await guess(ctx, "ANN", code), await guess(ctx, "ANN", code)] == ["000", "130"]


async def test_a_code_is_kept_as_a_keyed_hash_and_its_message_under_the_members_key(shop: Shop, ctx: Context) -> None:
    await generate_otp(ctx, GenerateOtp(named=Named(reference="ANN"), otp_type="LOGIN"))
    before = str(await contents(ctx))
    mailbox = Mailbox()
    await deliver_messages(shop.services, mailbox)
    assert mailbox.messages[0].details["code"] not in before
    assert "ann@example.com" not in before
    assert mailbox.messages[0].to == "ann@example.com"
    assert await ctx.read(lambda tx: tx.scalars(select(message.c.payload)).all()) == [None]


async def test_a_code_lapses_after_five_minutes(shop: Shop, ctx: Context) -> None:
    code = await ask(ctx, "ANN")
    shop.later(minutes=5, seconds=-1)
    other = await ask(ctx, "ANN", "TwoFA")
    assert await guess(ctx, "ANN", code) == "000"
    shop.later(minutes=5)
    assert await guess(ctx, "ANN", other, "TwoFA") == "130"


async def test_a_new_code_kills_the_old_of_its_type_only(ctx: Context) -> None:
    first, other = await ask(ctx, "ANN"), await ask(ctx, "ANN", "TwoFA")
    second = await ask(ctx, "ANN")
    assert first == second or await guess(ctx, "ANN", first) == "130"
    assert [await guess(ctx, "ANN", second), await guess(ctx, "ANN", other, "TwoFA")] == ["000", "000"]


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


async def test_a_code_goes_to_an_address_of_the_member_whatever_the_caller_says(shop: Shop, ctx: Context) -> None:
    await generate_otp(ctx, GenerateOtp(named=Named(reference="ANN"), otp_type="LOGIN", address="eve@example.com"))
    mailbox = Mailbox()
    await deliver_messages(shop.services, mailbox)
    assert [one.to for one in mailbox.messages] == ["ann@example.com"]


async def test_the_channel_is_the_programs_or_what_the_member_has(shop: Shop, ctx: Context) -> None:
    await person(ctx, "BOB", mobile_number="+4915112345678")
    await person(ctx, "CAT", email_id="", mobile_number="+4915112345679")
    await apply_configuration(ctx, RULES.replace(b"redemption_minimum: 1", b"otp_channel: sms"))
    for named in (Named(reference="ANN"), Named(reference="BOB"), Named(email="BOB@example.com")):
        await generate_otp(ctx, GenerateOtp(named=named, otp_type="LOGIN"))
    await apply_configuration(ctx, RULES)
    await generate_otp(ctx, GenerateOtp(named=Named(reference="CAT"), otp_type="LOGIN"))
    mailbox = Mailbox()
    await deliver_messages(shop.services, mailbox)
    assert sorted((one.channel, str(one.to)) for one in mailbox.messages) == [
        ("email", "ann@example.com"),
        ("email", "bob@example.com"),
        ("sms", "+4915112345678"),
        ("sms", "+4915112345679"),
    ]


async def test_by_email_and_by_reference_it_is_the_same_code(ctx: Context) -> None:
    code = await ask(ctx, "ANN")
    await verify_otp(ctx, VerifyOtp(named=Named(email="Ann@Example.com"), otp_type="LOGIN", code=code))
    await generate_otp(ctx, GenerateOtp(named=Named(email="ANN@example.com"), otp_type="LOGIN"))
    mailbox = Mailbox()
    await deliver_messages(ctx.services, mailbox)
    assert await guess(ctx, "ANN", mailbox.messages[0].details["code"]) == "000"


async def test_codes_have_the_programs_length(ctx: Context) -> None:
    for length in (4, 8):
        await apply_configuration(ctx, RULES.replace(b"redemption_minimum: 1", f"otp_length: {length}".encode()))
        code = await ask(ctx, "ANN")
        assert len(code) == length
        assert await guess(ctx, "ANN", code) == "000"


async def test_activation_makes_an_inactive_member_active(shop: Shop, ctx: Context) -> None:
    await person(ctx, "NEW", status=5)
    code = await ask(ctx, "NEW", "ACTIVATION")
    assert await guess(ctx, "NEW", code, "ACTIVATION") == "000"
    member = await get_member(ctx, "NEW")
    assert (member.status, member.activated_at) == (1, shop.now)


@pytest.mark.parametrize("status", [2, 3, 4, 6])
async def test_activation_leaves_any_other_status(ctx: Context, status: int) -> None:
    await set_status(ctx, "ANN", status)
    code = await ask(ctx, "ANN", "ACTIVATION")
    assert await guess(ctx, "ANN", code, "ACTIVATION") == "000"
    assert await status_of(ctx) == status


@pytest.mark.parametrize("before", [1, 5])
async def test_unblocking_gives_back_the_status_before_a_lockout(ctx: Context, before: int) -> None:
    await person(ctx, "BOB", status=before, password=PASSWORD)
    for _ in range(5):
        await tried(ctx, "BOB", "wrong")
    assert await status_of(ctx, "BOB") == 3
    code = await ask(ctx, "BOB", "UNBLOCKMEMBER")
    assert await guess(ctx, "BOB", code, "UNBLOCKMEMBER") == "000"
    assert (await status_of(ctx, "BOB"), await tried(ctx, "BOB")) == (before, "000")


@pytest.mark.parametrize("status", [1, 2, 4, 5, 6])
async def test_unblocking_lifts_nothing_but_3(ctx: Context, status: int) -> None:
    await set_status(ctx, "ANN", status)
    code = await ask(ctx, "ANN", "UNBLOCKMEMBER")
    assert await guess(ctx, "ANN", code, "UNBLOCKMEMBER") == "000"
    assert await status_of(ctx) == status


async def test_a_blocked_member_is_unblocked_as_it_was(ctx: Context) -> None:
    await person(ctx, "NEW", status=5)
    for reference, status in (("ANN", 1), ("NEW", 5)):
        await set_status(ctx, reference, 3)
        code = await ask(ctx, reference, "UNBLOCKMEMBER")
        assert await guess(ctx, reference, code, "UNBLOCKMEMBER") == "000"
        assert await status_of(ctx, reference) == status


async def test_after_a_merge_the_old_reference_gets_the_survivors_codes(ctx: Context) -> None:
    await person(ctx, "BOB")
    old = await ask(ctx, "BOB")
    await merge_members(ctx, MergeMembers(victim="BOB", survivor="ANN"))
    assert await guess(ctx, "BOB", old) == "130"
    code = await ask(ctx, "BOB")
    assert await guess(ctx, "ANN", code) == "000"


async def test_a_code_is_of_one_program(shop: Shop, ctx: Context) -> None:
    await person(shop.contexts[1], "ANN")
    code = await ask(ctx, "ANN")
    assert await guess(shop.contexts[1], "ANN", code) == "130"
    assert await guess(ctx, "ANN", code) == "000"


async def test_a_repeat_with_its_key_sends_nothing_and_is_no_guess(ctx: Context) -> None:
    code = await ask(ctx, "ANN", idempotency_key="k1")
    assert await ask(ctx, "ANN", idempotency_key="k1") == ""
    with pytest.raises(KeyReused):
        await ask(ctx, "ANN", "TwoFA", idempotency_key="k1")
    assert [await guess(ctx, "ANN", code, idempotency_key="k2") for _ in range(2)] == ["000", "000"]
    assert await guess(ctx, "ANN", code, idempotency_key="k3") == "130"
    assert await guess(ctx, "ANN", wrong(code), idempotency_key="k2") == "409"


async def test_a_member_asks_for_itself_only(ctx: Context) -> None:
    await person(ctx, "BOB")
    own = bound(ctx, "BOB")
    code = await ask(own, "BOB")
    assert await guess(own, "BOB", code) == "000"
    before = await contents(ctx)
    for named in (Named(reference="ANN"), Named(email="ann@example.com"), Named(email="nobody@example.com")):
        with pytest.raises(Forbidden):
            await generate_otp(own, GenerateOtp(named=named, otp_type="LOGIN"))
        with pytest.raises(Forbidden):
            await verify_otp(own, VerifyOtp(named=named, otp_type="LOGIN", code="123456"))
    assert await contents(ctx) == before
    await generate_otp(own, GenerateOtp(named=Named(email="bob@example.com"), otp_type="LOGIN"))


async def test_what_is_refused_beforehand_counts_for_nothing(ctx: Context) -> None:
    before = await contents(ctx)
    order = VerifyOtp(named=Named(reference="ANN"), otp_type="LOGIN", code="123456")
    for bad in (replace(order, code=""), replace(order, named=Named())):
        with pytest.raises(BadRequest):
            await verify_otp(ctx, bad)
    for kind in ("login", "Twofa", "X"):
        with pytest.raises(InvalidRequest):
            await verify_otp(ctx, replace(order, otp_type=kind))
        with pytest.raises(InvalidRequest):
            await generate_otp(ctx, GenerateOtp(named=order.named, otp_type=kind))
    weak = replace(ctx, principal=replace(ctx.principal, permissions=ROLES["customer-executive"]))
    with pytest.raises(Forbidden):
        await generate_otp(weak, GenerateOtp(named=order.named, otp_type="LOGIN"))
    assert Permission.MEMBER_OTP not in ROLES["customer-executive"]
    assert await contents(ctx) == before


async def test_an_erased_member_leaves_no_secret_code_or_message(ctx: Context) -> None:
    await person(ctx, "BOB", password=PASSWORD)
    await tried(ctx, "BOB", "wrong")
    await asked(ctx, "BOB")
    await erase_member(ctx, "BOB")
    rows = await contents(ctx)
    names = ("member_secret", "login_failure", "otp", "otp_subject", "message")
    assert {name: rows[name] for name in names} == dict.fromkeys(names, [])


async def test_the_sweep_deletes_what_is_done_with(shop: Shop, ctx: Context) -> None:
    code = await ask(ctx, "ANN")
    await guess(ctx, "ANN", code)
    await asked(ctx, "NOBODY")
    assert await sweep_messages(shop.services) == 0
    shop.later(days=1, minutes=6)
    assert await sweep_messages(shop.services) == 6
    rows = await contents(ctx)
    assert [rows[name] for name in ("otp", "otp_subject", "message")] == [[], [], []]


async def test_a_changed_address_is_where_the_next_code_goes(shop: Shop, ctx: Context) -> None:
    await update_member(ctx, UpdateMember(relation_reference="ANN", values={"email_id": "new@example.com"}))
    await asked(ctx, "ANN")
    mailbox = Mailbox()
    await deliver_messages(shop.services, mailbox)
    assert mailbox.messages[0].to == "new@example.com"
    await lift_lapsed_lockouts(shop.services)
