"""Failed attempts to get a token are limited, and nobody is locked out for what another did."""

from dataclasses import replace

import pytest

from domain.errors import TooManyRequests, Unauthorized
from resolvers.rate import ADDRESS, CLIENT, PAIR
from resolvers.rate_share import RateShares
from resolvers.token import IssueToken, issue_token
from tests.resolvers.conftest import Shop
from tests.resolvers.test_rate import buckets, token_of


async def test_whoever_fails_too_often_is_not_listened_to_and_nobody_else_is_locked_out(shop: Shop) -> None:
    async def failures(client_id: str) -> int:
        count, waits = 0, []
        for _ in range(2 * PAIR.burst):
            try:
                await token_of(shop, client_id=client_id, client_secret="wrong")
            except Unauthorized:
                count += 1
            except TooManyRequests as refusal:
                waits.append(refusal.retry_after_s)
        assert set(waits) == {3}
        return count

    # Nothing tells which of the two there is.
    assert await failures(shop.credentials[0].client_id) == PAIR.burst
    assert await failures("unknown") == PAIR.burst
    worker = replace(shop.services, rates=RateShares())
    issued = shop.credentials[0]
    right = IssueToken(
        grant_type="client_credentials",
        client_id=issued.client_id,
        client_secret=issued.client_secret,
        address="203.0.113.7",
    )
    for services in (shop.services, worker):
        with pytest.raises(TooManyRequests):
            await issue_token(services, right)
        await issue_token(services, replace(right, address="203.0.113.8"))
    await token_of(shop, program=1)
    shop.later(seconds=3)
    await issue_token(worker, right)


async def test_failures_are_limited_for_each_address_and_for_each_client(shop: Shop) -> None:
    async def failures(attempts: list[tuple[str, str]]) -> int:
        count = 0
        for client_id, address in attempts:
            try:
                await token_of(shop, client_id=client_id, client_secret="wrong", address=address)
            except Unauthorized:
                count += 1
            except TooManyRequests:
                continue
        return count

    many = range(2 * ADDRESS.burst)
    assert await failures([(f"guess-{one}", f"2001:db8::{one:x}") for one in many]) == ADDRESS.burst
    assert await failures([("guess", f"10.0.{one}.1") for one in many]) == CLIENT.burst
    # A right secret is never refused for what others did.
    await token_of(shop, address="2001:db8::ffff")


async def test_tokens_that_are_asked_for_rightly_are_never_limited(shop: Shop) -> None:
    tokens = {await token_of(shop) for _ in range(5 * PAIR.burst)}
    assert (len(tokens), await buckets(shop)) == (1, 0)
