"""Use cases of partners' own SFTP servers: keep them, visit them when they are due, remember what went."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, Row

from domain.access import Permission, system_principal
from domain.errors import RedemptionNotFound
from domain.ids import new_token
from domain.models import partner_server
from domain.partner_server import PartnerSecret, PartnerServer
from domain.program_zone import load_zone
from domain.store import audit
from domain.store import partner_server as store
from domain.store.ids import allocate_ids
from resolvers.context import Context, Services
from resolvers.program import list_environment_programs

LEASE = timedelta(minutes=2)
"""After so long without a sign of life of its visitor, a server is visited by another process."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownServer:
    """A partner's server as it is kept; never its secret. `outcome`: what the last visit came to."""

    id: int
    server: PartnerServer
    enabled: bool
    next_visit_at: datetime
    visited_at: datetime | None
    failures: int
    outcome: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Went:
    """A file that went either way. `modified_at` in the unit of who was asked; no `sha256`: it was refused."""

    size: int
    modified_at: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """A visit to make, on behalf of a program: whom, with what, and what went before by `pull:` or `push:` and path."""

    ctx: Context
    known: KnownServer
    secret: PartnerSecret
    went: dict[str, Went]


async def save_partner_server(
    ctx: Context, server: PartnerServer, secret: PartnerSecret | None, *, enabled: bool = True
) -> KnownServer:
    """Keep a server, or change the one of its name; without a secret that keeps the one it has. It is due at once.

    Raises Forbidden, SecondFactorNeeded, BadRequest.
    """
    ctx.principal.require(Permission.CREDENTIAL_WRITE)
    ctx.principal.require_proof()
    server.check()
    if secret is not None:
        secret.check()

    def body(tx: Connection) -> KnownServer:
        before = store.find_server(tx, ctx.principal.program, server.name)
        if before is None:
            # A new server without a secret is refused as one whose secret is missing.
            (secret or PartnerSecret()).check()
        terms = _to_terms(server)
        values = {
            "program_id": ctx.principal.program,
            "id": allocate_ids(tx, partner_server, ctx.principal.program, 1)[0] if before is None else before.id,
            "name": server.name,
            "terms": terms,
            "secret": before.secret if before is not None and secret is None else _seal(ctx, secret),
            "enabled": enabled,
            "next_visit_at": ctx.services.clock(),
            "failures": 0,
        }
        store.save_server(tx, values, ("terms", "secret", "enabled", "next_visit_at", "failures"))
        _record(tx, ctx, "partner-server.save", server.name, before, terms | {"enabled": enabled})
        return _find(tx, ctx, server.name)

    return await ctx.write(body)


async def remove_partner_server(ctx: Context, name: str) -> None:
    """Forget a server, its secret and what is known of its files. Raises Forbidden, RedemptionNotFound."""
    ctx.principal.require(Permission.CREDENTIAL_WRITE)

    def body(tx: Connection) -> None:
        row = _load(tx, ctx, name)
        store.remove_server(tx, ctx.principal.program, row.id)
        _record(tx, ctx, "partner-server.remove", name, row, None)

    await ctx.write(body)


async def request_visit(ctx: Context, name: str) -> KnownServer:
    """Have a server visited as soon as may be. Raises Forbidden, RedemptionNotFound."""
    ctx.principal.require(Permission.CREDENTIAL_WRITE)
    now = ctx.services.clock()

    def body(tx: Connection) -> KnownServer:
        row = _load(tx, ctx, name)
        store.update_server(tx, ctx.principal.program, row.id, {"next_visit_at": now})
        return _find(tx, ctx, name)

    return await ctx.write(body)


async def list_partner_servers(ctx: Context) -> list[KnownServer]:
    """The servers of the caller's program, by name. Raises Forbidden."""
    ctx.principal.require(Permission.CREDENTIAL_READ)
    return await ctx.read(lambda tx: [_known(row) for row in store.list_servers(tx, ctx.principal.program)])


