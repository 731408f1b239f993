"""Signatures of access tokens: made with the key in force, checked with the one that the token names."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from sqlalchemy import Connection

from domain.errors import Unauthorized
from domain.signing import LONGEST_LIFE, SKEW_S, KeyName, Rotation, read_kid
from domain.store.deployment import read_rotation
from resolvers.context import Services

ISSUER = "tessera"
AUDIENCE = "tessera-api"

_CLAIMS = ["iss", "aud", "sub", "iat", "exp", "jti", "program", "partition", "environment", "generation"]
_MAX_TOKEN = 4096


def key_in_force(tx: Connection, services: Services, environment: str) -> KeyName:
    """The key that signs the next token of an environment, under the algorithm of this deployment."""
    return KeyName(environment, read_rotation(tx, environment).number, services.token_algorithm)


def sign(services: Services, claims: dict[str, Any], kid: str) -> str:
    """The token with these claims: the same bytes wherever it is made."""
    name = read_kid(kid)
    assert name is not None  # noqa: S101 - `kid` was made by `key_in_force`
    headers = {"kid": kid, "typ": "at+jwt"}
    return jwt.encode(claims, services.keys.signing_key(name), name.algorithm, headers=headers)


async def read_token(
    services: Services, token: str, served: tuple[str, ...], now: datetime
) -> tuple[dict[str, Any], datetime]:
    """The claims of a token whose signature holds, and when it lapses. Raises Unauthorized.

    `served` are the environments whose tokens are accepted here.
    """
    try:
        name = read_kid(jwt.get_unverified_header(token).get("kid")) if len(token) <= _MAX_TOKEN else None
        if name is None or name.environment not in served:
            raise Unauthorized
        claims = jwt.decode(
            token,
            services.keys.checking_key(name),
            # The key decides, never the token: a key of one algorithm must not be taken for one of another.
            algorithms=[name.algorithm],
            audience=AUDIENCE,
            issuer=ISSUER,
            # The process has one clock, which is checked below and on every later call.
            options={"require": _CLAIMS, "verify_exp": False, "verify_iat": False},
        )
        lapses_at = _lapse(claims, name, now)
    except (jwt.PyJWTError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise Unauthorized from error
    # Only now may it cost a look at the database: who has no key of ours gets no further.
    good_until = await _good_until(services, name, now)
    return claims, lapses_at if good_until is None else min(lapses_at, good_until)


def _lapse(claims: dict[str, Any], name: KeyName, now: datetime) -> datetime:
    issued, lapses = (datetime.fromtimestamp(claims[one], UTC) for one in ("iat", "exp"))
    is_early = issued > now + timedelta(seconds=SKEW_S)
    if name.environment != claims["environment"] or is_early or lapses - issued > LONGEST_LIFE:
        raise Unauthorized
    return lapses


async def _good_until(services: Services, name: KeyName, now: datetime) -> datetime | None:
    """When the key stops being accepted, None for one in force. Raises Unauthorized for one not yet in force."""
    rotation = services.access.rotation(name.environment, now)
    if rotation is None or name.number > rotation.number:
        # A token under a newer key than this process knows of: another one has just put it in force.
        rotation = await _ask(services, name.environment, now)
    if name.number > rotation.number:
        raise Unauthorized
    return rotation.good_until(name.number)


async def _ask(services: Services, environment: str, now: datetime) -> Rotation:
    rotation = await services.db.read(lambda tx: read_rotation(tx, environment))
    services.access.remember_rotation(environment, rotation, now)
    return rotation
