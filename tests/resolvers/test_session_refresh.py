"""Refresh tokens are exchanged once; a second use ends the session, and so does whatever changes the member."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from domain.access import MEMBER_PERMISSIONS, Permission, Principal, PrincipalKind
from domain.errors import Forbidden, MemberNotFound, TesseraError
from domain.models import audit_entry, member_session
from domain.session import read_refresh_token, refresh_token
from domain.store.program import ProgramCache
from resolvers.access_cache import AccessCache
from resolvers.context import Context, Services
from resolvers.delivery import sweep_messages
from resolvers.erasure import erase_member
from resolvers.merge import MergeMembers, merge_members, undo_merge
from resolvers.password import ImportSecret, SetPassword, import_secret, set_password
from resolvers.program import reset_credential
from resolvers.session_end import RevokeSessions, list_sessions, revoke_sessions
from resolvers.session_refresh import end_session
from resolvers.session_token import SessionTokens
from resolvers.token import authenticate
from tests.resolvers.conftest import Shop, contents
from tests.resolvers.desk import set_status
from tests.resolvers.mailbox import PASSWORD, login, person, tried
from tests.resolvers.visitor import access_code, app_of, refresh_code, refreshed, sign_in, with_links


@pytest.fixture
async def app(shop: Shop) -> Context:
    """An app of a program in which ANN and BOB have passwords."""
    for one in ("ANN", "BOB"):
        await person(shop.contexts[0], one, password=PASSWORD)
    await with_links(shop.contexts[0])
    return await app_of(shop)


def elsewhere(shop: Shop) -> Services:
    """Another process on the same database."""
    return replace(shop.services, programs=ProgramCache(), access=AccessCache())


async def session_of(shop: Shop, tokens: SessionTokens) -> Context:
    """A caller with the access token."""
    return replace(shop.contexts[0], principal=await authenticate(shop.services, tokens.access_token))


async def is_over(shop: Shop, app: Context, tokens: SessionTokens) -> bool:
    """Whether neither token of a session is good, here and in a process that has just looked."""
    codes = {await access_code(shop.services, tokens), await access_code(elsewhere(shop), tokens)}
    codes.add(await refresh_code(app, tokens))
    assert len(codes) == 1
    return codes == {"401"}


async def test_a_refresh_token_is_exchanged_for_the_next(shop: Shop, app: Context) -> None:
    first = await sign_in(app)
    shop.later(minutes=20)
    assert await access_code(shop.services, first) == "401"
    second = await refreshed(app, first)
    assert second.session_id == first.session_id
    assert len({first.refresh_token, second.refresh_token, first.access_token, second.access_token}) == 4
    assert await access_code(shop.services, second) == "000"
    assert await refresh_code(app, second) == "000"


async def test_one_that_was_exchanged_before_ends_the_session(shop: Shop, app: Context) -> None:
    other, first = await sign_in(app), await sign_in(app)
    second = await refreshed(app, first)
    third = await refreshed(app, second)
    assert await access_code(shop.services, third) == "000"
    assert await refresh_code(app, first) == "401"
    assert await is_over(shop, app, third)
    assert await refresh_code(app, other) == "000"
    [entry] = await app.read(
        lambda tx: tx.execute(select(audit_entry.c.after).where(audit_entry.c.action == "session.reuse")).all()
    )
    assert entry.after == {"session": first.session_id, "number": 0, "in_force": 2}


async def test_two_at_once_end_the_session_unless_they_are_one_request(shop: Shop, app: Context) -> None:
    first, second = await sign_in(app), await sign_in(app)
    same = await asyncio.gather(*(refreshed(app, first, "one request") for _ in range(4)))
    assert len({one.refresh_token for one in same}) == len({one.access_token for one in same}) == 1
    assert sorted(one.replayed for one in same) == [False, True, True, True]
    codes = await asyncio.gather(*(refresh_code(app, second, f"request {n}") for n in range(4)))
    assert sorted(codes) == ["000", "401", "401", "401"]
    assert await access_code(shop.services, same[0]) == "000"
    assert await access_code(shop.services, second) == "401"


async def test_a_lost_answer_can_be_had_again_for_five_minutes(shop: Shop, app: Context) -> None:
    first = await sign_in(app)
    second = await refreshed(app, first, "key")
    shop.later(minutes=5)
    assert replace(await refreshed(app, first, "key"), replayed=False) == second
    shop.later(seconds=1)
    assert await refresh_code(app, first, "key") == "401"
    assert await is_over(shop, app, second)


async def test_the_answer_before_the_last_cannot_be_had_again(shop: Shop, app: Context) -> None:
    first = await sign_in(app)
    third = await refreshed(app, await refreshed(app, first, "a"), "b")
    assert await refresh_code(app, first, "a") == "401"
    assert await is_over(shop, app, third)


async def test_a_forged_token_is_refused_and_ends_nothing(shop: Shop, app: Context) -> None:
    tokens = await sign_in(app)
    real = read_refresh_token(tokens.refresh_token)
    assert real is not None
    keys, theirs = shop.services.keys, await app_of(shop, 1)
    forged = [
        replace(real, number=1).text,
        replace(real, session_id=real.session_id + 1).text,
        real.text[:-1] + ("A" if real.text[-1] != "A" else "Q"),
        refresh_token(keys, app.principal.program, real.session_id, b"another salt", 0).text,
        "tr_", "nonsense", tokens.access_token, real.text + "\n", real.text.replace(".0.", ".00."),
    ]  # fmt: skip
    before = await contents(app)
    for text in forged:
        assert await refresh_code(app, replace(tokens, refresh_token=text)) == "401", text
    assert await refresh_code(theirs, tokens) == "401"
    assert await contents(app) == before
    assert await refresh_code(app, tokens) == "000"


async def test_a_session_ends_after_thirty_idle_days_and_after_half_a_year(shop: Shop, app: Context) -> None:
    idle, used = await sign_in(app), await sign_in(app)
    begun = shop.now
    for _ in range(6):
        shop.later(days=30, seconds=-1)
        used = await refreshed(app, used)
    assert await refresh_code(app, idle) == "401"
    assert (used.refresh_expires_at - begun).days == 180
    shop.later(seconds=5)
    assert used.access_expires_at == used.refresh_expires_at
    assert await access_code(shop.services, used) == "000"
    shop.later(seconds=1)
    assert await is_over(shop, app, used)
    shop.later(days=2)
    assert await sweep_messages(shop.services) > 0
    assert await app.read(lambda tx: tx.execute(select(member_session)).all()) == []


async def test_a_revocation_is_known_at_once_here_and_within_a_second_elsewhere(shop: Shop, app: Context) -> None:
    tokens, process = await sign_in(app), elsewhere(shop)
    assert await access_code(process, tokens) == "000"
    assert await revoke_sessions(await session_of(shop, tokens), RevokeSessions()) == 1
    assert await access_code(shop.services, tokens) == "401"
    shop.later(seconds=1)
    assert await access_code(process, tokens) == "401"
    assert await is_over(shop, app, tokens)


async def test_members_end_their_own_sessions(shop: Shop, app: Context) -> None:
    own, other, third, foreign = [await sign_in(app) for _ in range(3)] + [await sign_in(app, "BOB")]
    ann = await session_of(shop, own)
    listed = await list_sessions(ann, None)
    assert {one.id: one.is_own for one in listed} == {
        own.session_id: True,
        other.session_id: False,
        third.session_id: False,
    }
    assert await revoke_sessions(ann, RevokeSessions(session_id=foreign.session_id)) == 0
    assert await revoke_sessions(ann, RevokeSessions(session_id=other.session_id)) == 1
    assert await revoke_sessions(ann, RevokeSessions(session_id=other.session_id)) == 0
    assert await access_code(shop.services, third) == "000"
    for act in (revoke_sessions(ann, RevokeSessions(relation_reference="BOB", all=True)), list_sessions(ann, "BOB")):
        with pytest.raises(Forbidden):
            await act
    assert await revoke_sessions(ann, RevokeSessions(all=True)) == 2
    assert await access_code(shop.services, foreign) == "000"


async def test_servers_and_administrators_end_sessions_of_their_program(shop: Shop, app: Context) -> None:
    tokens = [await sign_in(app) for _ in range(3)]
    with pytest.raises(MemberNotFound):
        await revoke_sessions(shop.contexts[1], RevokeSessions(relation_reference="ANN", all=True))
    one = RevokeSessions(relation_reference="ANN", session_id=tokens[0].session_id)
    assert await revoke_sessions(shop.contexts[0], one) == 1
    assert await revoke_sessions(shop.contexts[0], RevokeSessions(relation_reference="ANN", all=True)) == 2
    for token in tokens:
        assert await is_over(shop, app, token)


@pytest.mark.parametrize(
    "given", [{}, {"relation_reference": "ANN"}, {"relation_reference": "ANN", "all": True, "session_id": 1}]
)
async def test_what_is_to_end_has_to_be_said(shop: Shop, app: Context, given: dict[str, Any]) -> None:
    await sign_in(app)
    before = await contents(app)
    with pytest.raises(TesseraError) as refused:
        await revoke_sessions(shop.contexts[0], RevokeSessions(**given))
    assert refused.value.code == "999"
    assert await contents(app) == before


async def test_an_app_signs_out_with_any_of_its_refresh_tokens(shop: Shop, app: Context) -> None:
    first = await sign_in(app)
    second = await refreshed(app, first)
    assert [await end_session(app, first.refresh_token) for _ in range(2)] == [1, 0]
    assert await is_over(shop, app, second)


async def test_a_new_password_ends_all_sessions_but_the_one_that_sets_it(shop: Shop, app: Context) -> None:
    for change in ("set", "import"):
        tokens, bob = [await sign_in(app), await sign_in(app)], await sign_in(app, "BOB")
        if change == "set":
            ann = await session_of(shop, tokens[0])
            await set_password(ann, SetPassword(password="another horse", old_password=PASSWORD))
        else:
            await import_secret(shop.contexts[0], ImportSecret(relation_reference="ANN", secret=PASSWORD))
        shop.later(seconds=1)
        assert [await is_over(shop, app, one) for one in tokens] == [change == "import", True]
        assert await access_code(shop.services, bob) == "000"
        await login(shop.contexts[0], "ANN", "another horse" if change == "set" else PASSWORD)
        if change == "set":
            await import_secret(shop.contexts[0], ImportSecret(relation_reference="ANN", secret=PASSWORD))


@pytest.mark.parametrize("status", [2, 3, 4, 6])
async def test_a_status_that_keeps_a_member_out_ends_its_sessions(shop: Shop, app: Context, status: int) -> None:
    tokens = await sign_in(app)
    await set_status(shop.contexts[0], "ANN", status)
    shop.later(seconds=1)
    assert await is_over(shop, app, tokens)
    if status != 4:
        await set_status(shop.contexts[0], "ANN", 1)
        assert await is_over(shop, app, tokens)


async def test_guessing_at_a_password_signs_nobody_out(shop: Shop, app: Context) -> None:
    tokens = await sign_in(app)
    assert [await tried(shop.contexts[0], "ANN", "wrong wrong") for _ in range(6)] == ["117"] * 5 + ["116"]
    shop.later(seconds=1)
    assert await access_code(shop.services, tokens) == "000"
    assert await refresh_code(app, tokens) == "000"


async def test_an_erased_member_is_signed_out_and_nothing_of_its_sessions_is_left(shop: Shop, app: Context) -> None:
    tokens = await sign_in(app)
    await erase_member(shop.contexts[0], "ANN")
    shop.later(seconds=1)
    assert await is_over(shop, app, tokens)
    assert await app.read(lambda tx: tx.execute(select(member_session)).all()) == []


async def test_who_was_merged_is_signed_out_and_who_answers_is_not(shop: Shop, app: Context) -> None:
    ann, bob = await sign_in(app), await sign_in(app, "BOB")
    merge = await merge_members(shop.contexts[0], MergeMembers(victim="ANN", survivor="BOB"))
    shop.later(seconds=1)
    assert await is_over(shop, app, ann)
    assert await access_code(shop.services, bob) == "000"
    await undo_merge(shop.contexts[0], merge.id)
    assert await is_over(shop, app, ann)
    assert await refresh_code(app, bob) == "000"


async def test_a_reset_of_the_credential_ends_access_tokens_and_keeps_sessions(shop: Shop, app: Context) -> None:
    tokens = await sign_in(app)
    shop.credentials[0] = await reset_credential(shop.contexts[0])
    assert await access_code(shop.services, tokens) == "401"
    fresh = await refreshed(await app_of(shop), tokens)
    assert await access_code(shop.services, fresh) == "000"


def test_members_may_end_sessions_and_begin_none() -> None:
    member = Principal(kind=PrincipalKind.MEMBER, actor="m", permissions=MEMBER_PERMISSIONS)
    member.require(Permission.SESSION_REVOKE)
    with pytest.raises(Forbidden):
        member.require(Permission.SESSION_START)
