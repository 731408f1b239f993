"""Use cases of programs, their credentials and administrators' tokens."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from domain.access import ROLES, Permission, PrincipalKind
from domain.change_request import CREDENTIAL_RESET, DONE
from domain.crypto import hash_secret
from domain.errors import ApprovalNeeded, InvalidRequest
from domain.ids import new_token
from domain.models.types import to_json
from domain.rules.model import DEFAULT_SEGMENTS, Configuration, ProgramTerms
from domain.rules.render import to_document
from domain.store import audit
from domain.store.change_request import find_approved, update_change
from domain.store.credential import insert_admin_token, replace_credential
from domain.store.credential import list_credentials as list_stored_credentials
from domain.store.origin import replace_origins
from domain.store.outbox import add_events
from domain.store.program import digest_of, find_program_row, insert_program, list_program_rows, lock_program
from resolvers.approving import needs_approval
from resolvers.configuration import (
    AppliedConfiguration,
    apply_configuration,
    get_configuration,
)
from resolvers.context import Context, Services
from resolvers.token import ADMIN_PREFIX, ENVIRONMENTS

__all__ = [
    "AppliedConfiguration",
    "CredentialRecord",
    "IssuedCredential",
    "Program",
    "ProgramTerms",
    "apply_configuration",
    "create_admin_token",
    "create_program",
    "get_configuration",
    "get_program",
    "get_program_terms",
    "go_live",
    "list_credentials",
    "list_environment_programs",
    "list_programs",
    "reset_credential",
]

_MAX_NAME = 100
# Control characters, and those that turn the direction of the text that follows: both deceive whoever reads a list.
_UNSHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A program in one environment. `id` is the partition, `public_id` what integrators know."""

    id: int
    public_id: int
    environment: str
    name: str
    config_version: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedCredential:
    """A fresh credential; the only place where the secret is ever shown."""

    program_id: int
    environment: str
    client_id: str
    client_secret: str
    publishable_key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CredentialRecord:
    """A credential as tracked: who made it and when, and when it died."""

    client_id: str
    publishable_key: str
    generation: int
    created_at: datetime
    created_by: str
    revoked_at: datetime | None


async def create_program(ctx: Context, name: str) -> IssuedCredential:
    """Make a program in the sandbox, with its first credential. Raises Forbidden, InvalidRequest."""
    ctx.principal.require(Permission.PROGRAM_CREATE)
    if not 0 < len(name.strip()) <= _MAX_NAME:
        raise InvalidRequest("name: 1 to 100 characters", field="name")
    if any(unicodedata.category(one) in _UNSHOWN or unicodedata.bidirectional(one) in _TURNING for one in name):
        raise InvalidRequest("name: no control characters", field="name")
    document = to_document(Configuration(segments=DEFAULT_SEGMENTS))
    return await ctx.write(lambda tx: _open(tx, ctx, name.strip(), None, "sandbox", document))


async def go_live(ctx: Context) -> IssuedCredential:
    """Open the live environment of the caller's program, with the sandbox's configuration.

    Raises Forbidden, SecondFactorNeeded, InvalidRequest (a sandbox deployment, or live already).
    """
    ctx.principal.require(Permission.PROGRAM_CREATE)
    ctx.principal.require_proof()
    if "live" not in ENVIRONMENTS[ctx.services.environment]:
        raise InvalidRequest("a sandbox deployment has no live environment")

    def body(tx: Connection) -> IssuedCredential:
        state = ctx.program(tx)
        if find_program_row(tx, state.public_id, "live") is not None:
            raise InvalidRequest("the program is live already")
        return _open(tx, ctx, state.name, state.public_id, "live", dict(state.document))

    return await ctx.write(body)


def _open(
    tx: Connection, ctx: Context, name: str, public_id: int | None, environment: str, document: dict[str, Any]
) -> IssuedCredential:
    now, actor = ctx.services.clock(), ctx.principal.actor
    partition, number = insert_program(
        tx,
        public_id=public_id,
        environment=environment,
        name=name,
        document=document,
        digest=digest_of(document),
        now=now,
        actor=actor,
    )
    replace_origins(tx, partition, document["program"].get("allowed_origins", ()))
    after = {"public_id": number, "environment": environment, "name": name}
    ctx.audit(tx, "program.create", f"program:{number}", after=after, program=partition)
    return _issue(tx, ctx, partition, number, environment, 1)


def _issue(
    tx: Connection, ctx: Context, partition: int, number: int, environment: str, generation: int
) -> IssuedCredential:
    now, actor = ctx.services.clock(), ctx.principal.actor
    issued = IssuedCredential(
        program_id=number,
        environment=environment,
        client_id=new_token(f"tc_{environment}", 16),
        client_secret=new_token("ts"),
        publishable_key=new_token(f"tp_{environment}", 16),
    )
    former = next((one for one in list_stored_credentials(tx, partition) if one.revoked_at is None), None)
    before = None if former is None else {"client_id": former.client_id, "generation": former.generation}
    replace_credential(
        tx,
        partition,
        generation=generation,
        client_id=issued.client_id,
        secret_hash=hash_secret(issued.client_secret),
        publishable_key=issued.publishable_key,
        now=now,
        actor=actor,
    )
    after = {"client_id": issued.client_id, "generation": generation}
    action = "credential.create" if generation == 1 else "credential.reset"
    ctx.audit(tx, action, f"program:{number}", before=before, after=after, program=partition)
    add_events(tx, partition, [{"topic": action, "payload": to_json({"generation": generation}), "created_at": now}])
    return issued


