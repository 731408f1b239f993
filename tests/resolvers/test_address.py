"""Addresses of members: a token alone changes none, the old one is told, and what went there is good for nothing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from domain.access import ROLES
from domain.errors import ProofNeeded, TesseraError
from domain.models import audit_entry
from resolvers.batch import open_batch
from resolvers.batch_line import BatchLine
from resolvers.batch_post import Share, post_rows
from resolvers.context import Context
from resolvers.delivery import deliver_messages, sweep_messages
from resolvers.member import ImportMember, UpdateMember, get_member, update_member
from resolvers.messenger import Outgoing
from resolvers.otp import GenerateOtp, generate_otp
from resolvers.program import apply_configuration
from resolvers.session import StartByCode, StartByLink, start_by_code, start_by_link
from resolvers.session_send import SendToSignIn, send_session_code, send_session_link
from resolvers.session_token import SessionTokens
from resolvers.subject import Named
from resolvers.token import authenticate
from tests.resolvers.conftest import RULES, Shop, contents
from tests.resolvers.mailbox import PASSWORD, Mailbox, ask, asked, bound, guess, person
from tests.resolvers.visitor import access_code, app_of, refresh_code, sign_in, with_links

ANN = Named(reference="ANN")
THIEF = {"email_id": "thief@example.com"}
NUMBER = "+491701234567"


@pytest.fixture
async def ctx(shop: Shop) -> Context:
    """A program with a page for links, in which ANN has a password, an e-mail address and a mobile number."""
    await with_links(shop.contexts[0])
    await person(shop.contexts[0], "ANN", password=PASSWORD, mobile_number=NUMBER)
    return shop.contexts[0]


async def changed(ctx: Context, values: Mapping[str, Any], reference: str = "ANN", **more: Any) -> str:
    """The code that a change is answered with."""
    try:
        await update_member(ctx, UpdateMember(relation_reference=reference, values=values, **more))
    except TesseraError as error:
        return error.code
    return "000"


async def app_with(shop: Shop, ctx: Context, tokens: SessionTokens) -> Context:
    """The member's app."""
    return replace(ctx, principal=await authenticate(shop.services, tokens.access_token))


async def prove(ctx: Context, reference: str = "ANN") -> None:
    """Verify a code that allows a change."""
    assert await guess(ctx, reference, await ask(ctx, reference, "TwoFA"), "TwoFA") == "000"


async def delivered(shop: Shop) -> list[Outgoing]:
    mailbox = Mailbox()
    await deliver_messages(shop.services, mailbox)
    return mailbox.messages


async def trail(ctx: Context) -> list[tuple[str, str, Any]]:
    """What the audit trail says of addresses."""
    query = select(audit_entry).where(audit_entry.c.action == "member.address").order_by(audit_entry.c.seq)
    return await ctx.read(lambda tx: [(row.actor, row.subject, row.after) for row in tx.execute(query)])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (THIEF, "email_id"),
        ({"mobile_number": "+4915112345678"}, "mobile_number"),
        ({"mobile_number": ""}, "mobile_number"),
        ({"full_name": "Ann", "mobile_number": "+4915112345678", **THIEF}, "email_id"),
        ({"email_id": "Ann@example.com"}, "email_id"),
    ],
)
async def test_a_members_token_alone_changes_no_address(
    shop: Shop, ctx: Context, values: dict[str, Any], field: str
) -> None:
    signed_in = await app_with(shop, ctx, await sign_in(await app_of(shop)))
    before = await contents(ctx)
    for app in (bound(ctx, "ANN"), signed_in):
        with pytest.raises(ProofNeeded) as refusal:
            await update_member(app, UpdateMember(values=values))
        assert refusal.value.field == field
        assert "TwoFA" in refusal.value.text
    assert await contents(ctx) == before


async def test_who_has_proved_nothing_does_not_learn_whose_an_address_is(ctx: Context) -> None:
    await person(ctx, "BOB")
    assert await changed(bound(ctx, "ANN"), {"email_id": "bob@example.com"}) == "1342"
    await prove(ctx)
    assert await changed(bound(ctx, "ANN"), {"email_id": "bob@example.com"}) == "1205"
    # What was refused has used nothing up.
    assert await changed(bound(ctx, "ANN"), {"email_id": "ann@example.org"}) == "000"


async def test_addresses_that_stay_as_they_are_need_no_proof(ctx: Context) -> None:
    own = bound(ctx, "ANN")
    assert await changed(own, {"full_name": "Ann", "email_id": " ann@example.com", "mobile_number": NUMBER}) == "000"
    assert await trail(ctx) == []


