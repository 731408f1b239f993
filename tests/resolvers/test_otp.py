"""One-time codes: single use, timed, bound to member, type and program, sent to nobody but the member."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from domain.access import ROLES, Permission
from domain.errors import BadRequest, Forbidden, InvalidRequest, KeyReused
from domain.models import message
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
from tests.resolvers.mailbox import PASSWORD, Mailbox, ask, asked, bound, guess, person, tried, wrong


@pytest.fixture
async def ctx(shop: Shop) -> Context:
    """A program in which ANN can be reached."""
    await person(shop.contexts[0], "ANN")
    return shop.contexts[0]


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


async def test_guesses_under_a_used_key_count_like_any_other(ctx: Context) -> None:
    code = await ask(ctx, "ANN")
    assert await guess(ctx, "ANN", code, idempotency_key="k") == "000"
    told = [await guess(ctx, "ANN", wrong(code), idempotency_key="k") for _ in range(26)]
    assert told == ["409"] * 24 + ["131"] * 2
    # Whoever lost the answer and repeats the very request gets it all the same.
    assert await guess(ctx, "ANN", code, idempotency_key="k") == "000"


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
    assert [one.to for one in mailbox.messages if one.event == "OTP.LOGIN"] == ["new@example.com"]
    await lift_lapsed_lockouts(shop.services)