async def reset_credential(ctx: Context) -> IssuedCredential:
    """New client id and secret for the caller's program; every earlier token dies at once.

    Raises Forbidden, SecondFactorNeeded, ApprovalNeeded.
    """
    ctx.principal.require(Permission.CREDENTIAL_WRITE)
    ctx.principal.require_proof()

    def body(tx: Connection) -> IssuedCredential:
        row = lock_program(tx, ctx.principal.program)
        if needs_approval(ctx, ctx.program(tx), CREDENTIAL_RESET):
            _use_approval(tx, ctx)
        return _issue(tx, ctx, row.id, row.public_id, row.environment, row.credential_generation + 1)

    issued = await ctx.write(body)
    ctx.services.access.forget_program(ctx.principal.program)
    return issued


def _use_approval(tx: Connection, ctx: Context) -> None:
    """Use up what a second administrator approved. Raises ApprovalNeeded."""
    approved = find_approved(tx, ctx.principal.program, CREDENTIAL_RESET, ctx.principal.actor)
    if approved is None:
        raise ApprovalNeeded("the program has credential_reset approved")
    update_change(tx, ctx.principal.program, approved.id, {"status": DONE})


async def list_credentials(ctx: Context) -> list[CredentialRecord]:
    """Every credential that the program ever had, newest first. Raises Forbidden."""
    ctx.principal.require(Permission.CREDENTIAL_READ)
    rows = await ctx.read(lambda tx: list_stored_credentials(tx, ctx.principal.program))
    return [
        CredentialRecord(
            client_id=row.client_id,
            publishable_key=row.publishable_key,
            generation=row.generation,
            created_at=row.created_at,
            created_by=row.created_by,
            revoked_at=row.revoked_at,
        )
        for row in rows
    ]


async def list_programs(ctx: Context) -> list[Program]:
    """The programs that the caller may see: a program itself, an administrator all of the deployment."""
    if ctx.principal.kind in {PrincipalKind.PROGRAM, PrincipalKind.MEMBER}:
        return [await get_program(ctx)]
    ctx.principal.require(Permission.CONFIGURATION_READ)
    return list(await list_environment_programs(ctx.services))


async def get_program(ctx: Context) -> Program:
    """The caller's program. Raises Forbidden, ProgramNotFound."""

    def body(tx: Connection) -> Program:
        state = ctx.program(tx)
        return Program(
            id=state.id,
            public_id=state.public_id,
            environment=state.environment,
            name=state.name,
            config_version=state.config_version,
            created_at=state.created_at,
        )

    return await ctx.read(body)


async def get_program_terms(ctx: Context) -> ProgramTerms:
    """What the caller's program says about itself, from the cache: `authenticate` renews it every second."""
    cached = ctx.services.programs.peek(ctx.principal.program)
    if cached is not None:
        return cached.terms
    return (await ctx.read(ctx.program)).terms


async def list_environment_programs(services: Services) -> Sequence[Program]:
    """Every program that this deployment serves, for jobs, administrators and the command line."""
    rows = await services.db.read(lambda tx: list_program_rows(tx, ENVIRONMENTS[services.environment]))
    return [_program(row) for row in rows]


def _program(row: Row[Any]) -> Program:
    return Program(
        id=row.id,
        public_id=row.public_id,
        environment=row.environment,
        name=row.name,
        config_version=row.config_version,
        created_at=row.created_at,
    )


async def create_admin_token(ctx: Context, role: str, ttl_days: int = 30) -> str:
    """A token for administration through GraphQL, shown once. Raises Forbidden, InvalidRequest."""
    ctx.principal.require(Permission.PROGRAM_CREATE)
    if role not in ROLES:
        raise InvalidRequest(f"role: one of {', '.join(ROLES)}", field="role")
    if not 0 < ttl_days <= 365:
        raise InvalidRequest("ttl_days: 1 to 365", field="ttl_days")
    token, now = new_token(ADMIN_PREFIX), ctx.services.clock()
    actor = f"admin:{hash_secret(token).hex()[:12]}"

    def body(tx: Connection) -> None:
        insert_admin_token(
            tx,
            token_hash=hash_secret(token),
            role=role,
            actor=actor,
            now=now,
            expires_at=now + timedelta(days=ttl_days),
        )
        audit.record(
            tx,
            audit.DEPLOYMENT,
            now=now,
            actor=ctx.principal,
            action="admin-token.create",
            subject=actor,
            after={"role": role, "ttl_days": ttl_days},
        )

    await ctx.write(body)
    return token