async def claim_visit(services: Services) -> Visit | None:
    """The server that has been due for the longest time, for this process alone; None where none is due."""
    now = services.clock()
    if not await services.db.read(lambda tx: store.has_due(tx, now)):
        return None
    programs = {one.id: one for one in await list_environment_programs(services)}

    def body(tx: Connection) -> tuple[Row[Any], Sequence[Row[Any]]] | None:
        row = store.claim_due(tx, list(programs), now, now + LEASE)
        return None if row is None else (row, store.visited_files(tx, row.program_id, row.id))

    claimed = await services.db.write(body)
    if claimed is None:
        return None
    row, files = claimed
    program = programs[row.program_id]
    principal = system_principal(program.id, program.public_id, program.environment, "system:visitor")
    return Visit(
        ctx=Context(services=services, principal=principal, source="file", request_id=new_token("visit", nbytes=8)),
        known=_known(row),
        secret=PartnerSecret(**orjson.loads(services.keys.open_partner(row.secret))),
        went={one.path: Went(size=one.size, modified_at=one.modified_at, sha256=one.sha256) for one in files},
    )


async def prolong_visit(visit: Visit) -> None:
    """Go on with a visit."""
    program, now = visit.ctx.principal.program, visit.ctx.services.clock()
    await visit.ctx.write(lambda tx: store.lease_server(tx, program, visit.known.id, now + LEASE))


async def remember_file(visit: Visit, path: str, went: Went) -> None:
    """Keep that a file went, under `pull:` or `push:` and its remote path."""
    values = {
        "program_id": visit.ctx.principal.program,
        "server_id": visit.known.id,
        "path": path,
        "at": visit.ctx.services.clock(),
    } | asdict(went)
    await visit.ctx.write(lambda tx: store.remember_file(tx, values))
    visit.went[path] = went


async def end_visit(visit: Visit, outcome: str, *, failed: bool) -> None:
    """Store what a visit came to, and when the next one is."""
    ctx, known, now = visit.ctx, visit.known, visit.ctx.services.clock()
    failures = known.failures + 1 if failed else 0

    def body(tx: Connection) -> None:
        zone = load_zone(ctx.program(tx).configuration.program.time_zone)
        server = known.server
        following = server.next_attempt(now, zone, failures) if failed else server.next_visit(now, zone)
        row = store.find_server(tx, ctx.principal.program, server.name)
        if row is None:
            return
        # One that was changed or asked for meanwhile is due as that says.
        due = following if row.next_visit_at == known.next_visit_at else row.next_visit_at
        values = {"next_visit_at": due, "failures": failures, "visited_at": now, "outcome": outcome}
        store.update_server(tx, ctx.principal.program, known.id, values | {"leased_until": None})

    await ctx.write(body)


def _load(tx: Connection, ctx: Context, name: str) -> Row[Any]:
    row = store.find_server(tx, ctx.principal.program, name)
    if row is None:
        raise RedemptionNotFound("no such server")
    return row


def _find(tx: Connection, ctx: Context, name: str) -> KnownServer:
    return _known(_load(tx, ctx, name))


def _known(row: Row[Any]) -> KnownServer:
    return KnownServer(
        id=row.id,
        server=_from_terms(row.name, row.terms),
        enabled=row.enabled,
        next_visit_at=row.next_visit_at,
        visited_at=row.visited_at,
        failures=row.failures,
        outcome=row.outcome,
    )


def _to_terms(server: PartnerServer) -> dict[str, Any]:
    terms = asdict(server)
    del terms["name"]
    return terms | {"daily_at": None if server.daily_at is None else server.daily_at.isoformat("minutes")}


def _from_terms(name: str, terms: dict[str, Any]) -> PartnerServer:
    daily_at = terms["daily_at"]
    return PartnerServer(
        name=name, **(terms | {"daily_at": None if daily_at is None else time.fromisoformat(daily_at)})
    )


def _seal(ctx: Context, secret: PartnerSecret | None) -> bytes:
    return ctx.services.keys.seal_partner(orjson.dumps(asdict(secret or PartnerSecret())).decode())


def _record(tx: Connection, ctx: Context, action: str, name: str, before: Row[Any] | None, after: Any) -> None:
    audit.record(
        tx,
        ctx.principal.program,
        now=ctx.services.clock(),
        actor=ctx.principal,
        action=action,
        subject=f"partner-server:{name}",
        before=None if before is None else before.terms | {"enabled": before.enabled},
        after=after,
    )