async def test_a_verified_code_allows_one_change(shop: Shop, ctx: Context) -> None:
    own = bound(ctx, "ANN")
    await prove(own)
    assert await changed(own, {"email_id": "new@example.com"}, idempotency_key="k") == "000"
    assert (await get_member(ctx, "ANN")).email_id == "new@example.com"
    assert await changed(own, THIEF) == "1342"
    # The same request again is answered as before, and needs no other code.
    assert await changed(own, {"email_id": "new@example.com"}, idempotency_key="k") == "000"
    await prove(own)
    shop.later(minutes=10)
    assert await changed(own, THIEF) == "1342"
    assert await trail(ctx) == [("test", f"member:{(await get_member(ctx, 'ANN')).id}", {"changed": ["email_id"]})]


async def test_an_address_that_is_added_uses_the_code_up_as_well(ctx: Context) -> None:
    await person(ctx, "BOB")
    own = bound(ctx, "BOB")
    assert await changed(own, {"mobile_number": "+4915112345678"}, "BOB") == "1342"
    await prove(own, "BOB")
    assert await changed(own, {"mobile_number": "+4915112345678"}, "BOB") == "000"
    assert await changed(own, {"mobile_number": "+4915112345679"}, "BOB") == "1342"


@pytest.mark.parametrize("otp_type", ["LOGIN", "RESETPASSWORD", "FORGOTPWD", "CHANGEPASSWORD"])
async def test_no_other_code_allows_a_change(ctx: Context, otp_type: str) -> None:
    assert await guess(ctx, "ANN", await ask(ctx, "ANN", otp_type), otp_type) == "000"
    assert await changed(bound(ctx, "ANN"), THIEF) == "1342"


async def test_the_code_of_another_allows_nothing(shop: Shop, ctx: Context) -> None:
    await person(ctx, "BOB")
    await person(shop.contexts[1], "ANN")
    await prove(ctx, "BOB")
    await prove(shop.contexts[1])
    assert await changed(bound(ctx, "ANN"), THIEF) == "1342"


async def test_a_member_without_addresses_sets_the_first_one_after_a_sign_in(shop: Shop, ctx: Context) -> None:
    await person(ctx, "CAT", password=PASSWORD, email_id="")
    tokens = await sign_in(await app_of(shop), "CAT")
    app, first = await app_with(shop, ctx, tokens), {"email_id": "cat@example.com"}
    assert await changed(bound(ctx, "CAT"), first, "CAT") == "1342"
    shop.later(minutes=10)
    assert await changed(app, first, "CAT") == "1342"
    tokens = await sign_in(await app_of(shop), "CAT")
    app = await app_with(shop, ctx, tokens)
    assert await changed(app, first, "CAT") == "000"
    # By then it has one.
    assert await changed(app, {"mobile_number": "+4915112345678"}, "CAT") == "1342"
    assert await access_code(shop.services, tokens) == "000"


async def test_a_server_changes_what_it_wants_and_the_old_address_is_told(shop: Shop, ctx: Context) -> None:
    assert await changed(ctx, {"email_id": "new@example.com", "mobile_number": ""}) == "000"
    notices = await delivered(shop)
    assert sorted((one.channel, one.to, one.event) for one in notices) == [
        ("email", "ann@example.com", "ADDRESS"),
        ("sms", NUMBER, "ADDRESS"),
    ]
    told = str([(one.subject, one.body, one.details) for one in notices])
    assert "new@example.com" not in told
    assert "If that was not you" in told
    assert [row[2] for row in await trail(ctx)] == [{"changed": ["email_id", "mobile_number"]}]
    assert "example.com" not in str(await trail(ctx))


async def test_an_executive_and_a_file_are_told_of_as_well(shop: Shop, ctx: Context) -> None:
    executive = replace(ctx, principal=replace(ctx.principal, permissions=ROLES["customer-executive"]))
    assert await changed(executive, {"email_id": "one@example.com"}) == "000"
    batch = await open_batch(ctx, file_type="CPD", file_name="CPD_1.csv", sha256="0" * 64)
    rows = [{"relation_reference": "ANN", "email_id": "two@example.com"}, {"relation_reference": "NEW", **THIEF}]
    rows.append({"relation_reference": "NEW", "email_id": "new@example.com"})
    lines = [BatchLine(line=n, command=ImportMember(values=one, action=None)) for n, one in enumerate(rows, 2)]
    await post_rows(ctx, batch.id, Share(lines=lines))
    assert [one.to for one in await delivered(shop)] == ["ann@example.com", "one@example.com"]
    assert len(await trail(ctx)) == 2


