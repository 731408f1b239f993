"""Use cases of the keys that sign access tokens: put the next one in force, list those that count."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import InvalidRequest
from domain.signing import KeyName, Rotation
from domain.store import audit
from domain.store.deployment import insert_signing_key, read_rotation
from resolvers.context import Context
from resolvers.token import ENVIRONMENTS

_LAST = 9999


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKey:
    """A key by its name. `in_force_at` is None for the first, `accepted_until` for the one in force."""

    kid: str
    environment: str
    in_force_at: datetime | None
    accepted_until: datetime | None


async def rotate_signing_key(ctx: Context, environment: str | None = None) -> SigningKey:
    """Put the next key of an environment in force; tokens that the former one signed are good until they lapse.

    None is the usual environment of the deployment. Raises Forbidden, InvalidRequest.
    """
    chosen = _served(ctx, environment)
    now = ctx.services.clock()

    def body(tx: Connection) -> Rotation:
        before = read_rotation(tx, chosen)
        if before.number >= _LAST:
            raise InvalidRequest(f"environment: {chosen} has no further key", field="environment")
        after = Rotation((*before.starts, now))
        insert_signing_key(tx, chosen, after.number, now)
        name, former = (_key(ctx, chosen, one, after).kid for one in (after.number, before.number))
        audit.record(
            tx,
            audit.DEPLOYMENT,
            now=now,
            actor=ctx.principal,
            action="signing-key.rotate",
            subject=f"signing-key:{chosen}",
            before={"kid": former},
            after={"kid": name},
        )
        return after

    rotation = await ctx.write(body)
    ctx.services.access.remember_rotation(chosen, rotation, now)
    return _key(ctx, chosen, rotation.number, rotation)


async def list_signing_keys(ctx: Context) -> list[SigningKey]:
    """The keys in force and those whose tokens are still accepted, newest first. Raises Forbidden."""
    ctx.principal.require(Permission.PROGRAM_CREATE)
    now = ctx.services.clock()
    environments = ENVIRONMENTS[ctx.services.environment]
    rotations = await ctx.read(lambda tx: {one: read_rotation(tx, one) for one in environments})
    keys = [
        _key(ctx, environment, number, rotation)
        for environment, rotation in rotations.items()
        for number in range(rotation.number, 0, -1)
    ]
    return [key for key in keys if key.accepted_until is None or key.accepted_until > now]


def _served(ctx: Context, environment: str | None) -> str:
    ctx.principal.require(Permission.PROGRAM_CREATE)
    served = ENVIRONMENTS[ctx.services.environment]
    if environment is not None and environment not in served:
        raise InvalidRequest(f"environment: only {' or '.join(served)}", field="environment")
    return environment or served[0]


def _key(ctx: Context, environment: str, number: int, rotation: Rotation) -> SigningKey:
    return SigningKey(
        kid=KeyName(environment, number, ctx.services.token_algorithm).kid,
        environment=environment,
        in_force_at=rotation.starts[number - 2] if number > 1 else None,
        accepted_until=rotation.good_until(number),
    )
