"""Members sign in with a password, a code or a link; nobody else does, and nobody learns who is a member."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from domain.access import MEMBER_PERMISSIONS, PROGRAM_PERMISSIONS, ROLES, Permission, PrincipalKind
from domain.errors import Forbidden, InvalidRequest, TesseraError, Unauthorized
from domain.models import member_session, message, session_link
from domain.session import MOST_SESSIONS
from resolvers.context import Context
from resolvers.delivery import deliver_messages
from resolvers.member import get_member
from resolvers.program import apply_configuration, reset_credential
from resolvers.publishable import authenticate_app
from resolvers.session import StartByCode, StartByLink, start_by_code, start_by_link
from resolvers.session_send import SendToSignIn, send_session_code, send_session_link
from resolvers.session_token import SessionTokens
from resolvers.subject import Named
from resolvers.token import authenticate
from tests.resolvers.conftest import RULES, Shop, contents
from tests.resolvers.desk import set_status
from tests.resolvers.mailbox import PASSWORD, Mailbox, ask, person, tried, wrong
from tests.resolvers.visitor import ANYWHERE, SIGN_IN_URL, access_code, app_of, sign_in, with_links


@pytest.fixture
async def app(shop: Shop) -> Context:
    """An app of a program in which ANN has a password and an address."""
    await person(shop.contexts[0], "ANN", password=PASSWORD)
    await with_links(shop.contexts[0])
    return await app_of(shop)


async def mailed(shop: Shop) -> Mailbox:
    mailbox = Mailbox()
    await deliver_messages(shop.services, mailbox)
    return mailbox


async def code_sent(shop: Shop, app: Context, reference: str = "ANN", **more: str) -> str:
    await send_session_code(app, SendToSignIn(named=Named(reference=reference), **more))
    return str((await mailed(shop)).messages[-1].details["code"])


async def link_sent(shop: Shop, app: Context, reference: str = "ANN") -> str:
    await send_session_link(app, SendToSignIn(named=Named(reference=reference)))
    url, _, token = (await mailed(shop)).messages[-1].details["link"].partition("#token=")
    assert url == SIGN_IN_URL
    return str(token)


async def by_code(app: Context, code: str, reference: str = "ANN", **more: str) -> SessionTokens:
    return await start_by_code(app, StartByCode(named=Named(reference=reference), code=code, **more))


async def code_of(attempt: object) -> str:
    """The code that an attempt is answered with."""
    try:
        await attempt  # type: ignore[misc]
    except TesseraError as error:
        return error.code
    return "000"


async def sessions(ctx: Context) -> int:
    return await ctx.read(lambda tx: tx.scalar(select(func.count()).select_from(member_session)) or 0)


async def test_a_password_begins_a_session_of_the_member_alone(shop: Shop, app: Context) -> None:
    tokens = await sign_in(app)
    principal = await authenticate(shop.services, tokens.access_token)
    assert (principal.kind, principal.member_reference) == (PrincipalKind.MEMBER, "ANN")
    assert (principal.session_id, principal.permissions) == (tokens.session_id, MEMBER_PERMISSIONS)
    assert principal.program_id == shop.contexts[0].principal.program_id
    assert (await get_member(shop.contexts[0], "ANN")).last_logged_in_at == shop.now
    shop.later(minutes=15, seconds=-1)
    assert await access_code(shop.services, tokens) == "000"
    shop.later(seconds=1)
    assert await access_code(shop.services, tokens) == "401"


async def test_wrong_passwords_lock_out_as_they_do_elsewhere(shop: Shop, app: Context) -> None:
    codes = [await code_of(sign_in(app, "ANN", "wrong wrong")) for _ in range(3)]
    codes += [await tried(shop.contexts[0], "ANN", "wrong wrong") for _ in range(2)]
    assert codes == ["117"] * 5
    assert await code_of(sign_in(app)) == "116"
    assert await sessions(app) == 0


async def test_nobody_is_answered_as_somebody_is(shop: Shop, app: Context) -> None:
    answers = [[await code_of(sign_in(app, one, "wrong wrong")) for _ in range(6)] for one in ("ANN", "NOBODY")]
    assert answers[0] == answers[1] == ["117"] * 5 + ["116"]
    await person(shop.contexts[0], "BOB")
    for one in ("BOB", "NOBODY"):
        for send in (send_session_code, send_session_link):
            await send(app, SendToSignIn(named=Named(reference=one)))
    assert {one.details["relation_reference"] for one in (await mailed(shop)).messages} == {"BOB"}
    # As many rows as for a member, so that it takes as long.
    for table, rows in ((message, 4), (session_link, 2)):
        assert await app.read(lambda tx, table=table: len(tx.execute(select(table)).all())) == rows  # type: ignore[misc]


async def test_a_code_begins_one_session(shop: Shop, app: Context) -> None:
    code = await code_sent(shop, app)
    assert await code_of(by_code(app, wrong(code))) == "130"
    assert await access_code(shop.services, await by_code(app, code)) == "000"
    assert await code_of(by_code(app, code)) == "130"
    assert await sessions(app) == 1


async def test_codes_of_other_types_and_programs_begin_none(shop: Shop, app: Context) -> None:
    await person(shop.contexts[1], "ANN")
    other = await ask(shop.contexts[0], "ANN", "FORGOTPWD")
    assert await code_of(by_code(app, other)) == "130"
    code = await code_sent(shop, app)
    assert await code_of(by_code(await app_of(shop, 1), code)) == "130"
    assert await sessions(app) == 0
    for _ in range(5):
        await code_of(by_code(app, wrong(code)))
    assert await code_of(by_code(app, code)) == "131"


async def test_a_code_at_a_time_from_many_connections_begins_one_session(shop: Shop, app: Context) -> None:
    code = await code_sent(shop, app)
    codes = await asyncio.gather(*(code_of(by_code(app, code)) for _ in range(5)))
    assert sorted(codes) == ["000"] + ["130"] * 4
    assert await sessions(app) == 1


async def test_a_link_begins_one_session(shop: Shop, app: Context) -> None:
    first, token = await link_sent(shop, app), await link_sent(shop, app)
    assert await code_of(start_by_link(app, StartByLink(token=first))) == "130"
    assert await code_of(start_by_link(await app_of(shop, 1), StartByLink(token=token))) == "130"
    codes = await asyncio.gather(*(code_of(start_by_link(app, StartByLink(token=token))) for _ in range(5)))
    assert sorted(codes) == ["000"] + ["130"] * 4
    assert await sessions(app) == 1


async def test_a_link_lapses_after_a_quarter_of_an_hour(shop: Shop, app: Context) -> None:
    token = await link_sent(shop, app)
    shop.later(minutes=15)
    assert await code_of(start_by_link(app, StartByLink(token=token))) == "130"


async def test_neither_tokens_nor_links_stand_in_the_database(shop: Shop, app: Context) -> None:
    await send_session_link(app, SendToSignIn(named=Named(reference="ANN")))
    before = str(await contents(app))
    token = (await mailed(shop)).messages[-1].details["link"].partition("#token=")[2]
    tokens = await start_by_link(app, StartByLink(token=token))
    everything = before + str(await contents(app))
    for secret in (token, tokens.access_token, tokens.refresh_token, tokens.refresh_token.rpartition(".")[2]):
        assert secret not in everything


async def test_a_program_without_a_page_sends_no_links(shop: Shop, app: Context) -> None:
    await person(shop.contexts[1], "BOB")
    theirs = await app_of(shop, 1)
    before = await contents(app)
    with pytest.raises(InvalidRequest):
        await send_session_link(theirs, SendToSignIn(named=Named(reference="BOB")))
    assert await contents(app) == before


async def test_codes_and_links_together_are_five_in_an_hour(app: Context) -> None:
    to = SendToSignIn(named=Named(reference="ANN"))
    answers = [await code_of(send(app, to)) for send in (send_session_code, send_session_link) * 3]
    assert answers == ["000"] * 5 + ["132"]


@pytest.mark.parametrize(("status", "code"), [(2, "114"), (4, "113"), (6, "115"), (3, "116")])
async def test_whose_status_forbids_it_does_not_sign_in(shop: Shop, app: Context, status: int, code: str) -> None:
    link, given = await link_sent(shop, app), await code_sent(shop, app)
    await set_status(shop.contexts[0], "ANN", status)
    assert await code_of(sign_in(app)) == code
    assert await code_of(by_code(app, given)) == code
    # The code is used up all the same, and links are dead with the change of the status.
    assert await code_of(by_code(app, given)) == "130"
    assert await code_of(start_by_link(app, StartByLink(token=link))) == "130"
    assert await sessions(app) == 0


async def test_a_lost_answer_can_be_had_again_with_its_key(shop: Shop, app: Context) -> None:
    await person(shop.contexts[0], "BOB", password=PASSWORD)
    code, link = await code_sent(shop, app), await link_sent(shop, app)
    by_link = StartByLink(token=link, idempotency_key="k3")
    starts: list[Callable[[], Awaitable[SessionTokens]]] = [
        lambda: sign_in(app, idempotency_key="k1"),
        lambda: by_code(app, code, idempotency_key="k2"),
        lambda: start_by_link(app, by_link),
    ]
    for start in starts:
        first, again = await start(), await start()
        assert replace(again, replayed=False) == first
        assert again.replayed
    assert await sessions(app) == 3
    # Another member has keys of its own; another code under the same key is another request.
    assert not (await sign_in(app, "BOB", idempotency_key="k1")).replayed
    assert await code_of(by_code(app, await code_sent(shop, app), idempotency_key="k2")) == "409"
    shop.later(minutes=5, seconds=1)
    assert await code_of(sign_in(app, idempotency_key="k1")) == "409"
    assert await code_of(start_by_link(app, by_link)) == "130"


async def test_a_message_goes_out_once_for_a_key(shop: Shop, app: Context) -> None:
    to = SendToSignIn(named=Named(reference="ANN"), idempotency_key="k")
    for send in (send_session_code, send_session_link):
        assert [(await send(app, to)).replayed for _ in range(2)] == [False, True]
    assert len((await mailed(shop)).messages) == 2


async def test_who_tries_passwords_on_everybody_is_not_listened_to(shop: Shop, app: Context) -> None:
    for n in range(100):
        code = await code_of(start_by_link(app, StartByLink(token=f"tl_{n}", address=ANYWHERE)))
        assert code == "130"
    assert await code_of(sign_in(app, "NOBODY", "wrong wrong", address=ANYWHERE)) == "429"
    assert await code_of(sign_in(app, address=ANYWHERE)) == "429"
    assert await code_of(start_by_link(app, StartByLink(token="tl_x", address=ANYWHERE))) == "429"
    assert await code_of(sign_in(app, address="203.0.113.8")) == "000"
    shop.later(seconds=2)
    assert await code_of(sign_in(app, address=ANYWHERE)) == "000"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "::ffff:192.168.0.1", "fd00::1", "", "unknown"])
async def test_an_address_that_everybody_has_keeps_nobody_out(app: Context, address: str) -> None:
    for n in range(101):
        assert await code_of(start_by_link(app, StartByLink(token=f"tl_{n}", address=address))) == "130"
    assert await code_of(sign_in(app, address=address)) == "000"


async def test_a_member_has_so_many_sessions(shop: Shop, app: Context) -> None:
    oldest = await sign_in(app)
    shop.later(seconds=1)
    others = [await sign_in(app, idempotency_key=f"k{n}") for n in range(MOST_SESSIONS)]
    assert await access_code(shop.services, oldest) == "401"
    assert {await access_code(shop.services, one) for one in others} == {"000"}


async def test_a_publishable_key_is_good_for_nothing_else(shop: Shop, app: Context) -> None:
    assert app.principal.permissions == {Permission.SESSION_START}
    with pytest.raises(Forbidden):
        await get_member(app, "ANN")
    for permissions in (PROGRAM_PERMISSIONS, MEMBER_PERMISSIONS, *ROLES.values()):
        assert Permission.SESSION_START not in permissions
    server = replace(shop.contexts[0], principal=replace(shop.contexts[0].principal, permissions=PROGRAM_PERMISSIONS))
    before = await contents(app)
    for attempt in (sign_in(server), by_code(server, "123456"), start_by_link(server, StartByLink(token="tl_x"))):
        assert await code_of(attempt) == "403"
    for send in (send_session_code, send_session_link):
        assert await code_of(send(server, SendToSignIn(named=Named(reference="ANN")))) == "403"
    assert await contents(app) == before


async def test_a_key_that_was_reset_lets_nobody_in(shop: Shop, app: Context) -> None:
    former = shop.credentials[0].publishable_key
    shop.credentials[0] = await reset_credential(shop.contexts[0])
    for key in (former, "tp_sandbox_nobody", "", "x" * 300):
        with pytest.raises(Unauthorized):
            await authenticate_app(shop.services, key)
    await sign_in(await app_of(shop))


async def test_a_program_says_what_its_links_say(shop: Shop, app: Context) -> None:
    template = b"""messages:
  - {name: Link, event: LINK, channel: email, language: de, subject: Dein Link, body: "Hier: {link} ({minutes} min)"}
"""
    document = RULES.replace(b"redemption_minimum: 1", f"sign_in_url: {SIGN_IN_URL}".encode()) + template
    await apply_configuration(shop.contexts[0], document)
    await person(shop.contexts[0], "UWE", preferred_language="de-AT")
    for reference in ("UWE", "ANN"):
        await send_session_link(app, SendToSignIn(named=Named(reference=reference)))
    german, english = (await mailed(shop)).messages
    assert (german.to, german.subject, german.channel) == ("uwe@example.com", "Dein Link", "email")
    assert german.body == f"Hier: {german.details['link']} (15 min)"
    assert (english.subject, english.event) == ("Your link to sign in", "LINK")
    assert english.details["link"] in english.body
