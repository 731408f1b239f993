"""Tokens: the same bytes until they lapse, dead at once after a reset, bound where they say so."""

import asyncio

import jwt
import pytest

from domain.access import PrincipalKind
from domain.crypto import KeyRing
from domain.errors import InvalidRequest, Unauthorized
from domain.signing import KeyName
from resolvers.context import Services
from resolvers.erasure import erase_member
from resolvers.member import EnrollMember, enroll_member
from resolvers.program import list_credentials, reset_credential
from resolvers.token import AccessToken, IssueToken, authenticate, issue_token
from tests.resolvers.conftest import Shop


async def token_of(shop: Shop, *, scope: str | None = None, services: Services | None = None) -> AccessToken:
    issued = shop.credentials[0]
    command = IssueToken(
        grant_type="client_credentials",
        client_id=issued.client_id,
        client_secret=issued.client_secret,
        scope=scope,
    )
    return await issue_token(services or shop.services, command)


def another_worker(shop: Shop) -> Services:
    """The services of a second process on the same database."""
    one = shop.services
    return Services(db=one.db, clock=one.clock, keys=one.keys, programs=one.programs, environment="sandbox")


async def test_the_same_bytes_until_it_lapses_on_any_worker(shop: Shop) -> None:
    first = await token_of(shop)
    shop.later(minutes=29)
    assert (await token_of(shop, services=another_worker(shop))).token == first.token
    shop.later(seconds=31)
    renewed = await token_of(shop)
    assert renewed.token != first.token
    assert (await authenticate(shop.services, first.token)).kind is PrincipalKind.PROGRAM
    shop.later(seconds=29)
    with pytest.raises(Unauthorized):
        await authenticate(shop.services, first.token)


async def test_twenty_at_once_get_the_same_token(shop: Shop) -> None:
    tokens = await asyncio.gather(*(token_of(shop) for _ in range(20)))
    assert len({one.token for one in tokens}) == 1


async def test_a_reset_kills_earlier_tokens_here_at_once_and_elsewhere_within_a_second(shop: Shop) -> None:
    token = (await token_of(shop)).token
    elsewhere = another_worker(shop)
    await authenticate(elsewhere, token)
    fresh = await reset_credential(shop.contexts[0])
    with pytest.raises(Unauthorized):
        await authenticate(shop.services, token)
    shop.later(seconds=1)
    with pytest.raises(Unauthorized):
        await authenticate(elsewhere, token)
    with pytest.raises(Unauthorized):
        await token_of(shop)
    shop.credentials[0] = fresh
    assert (await token_of(shop)).token != token


async def test_the_first_token_after_a_reset_is_good_everywhere_at_once(shop: Shop) -> None:
    elsewhere = another_worker(shop)
    await authenticate(elsewhere, (await token_of(shop)).token)
    shop.credentials[0] = await reset_credential(shop.contexts[0])
    await authenticate(elsewhere, (await token_of(shop)).token)


async def test_credentials_are_tracked(shop: Shop) -> None:
    shop.later(days=1)
    await reset_credential(shop.contexts[0])
    newest, first = await list_credentials(shop.contexts[0])
    assert (newest.generation, newest.revoked_at, newest.created_by) == (2, None, "test")
    assert first.revoked_at == shop.now


async def test_a_clock_put_back_does_not_lock_the_program_out(shop: Shop) -> None:
    shop.later(minutes=40)
    await token_of(shop)
    shop.later(minutes=-40)
    await authenticate(shop.services, (await token_of(shop)).token)


@pytest.mark.parametrize("scope", ['["LOGIN","M1"]', "['LOGIN', 'M1']", '["LOGIN", "M1"]'])
async def test_a_scope_binds_the_token_to_one_member(shop: Shop, scope: str) -> None:
    await enroll_member(shop.contexts[0], EnrollMember(values={"relation_reference": "M1"}))
    principal = await authenticate(shop.services, (await token_of(shop, scope=scope)).token)
    assert (principal.kind, principal.member_reference) == (PrincipalKind.MEMBER, "M1")


@pytest.mark.parametrize(
    "scope", ["LOGIN", '["LOGIN"]', '["ADMIN","M1"]', '["LOGIN","nobody"]', '["LOGIN","a\\u0000b"]', "[" * 5000]
)
async def test_a_bad_scope_is_refused(shop: Shop, scope: str) -> None:
    with pytest.raises(InvalidRequest):
        await token_of(shop, scope=scope)


@pytest.mark.parametrize("change", ["alg", "kid", "key", "claim", "audience"])
async def test_a_forged_token_is_refused(shop: Shop, change: str) -> None:
    real = (await token_of(shop)).token
    claims = jwt.decode(real, options={"verify_signature": False})
    headers = {name: value for name, value in jwt.get_unverified_header(real).items() if name != "alg"}
    name = KeyName("sandbox", 1, "HS512")
    key = shop.services.keys.signing_key(name)
    algorithm = "HS512"
    if change == "alg":
        algorithm = "HS256"
    elif change == "kid":
        headers["kid"] = "live-1"
    elif change == "key":
        key = KeyRing("another secret of 32 characters!!").signing_key(name)
    elif change == "claim":
        del claims["generation"]
    else:
        claims["aud"] = "somebody"
    forged = jwt.encode(claims, key, algorithm, headers=headers)
    with pytest.raises(Unauthorized):
        await authenticate(shop.services, forged)


async def test_wrong_client_and_wrong_secret_are_refused_alike(shop: Shop) -> None:
    issued = shop.credentials[0]
    refusals = []
    for client_id, secret in ((issued.client_id, "wrong"), ("wrong", issued.client_secret)):
        with pytest.raises(Unauthorized) as refusal:
            await issue_token(
                shop.services,
                IssueToken(grant_type="client_credentials", client_id=client_id, client_secret=secret),
            )
        refusals.append(refusal.value.text)
    assert refusals[0] == refusals[1]


async def test_an_erased_members_token_does_not_reach_who_has_its_reference_next(shop: Shop) -> None:
    ctx, scope = shop.contexts[0], '["LOGIN", "ANN"]'
    ann = EnrollMember(values={"relation_reference": "ANN", "status": 1})
    await enroll_member(ctx, ann)
    old = (await token_of(shop, scope=scope)).token
    elsewhere = another_worker(shop)
    for services in (shop.services, elsewhere):
        assert (await authenticate(services, old)).member_reference == "ANN"
    await erase_member(ctx, "ANN")
    await enroll_member(ctx, ann)
    with pytest.raises(Unauthorized):
        await authenticate(shop.services, old)
    shop.later(seconds=1)
    with pytest.raises(Unauthorized):
        await authenticate(elsewhere, old)
    # Another member's token, and the next one of this reference, are as good as ever.
    new = (await token_of(shop, scope=scope)).token
    assert new != old
    for services in (shop.services, elsewhere):
        assert (await authenticate(services, new)).member_reference == "ANN"
