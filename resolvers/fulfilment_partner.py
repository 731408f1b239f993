"""Use cases of partners who fulfil orders by webhook: kept with their secrets, which are shown once."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row

from domain.access import Permission
from domain.catalog_errors import PartnerNotFound
from domain.errors import InvalidRequest, ServiceUnavailable
from domain.store import audit
from domain.store import catalog as store
from domain.webhook import new_secret
from resolvers.context import Context

MAX_PARTNERS = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,49}")


@dataclass(frozen=True, kw_only=True, slots=True)
class SavePartner:
    """A partner as it is to be. `rotate_secret`: it gets a new secret, and the former one is good no longer."""

    name: str
    url: str
    enabled: bool = True
    rotate_secret: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Partner:
    """A partner as it is kept. `secret` only where it was made just now."""

    name: str
    url: str
    enabled: bool
    secret: str | None = field(default=None, repr=False)


async def save_partner(ctx: Context, command: SavePartner) -> Partner:
    """Keep a partner, or change the one of its name; a new one is given its secret.

    Raises Forbidden, InvalidRequest, WebhookAddressRefused, ServiceUnavailable (a process that posts nothing).
    """
    ctx.principal.require(Permission.CREDENTIAL_WRITE)
    if not _NAME.fullmatch(command.name):
        raise InvalidRequest("name: letters, digits, blanks, -, _ and ., at most 50", field="name")
    if ctx.services.carrier is None:
        raise ServiceUnavailable("this process posts nothing")
    ctx.services.carrier.check(command.url)
    secret, program_id = new_secret(), ctx.principal.program

    def body(tx: Connection) -> Partner:
        before = store.find_partner(tx, program_id, command.name, lock=True)
        if before is None and len(store.list_partners(tx, program_id)) >= MAX_PARTNERS:
            raise InvalidRequest(f"a program has at most {MAX_PARTNERS} partners", field="name")
        is_new = before is None or command.rotate_secret
        sealed = ctx.services.keys.seal_voucher(secret) if before is None or is_new else before.secret
        values = {"program_id": program_id, "name": command.name, "url": command.url, "enabled": command.enabled}
        store.save_partner(tx, values | {"secret": sealed})
        after = Partner(name=command.name, url=command.url, enabled=command.enabled)
        _record(tx, ctx, "fulfilment-partner.save", command.name, before, _told(after) | {"new_secret": is_new})
        return replace(after, secret=secret if is_new else None)

    return await ctx.write(body)


async def remove_partner(ctx: Context, name: str) -> None:
    """Forget a partner and its secret. Raises Forbidden, PartnerNotFound."""
    ctx.principal.require(Permission.CREDENTIAL_WRITE)

    def body(tx: Connection) -> None:
        before = store.find_partner(tx, ctx.principal.program, name, lock=True)
        if before is None:
            raise PartnerNotFound
        store.remove_partner(tx, ctx.principal.program, name)
        _record(tx, ctx, "fulfilment-partner.remove", name, before, None)

    await ctx.write(body)


async def list_partners(ctx: Context) -> list[Partner]:
    """The partners of the program, by name. Raises Forbidden."""
    ctx.principal.require(Permission.CREDENTIAL_READ)
    rows = await ctx.read(lambda tx: store.list_partners(tx, ctx.principal.program))
    return [Partner(name=row.name, url=row.url, enabled=row.enabled) for row in rows]


def _told(one: Partner | Row[Any]) -> dict[str, Any]:
    return {"url": one.url, "enabled": one.enabled}


def _record(tx: Connection, ctx: Context, action: str, name: str, before: Row[Any] | None, after: Any) -> None:
    audit.record(
        tx,
        ctx.principal.program,
        now=ctx.services.clock(),
        actor=ctx.principal,
        action=action,
        subject=f"fulfilment-partner:{name}",
        before=None if before is None else _told(before),
        after=after,
    )
