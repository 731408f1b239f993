"""New passwords: by a verified code, by the old one, imported; once each, and nothing is written on a refusal."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from domain.errors import (
    BadRequest,
    CancelledMemberUpdate,
    Forbidden,
    InvalidCredentials,
    InvalidRequest,
    KeyReused,
    LoginBlocked,
    MemberNotFound,
    TesseraError,
)
from domain.password import Scheme
from resolvers.context import Context
from resolvers.delivery import deliver_messages
from resolvers.member import get_member
from resolvers.password import ImportSecret, SecretChanged, SetPassword, import_secret, set_password
from resolvers.session import StartByCode, start_by_code
from resolvers.session_send import SendToSignIn, send_session_code
from resolvers.subject import Named
from resolvers.token import authenticate
from tests.resolvers.conftest import Shop, contents
from tests.resolvers.desk import set_status
from tests.resolvers.mailbox import PASSWORD, Mailbox, ask, bound, guess, login, person, tried
from tests.resolvers.visitor import app_of, sign_in

NEW = "another horse battery"


@pytest.fixture
async def ctx(shop: Shop) -> Context:
    """A program in which ANN has a password."""
    await person(shop.contexts[0], "ANN", password=PASSWORD)
    return shop.contexts[0]


async def change(ctx: Context, reference: str | None = "ANN", password: str = NEW, **more: Any) -> SecretChanged:
    return await set_password(ctx, SetPassword(relation_reference=reference, password=password, **more))


async def changed(ctx: Context, **more: Any) -> str:
    """The code that a change is answered with."""
    try:
        await change(ctx, **more)
    except TesseraError as error:
        return error.code
    return "000"


async def allow(ctx: Context, otp_type: str = "FORGOTPWD") -> None:
    """Verify a code that allows a change."""
    assert await guess(ctx, "ANN", await ask(ctx, "ANN", otp_type), otp_type) == "000"


@pytest.mark.parametrize("otp_type", ["FORGOTPWD", "RESETPASSWORD"])
async def test_a_verified_code_allows_one_change(ctx: Context, otp_type: str) -> None:
    assert await changed(ctx) == "403"
    await allow(ctx, otp_type)
    assert [await changed(ctx), await changed(ctx)] == ["000", "403"]
    assert [await tried(ctx, "ANN", NEW), await tried(ctx, "ANN")] == ["000", "117"]


async def test_no_other_type_allows_a_change(ctx: Context) -> None:
    for otp_type in ("CHANGEPASSWORD", "LOGIN", "TwoFA"):
        await allow(ctx, otp_type)
    assert await changed(ctx) == "403"


async def test_the_allowance_lapses(shop: Shop, ctx: Context) -> None:
    await allow(ctx)
    shop.later(minutes=10, seconds=-1)
    assert await changed(ctx) == "000"
    await allow(ctx)
    shop.later(minutes=10)
    assert await changed(ctx) == "403"


async def test_ten_changes_at_once_are_one(ctx: Context) -> None:
    await allow(ctx)
    answers = Counter(await asyncio.gather(*(changed(ctx, password=f"{NEW} {n}") for n in range(10))))
    assert answers == {"000": 1, "403": 9}


async def test_a_change_by_code_ends_a_lockout(ctx: Context) -> None:
    for _ in range(5):
        await tried(ctx, "ANN", "wrong")
    await allow(ctx)
    assert await changed(ctx) == "000"
    assert (await get_member(ctx, "ANN")).status == 1
    assert await tried(ctx, "ANN", NEW) == "000"


async def test_a_change_does_not_lift_what_an_administrator_set(ctx: Context) -> None:
    await set_status(ctx, "ANN", 3)
    await allow(ctx)
    assert await changed(ctx) == "000"
    assert (await get_member(ctx, "ANN")).status == 3


async def test_the_old_password_allows_a_change(ctx: Context) -> None:
    assert await changed(ctx, old_password=PASSWORD) == "000"
    assert await tried(ctx, "ANN", NEW) == "000"


async def test_wrong_old_passwords_are_counted_as_wrong_logins(ctx: Context) -> None:
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            await change(ctx, old_password="wrong")
    with pytest.raises(LoginBlocked):
        await change(ctx, old_password=PASSWORD)
    assert [await tried(ctx, "ANN"), (await get_member(ctx, "ANN")).status] == ["116", 3]


async def test_nobody_is_answered_as_somebody_is(ctx: Context) -> None:
    with pytest.raises(Forbidden):
        await change(ctx, "NOBODY")
    assert [await changed(ctx, reference="NOBODY", old_password=PASSWORD) for _ in range(6)] == ["117"] * 5 + ["116"]


async def test_a_member_changes_its_own_password_only(ctx: Context) -> None:
    own = bound(ctx, "ANN")
    assert await changed(own, reference=None, old_password=PASSWORD) == "000"
    await person(ctx, "BOB", password=PASSWORD)
    before = await contents(ctx)
    assert await changed(bound(ctx, "BOB"), old_password=NEW) == "403"
    assert await contents(ctx) == before


async def test_a_repeat_with_its_key_changes_nothing(ctx: Context) -> None:
    await allow(ctx)
    first = await change(ctx, idempotency_key="k1")
    again = await change(ctx, idempotency_key="k1")
    assert again == replace(first, replayed=True)
    with pytest.raises(KeyReused):
        await change(ctx, password="yet another one", idempotency_key="k1")
    second = await change(ctx, password=PASSWORD, old_password=NEW, idempotency_key="k2")
    assert await change(ctx, password=PASSWORD, old_password=NEW, idempotency_key="k2") == replace(
        second, replayed=True
    )
    order = ImportSecret(relation_reference="ANN", secret=NEW, idempotency_key="k3")
    imported = await import_secret(ctx, order)
    assert await import_secret(ctx, order) == replace(imported, replayed=True)


@pytest.mark.parametrize("password", ["short 1", "x" * 129, "nul\0 in the middle"])
async def test_a_password_of_the_wrong_length_is_refused(ctx: Context, password: str) -> None:
    await allow(ctx)
    before = await contents(ctx)
    with pytest.raises(InvalidRequest):
        await change(ctx, password=password)
    assert await contents(ctx) == before


async def test_what_is_composed_differently_is_the_same_password(ctx: Context) -> None:
    await allow(ctx)
    await change(ctx, password="cafe\u0301 au lait")
    assert await tried(ctx, "ANN", "caf\u00e9 au lait") == "000"


async def test_a_cancelled_member_gets_no_password(ctx: Context) -> None:
    await allow(ctx)
    await set_status(ctx, "ANN", 4)
    before = await contents(ctx)
    with pytest.raises(CancelledMemberUpdate):
        await change(ctx)
    with pytest.raises(CancelledMemberUpdate):
        await import_secret(ctx, ImportSecret(relation_reference="ANN", secret=NEW))
    assert await contents(ctx) == before


BCRYPT = "$2b$04$" + "a" * 21 + "u" + "b" * 31


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"secret": ""}, BadRequest),
        ({"relation_reference": ""}, BadRequest),
        ({"secret": "x" * 257}, InvalidRequest),
        ({"secret": "nul\0"}, InvalidRequest),
        ({"salt": "pepper"}, InvalidRequest),
        ({"scheme": Scheme.BCRYPT, "secret": "$2b$04$short"}, InvalidRequest),
        ({"scheme": Scheme.BCRYPT, "secret": BCRYPT.replace("$04$", "$13$")}, InvalidRequest),
        ({"scheme": Scheme.BCRYPT, "secret": BCRYPT.replace("$04$", "$03$")}, InvalidRequest),
        ({"scheme": Scheme.BCRYPT, "secret": BCRYPT, "salt": "x"}, InvalidRequest),
        ({"scheme": Scheme.MD5, "secret": "no hash"}, InvalidRequest),
        ({"scheme": Scheme.MD5_SALT_FIRST, "secret": "0" * 32}, InvalidRequest),
        ({"scheme": Scheme.MD5_SALT_LAST, "secret": "0" * 32, "salt": "x" * 65}, InvalidRequest),
        ({"relation_reference": "NOBODY"}, MemberNotFound),
    ],
)
async def test_an_import_that_does_not_hold_is_refused(
    ctx: Context, change: dict[str, Any], error: type[TesseraError]
) -> None:
    before = await contents(ctx)
    order = ImportSecret(relation_reference="ANN", secret=NEW)
    with pytest.raises(error):
        await import_secret(ctx, replace(order, **change))
    assert await contents(ctx) == before


async def test_members_import_nothing(ctx: Context) -> None:
    with pytest.raises(Forbidden):
        await import_secret(bound(ctx, "ANN"), ImportSecret(relation_reference="ANN", secret=NEW))


async def test_a_forced_change_is_told_until_it_is_made(ctx: Context) -> None:
    await import_secret(ctx, ImportSecret(relation_reference="ANN", secret=PASSWORD, force_change=True))
    assert [(await login(ctx, "ANN")).force_change for _ in range(2)] == [True, True]
    await change(ctx, old_password=PASSWORD)
    assert (await login(ctx, "ANN", NEW)).force_change is False


async def test_another_program_changes_nothing(shop: Shop, ctx: Context) -> None:
    await allow(ctx)
    assert await changed(shop.contexts[1]) == "403"
    assert await tried(ctx, "ANN") == "000"


async def by_code(shop: Shop, ctx: Context) -> Context:
    """The app of ANN, who has just signed in with a code."""
    app = await app_of(shop)
    await send_session_code(app, SendToSignIn(named=Named(reference="ANN")))
    mailbox = Mailbox()
    await deliver_messages(shop.services, mailbox)
    code = StartByCode(named=Named(reference="ANN"), code=mailbox.messages[-1].details["code"])
    tokens = await start_by_code(app, code)
    return replace(ctx, principal=await authenticate(shop.services, tokens.access_token))


async def test_who_has_just_signed_in_with_a_code_sets_one_password(shop: Shop, ctx: Context) -> None:
    shop.later(minutes=1)
    app = await by_code(shop, ctx)
    other = await by_code(shop, ctx)
    assert await changed(app, reference=None) == "000"
    # The session that set it goes on, and sets no second one; neither does one that began before.
    assert await authenticate(shop.services, (await sign_in(await app_of(shop), "ANN", NEW)).access_token)
    assert await changed(app, reference=None, password=PASSWORD) == "403"
    assert await changed(other, reference=None, password=PASSWORD) == "403"
    assert await tried(ctx, "ANN", NEW) == "000"
    shop.later(minutes=1)
    assert await changed(await by_code(shop, ctx), reference=None, password=PASSWORD) == "000"


async def test_a_sign_in_that_was_long_ago_or_with_a_password_sets_none(shop: Shop, ctx: Context) -> None:
    shop.later(minutes=1)
    tokens = await sign_in(await app_of(shop))
    by_password = replace(ctx, principal=await authenticate(shop.services, tokens.access_token))
    assert await changed(by_password, reference=None) == "403"
    app = await by_code(shop, ctx)
    shop.later(minutes=10)
    before = await contents(ctx)
    assert await changed(app, reference=None) == "403"
    assert await contents(ctx) == before


async def test_ten_changes_at_once_by_one_sign_in_are_one(shop: Shop, ctx: Context) -> None:
    shop.later(minutes=1)
    app = await by_code(shop, ctx)
    codes = await asyncio.gather(*(changed(app, reference=None, password=f"{NEW} {n}") for n in range(10)))
    assert Counter(codes) == {"000": 1, "403": 9}
