"""Signing keys: rotated by name, bound to one algorithm, retired for good after the longest life of a token."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.access import Permission
from domain.crypto import KeyRing
from domain.errors import Forbidden, InvalidRequest, Unauthorized
from domain.models import audit_entry, signing_key
from domain.signing import ALGORITHMS, LONGEST_LIFE, SKEW_S, Algorithm, KeyName, read_kid
from resolvers.context import Context, Services
from resolvers.key_rotation import list_signing_keys, rotate_signing_key
from resolvers.token import IssueToken, authenticate, issue_token
from tests.resolvers.conftest import Shop, contents

RETIRED_FOR_GOOD = LONGEST_LIFE + timedelta(seconds=SKEW_S)


async def token_of(shop: Shop, services: Services | None = None) -> str:
    issued = shop.credentials[0]
    command = IssueToken(
        grant_type="client_credentials", client_id=issued.client_id, client_secret=issued.client_secret
    )
    return (await issue_token(services or shop.services, command)).token


def another_worker(shop: Shop, algorithm: Algorithm = "HS512") -> Services:
    """The services of a second process on the same database, with keys that it derived itself."""
    one = shop.services
    keys = KeyRing("a secret of thirty-two characters")
    return Services(
        db=one.db,
        clock=one.clock,
        keys=keys,
        programs=one.programs,
        environment="sandbox",
        token_algorithm=algorithm,
    )


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def signed(shop: Shop, like: str, name: KeyName, at: datetime, minutes: int = 30) -> str:
    """A token with the claims of another, made at some time with a key of the deployment."""
    claims = jwt.decode(like, options={"verify_signature": False})
    claims |= {"iat": int(at.timestamp()), "exp": int((at + timedelta(minutes=minutes)).timestamp())}
    key = shop.services.keys.signing_key(name)
    return jwt.encode(claims, key, name.algorithm, headers={"kid": name.kid, "typ": "at+jwt"})


async def test_after_a_rotation_former_tokens_are_good_until_they_lapse_and_new_ones_have_the_next_key(
    shop: Shop,
) -> None:
    former = await token_of(shop)
    elsewhere = another_worker(shop)
    await authenticate(elsewhere, former)
    key = await rotate_signing_key(shop.contexts[0])
    assert (kid_of(former), key.kid) == ("sandbox-1", "sandbox-2")
    # The platform hands out the same token until it lapses, across a rotation too.
    assert await token_of(shop, elsewhere) == former
    for services in (shop.services, elsewhere, another_worker(shop)):
        await authenticate(services, former)
    shop.later(minutes=29, seconds=31)
    renewed = await token_of(shop)
    assert kid_of(renewed) == "sandbox-2"
    assert await token_of(shop, elsewhere) == renewed
    await authenticate(elsewhere, renewed)
    shop.later(seconds=29)
    with pytest.raises(Unauthorized):
        await authenticate(elsewhere, former)


async def test_a_process_that_has_just_looked_accepts_the_next_key_at_once(shop: Shop) -> None:
    elsewhere = another_worker(shop)
    former = await token_of(shop)
    await authenticate(elsewhere, former)
    await rotate_signing_key(shop.contexts[0])
    fresh = signed(shop, former, KeyName("sandbox", 2, "HS512"), shop.now)
    await authenticate(elsewhere, fresh)


async def test_a_retired_key_is_refused_once_no_token_of_it_can_be_alive(shop: Shop) -> None:
    like = await token_of(shop)
    first = KeyName("sandbox", 1, "HS512")
    await rotate_signing_key(shop.contexts[0])
    shop.later(seconds=RETIRED_FOR_GOOD.total_seconds() - 1)
    last = signed(shop, like, first, shop.now)
    worker = another_worker(shop)
    await authenticate(worker, last)
    shop.later(seconds=1)
    for token in (last, signed(shop, like, first, shop.now)):
        with pytest.raises(Unauthorized):
            await authenticate(worker, token)
    await authenticate(worker, signed(shop, like, KeyName("sandbox", 2, "HS512"), shop.now))


async def test_a_key_that_is_not_in_force_yet_signs_nothing(shop: Shop) -> None:
    like = await token_of(shop)
    for number in (2, 9999):
        token = signed(shop, like, KeyName("sandbox", number, "HS512"), shop.now)
        with pytest.raises(Unauthorized):
            await authenticate(shop.services, token)


async def test_no_token_lives_longer_than_the_longest_life(shop: Shop) -> None:
    like, name = await token_of(shop), KeyName("sandbox", 1, "HS512")
    await authenticate(shop.services, signed(shop, like, name, shop.now, minutes=1440))
    with pytest.raises(Unauthorized):
        await authenticate(shop.services, signed(shop, like, name, shop.now, minutes=1441))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_either_algorithm_gives_the_same_bytes_on_any_worker_and_is_accepted_by_all(
    shop: Shop, algorithm: Algorithm
) -> None:
    one, two = another_worker(shop, algorithm), another_worker(shop, algorithm)
    token = await token_of(shop, one)
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    assert await token_of(shop, two) == token
    for services in (one, two, shop.services):
        await authenticate(services, token)


async def test_a_process_with_the_other_algorithm_hands_out_the_token_that_there_is(shop: Shop) -> None:
    token = await token_of(shop)
    other = another_worker(shop, "EdDSA")
    assert await token_of(shop, other) == token
    shop.later(minutes=30)
    renewed = await token_of(shop, other)
    assert kid_of(renewed) == "sandbox-1-ed25519"
    assert await token_of(shop) == renewed


async def test_an_algorithm_cannot_be_taken_for_another(shop: Shop) -> None:
    like = await token_of(shop)
    claims = jwt.decode(like, options={"verify_signature": False})
    hmac_name, pair_name = (KeyName("sandbox", 1, one) for one in ALGORITHMS)
    keys = shop.services.keys
    public = keys.checking_key(pair_name)
    assert isinstance(public, Ed25519PublicKey)
    published = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    forgeries: list[tuple[Any, str, str]] = [
        (published, "HS256", pair_name.kid),
        (keys.signing_key(pair_name), "EdDSA", hmac_name.kid),
        (keys.signing_key(hmac_name), "HS512", pair_name.kid),
        (keys.signing_key(hmac_name), "HS384", hmac_name.kid),
        (None, "none", hmac_name.kid),
        (None, "none", pair_name.kid),
    ]
    for key, algorithm, kid in forgeries:
        forged = jwt.encode(claims, key, algorithm, headers={"kid": kid})
        with pytest.raises(Unauthorized):
            await authenticate(shop.services, forged)


@pytest.mark.parametrize(
    "kid",
    ["", "sandbox", "sandbox-0", "sandbox-01", "sandbox-1-", "sandbox-1-hs", "sandbox-99999", "test-1", "sandbox-1\n"],
)
def test_what_names_no_key(kid: str) -> None:
    assert read_kid(kid) is None


async def test_the_keys_that_count_are_listed(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await rotate_signing_key(ctx)
    rotated = shop.now
    listed = [(key.kid, key.in_force_at, key.accepted_until) for key in await list_signing_keys(ctx)]
    assert listed == [("sandbox-2", rotated, None), ("sandbox-1", None, rotated + RETIRED_FOR_GOOD)]
    shop.later(seconds=RETIRED_FOR_GOOD.total_seconds())
    assert [key.kid for key in await list_signing_keys(ctx)] == ["sandbox-2"]


async def test_a_rotation_is_in_the_audit_trail_and_nothing_else_is_written(shop: Shop) -> None:
    before = await contents(shop.contexts[0])
    await rotate_signing_key(shop.contexts[0])
    after = await contents(shop.contexts[0])
    assert {name for name in after if after[name] != before[name]} == {signing_key.name, audit_entry.name}
    assert after[signing_key.name] == [("sandbox", 2, shop.now)]


async def test_what_may_not_be_rotated(shop: Shop) -> None:
    ctx = shop.contexts[0]
    before = await contents(ctx)
    principal = replace(ctx.principal, permissions=ctx.principal.permissions - {Permission.PROGRAM_CREATE})
    stranger = Context(services=ctx.services, principal=principal, source="test", request_id="-")
    for attempt in (rotate_signing_key(stranger), list_signing_keys(stranger)):
        with pytest.raises(Forbidden):
            await attempt
    for environment in ("live", "test", ""):
        with pytest.raises(InvalidRequest):
            await rotate_signing_key(ctx, environment)
    assert await contents(ctx) == before