async def test_an_address_that_is_added_tells_nobody_and_ends_nothing(shop: Shop, ctx: Context) -> None:
    await person(ctx, "BOB", password=PASSWORD)
    tokens = await sign_in(await app_of(shop), "BOB")
    assert await changed(ctx, {"mobile_number": "+4915112345678"}, "BOB") == "000"
    assert await delivered(shop) == []
    shop.later(seconds=2)
    assert await access_code(shop.services, tokens) == "000"


async def test_a_notice_is_tried_for_days_and_then_forgotten(shop: Shop, ctx: Context) -> None:
    await changed(ctx, {"email_id": "new@example.com"})
    mailbox = Mailbox(failing=100)
    for _ in range(30):
        await deliver_messages(shop.services, mailbox)
        shop.later(hours=1)
    assert not mailbox.messages
    mailbox.failing = 0
    await deliver_messages(shop.services, mailbox)
    assert [one.to for one in mailbox.messages] == ["ann@example.com"]
    await changed(ctx, {"email_id": "newer@example.com"})
    shop.later(days=3)
    assert await delivered(shop) == []
    shop.later(days=1, seconds=1)
    await sweep_messages(shop.services)
    assert (await contents(ctx))["message"] == []


async def test_a_program_says_what_its_notices_say(shop: Shop, ctx: Context) -> None:
    template = b"""messages:
  - {name: Notice, event: ADDRESS, channel: email, language: de, subject: Neue Adresse, body: Warst du das}
"""
    await apply_configuration(ctx, RULES + template)
    await person(ctx, "UWE", preferred_language="de-AT")
    await changed(ctx, {"email_id": "uwe@example.org"}, "UWE")
    assert [(one.to, one.subject, one.body) for one in await delivered(shop)] == [
        ("uwe@example.com", "Neue Adresse", "Warst du das")
    ]


async def test_codes_and_links_that_went_to_the_old_address_sign_nobody_in(shop: Shop, ctx: Context) -> None:
    app = await app_of(shop)
    await send_session_code(app, SendToSignIn(named=ANN))
    await send_session_link(app, SendToSignIn(named=ANN))
    await generate_otp(ctx, GenerateOtp(named=ANN, otp_type="RESETPASSWORD"))
    # As they were written: what lapses first is delivered first.
    code, link, reset = sorted(await delivered(shop), key=lambda one: one.message_id)
    await prove(ctx)
    await changed(bound(ctx, "ANN"), {"email_id": "new@example.com"})
    tries = [
        start_by_code(app, StartByCode(named=ANN, code=code.details["code"])),
        start_by_code(app, StartByCode(named=Named(email="new@example.com"), code=code.details["code"])),
        start_by_link(app, StartByLink(token=link.details["link"].partition("#token=")[2])),
    ]
    for one in tries:
        with pytest.raises(TesseraError) as refusal:
            await one
        assert refusal.value.code == "130"
    assert await guess(ctx, "ANN", reset.details["code"], "RESETPASSWORD") == "130"
    # How many codes the hour had is no secret of the old address: four and one more.
    assert [await asked(ctx, "ANN"), await asked(ctx, "ANN")] == ["000", "132"]


async def test_what_the_old_address_allowed_is_gone_with_it(ctx: Context) -> None:
    assert await guess(ctx, "ANN", await ask(ctx, "ANN", "RESETPASSWORD"), "RESETPASSWORD") == "000"
    await prove(ctx)
    await changed(ctx, {"email_id": "new@example.com"})
    assert await changed(bound(ctx, "ANN"), THIEF) == "1342"
    assert [row for row in (await contents(ctx))["otp"]] == []


async def test_the_session_that_changes_the_address_goes_on_and_all_others_end(shop: Shop, ctx: Context) -> None:
    await person(ctx, "BOB", password=PASSWORD)
    app = await app_of(shop)
    own, other, bobs = await sign_in(app), await sign_in(app, idempotency_key="k"), await sign_in(app, "BOB")
    await prove(ctx)
    assert await changed(await app_with(shop, ctx, own), {"email_id": "new@example.com"}) == "000"
    shop.later(seconds=2)
    assert [await access_code(shop.services, one) for one in (own, other, bobs)] == ["000", "401", "000"]
    assert [await refresh_code(app, one) for one in (own, other, bobs)] == ["000", "401", "000"]
    assert await changed(ctx, {"email_id": "newer@example.com"}) == "000"
    assert await refresh_code(app, own) == "401"


async def test_a_change_that_is_refused_ends_and_tells_nothing(shop: Shop, ctx: Context) -> None:
    await person(ctx, "BOB")
    tokens = await sign_in(await app_of(shop))
    before = await contents(ctx)
    assert await changed(ctx, {"email_id": "bob@example.com"}) == "1205"
    assert await contents(ctx) == before
    assert await access_code(shop.services, tokens) == "000"
