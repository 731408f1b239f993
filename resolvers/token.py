"""Use cases of access: hand out tokens, turn a presented token into a principal."""

import hmac
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, Row

from domain.access import MEMBER_PERMISSIONS, PROGRAM_PERMISSIONS, ROLES, Principal, PrincipalKind
from domain.crypto import hash_secret
from domain.errors import InvalidRequest, ProgramNotFound, Unauthorized
from domain.ids import new_reference
from domain.models.types import to_json
from domain.signing import LONGEST_LIFE, SKEW_S
from domain.store.credential import (
    credential_generation,
    find_access_token,
    find_admin_token,
    find_credential,
    lock_credential,
    store_access_token,
)
from domain.store.erasure import erased_since
from domain.store.member import find_members
from domain.store.program import find_program_row, list_program_rows
from domain.store.session import is_good
from resolvers.access_cache import FRESH, InForce, KnownToken
from resolvers.context import Services
from resolvers.lockout import lift_lapsed_lockouts
from resolvers.rate import admit, count_failure, refuse_guessing
from resolvers.signing import AUDIENCE, ISSUER, key_in_force, read_token, sign

ADMIN_PREFIX = "tadm"
ENVIRONMENTS = {"sandbox": ("sandbox",), "production": ("live", "sandbox")}
"""The environments of programs that a deployment serves, the usual one first."""

_NOBODY = bytes(32)


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueToken:
    """A client-credentials request. `scope` is the raw string, or None; `address` is where it came from."""

    grant_type: str
    client_id: str
    client_secret: str
    scope: str | None = None
    address: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessToken:
    """A signed token and when it lapses."""

    token: str
    expires_at: datetime
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class _Minted:
    """The claims of a token and the key that signs them."""

    claims: dict[str, Any]
    kid: str


async def issue_token(services: Services, command: IssueToken) -> AccessToken:
    """The client's token: the same bytes until it lapses, on any worker.

    Raises InvalidRequest (grant), TooManyRequests (failures), Unauthorized, InvalidRequest (scope).
    """
    if command.grant_type != "client_credentials":
        raise InvalidRequest("grant_type: only client_credentials", field="grant_type")
    now = services.clock()
    row = await services.db.read(lambda tx: _find_unless_guessing(tx, services, command, now))
    # An unknown client costs the same comparison, and gives the same answer.
    known = row.secret_hash if row is not None else _NOBODY
    matches = hmac.compare_digest(known, hash_secret(command.client_secret))
    served = ENVIRONMENTS[services.environment]
    if row is None or not matches or row.revoked_at is not None or row.environment not in served:
        await count_failure(services, command.client_id, command.address)
        raise Unauthorized
    reference = _read_scope(command.scope)
    scope = to_json(["LOGIN", reference]) if reference else ""
    minted, member_id = await services.db.read(lambda tx: _live_claims(tx, services, row, scope, reference, now))
    if minted is None:
        minted = await services.db.write(lambda tx: _mint(tx, services, row, scope, member_id, now))
    expires_at = datetime.fromtimestamp(minted.claims["exp"], UTC)
    return AccessToken(
        token=sign(services, minted.claims, minted.kid),
        expires_at=expires_at,
        expires_in_s=int((expires_at - now).total_seconds()),
    )


def _find_unless_guessing(tx: Connection, services: Services, command: IssueToken, now: datetime) -> Row[Any] | None:
    refuse_guessing(tx, services, command.client_id, command.address, now)
    return find_credential(tx, command.client_id)


def _read_scope(scope: str | None) -> str | None:
    """The member that the scope binds the token to. Raises InvalidRequest."""
    if scope is None or not scope.strip():
        return None
    text = scope.strip()
    try:
        parsed = orjson.loads(text if '"' in text else text.replace("'", '"'))
    except orjson.JSONDecodeError as error:
        raise InvalidRequest("scope: not a JSON array", field="scope") from error
    match parsed:
        case ["LOGIN", str(reference)] if 0 < len(reference) <= 100 and reference.isprintable():
            return reference
    raise InvalidRequest('scope: only ["LOGIN", "<RelationReference>"]', field="scope")


def _live_claims(
    tx: Connection, services: Services, row: Row[Any], scope: str, reference: str | None, now: datetime
) -> tuple[_Minted | None, int | None]:
    """The claims that are still good for longer than the renewal margin, and whom a token is to be bound to."""
    state = services.programs.current(tx, row.program_id)
    bound = find_members(tx, services.keys, row.program_id, references=[reference]) if reference else []
    if reference and not bound:
        raise InvalidRequest("scope: no such member", field="scope")
    margin = timedelta(seconds=state.terms.token_renewal_margin_s)
    minted = _good(find_access_token(tx, row.program_id, row.id, scope), now + margin)
    return minted, bound[0].member.id if bound else None


def _good(stored: Row[Any] | None, at: datetime) -> _Minted | None:
    # A clock that was ahead when the token was made must not lock the program out until time has caught up.
    if stored is None or stored.expires_at <= at or stored.claims["iat"] > at.timestamp() + SKEW_S:
        return None
    return _Minted(stored.claims, stored.kid or f"{stored.claims['environment']}-1")


def _mint(
    tx: Connection, services: Services, row: Row[Any], scope: str, member_id: int | None, now: datetime
) -> _Minted:
    state = services.programs.current(tx, row.program_id)
    held = lock_credential(tx, row.program_id, row.id)
    if held is None:
        raise Unauthorized
    margin = timedelta(seconds=state.terms.token_renewal_margin_s)
    twin = _good(find_access_token(tx, row.program_id, row.id, scope), now + margin)
    if twin is not None:
        return twin
    issued = int(now.timestamp())
    lapses = issued + state.terms.token_minutes * 60
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": held.client_id,
        "iat": issued,
        "exp": lapses,
        "jti": str(new_reference()),
        "program": row.public_id,
        "partition": row.program_id,
        "environment": row.environment,
        "generation": held.generation,
        "scope": scope,
    }
    if member_id is not None:
        claims["member"] = member_id
    kid = key_in_force(tx, services, row.environment).kid
    store_access_token(tx, row.program_id, row.id, scope, claims, datetime.fromtimestamp(lapses, UTC), kid)
    # In the order in which they come back from the database, so that signing again gives the same bytes.
    return _Minted(orjson.loads(to_json(claims)), kid)


async def authenticate(services: Services, token: str, *, program: int | None = None) -> Principal:
    """The principal behind a bearer token (access token or administrator's token).

    `program` is the public program id that an administrator works in (header `X-Program-Id`); None
    picks the only program there is. Raises Unauthorized, ProgramNotFound, TooManyRequests.
    """
    principal = (await _authenticated(services, token, program)).principal
    if principal.kind is not PrincipalKind.ADMINISTRATOR:
        await admit(services, principal)
    # Whoever is served sees statuses as they are now.
    await lift_lapsed_lockouts(services)
    return principal


async def check_again(services: Services, token: str, *, program: int | None = None) -> KnownToken:
    """The same for who was admitted before and is still being served, which counts as no further request.

    Raises Unauthorized, ProgramNotFound.
    """
    return await _authenticated(services, token, program)


async def _authenticated(services: Services, token: str, program: int | None) -> KnownToken:
    now = services.clock()
    if token.startswith(f"{ADMIN_PREFIX}_"):
        return await _administrator(services, token, program, now)
    known = services.access.token(token)
    if known is None:
        known = await _check(services, token, now)
        services.access.remember(token, known)
    if known.lapses_at <= now:
        raise Unauthorized
    found = await _in_force(services, known.principal.program, known.generation or 0, now)
    # Its reference may be somebody else's by now.
    if found is None or found.generation != known.generation or known.member_id in found.erased:
        raise Unauthorized
    if not await _goes_on(services, known.principal, now):
        raise Unauthorized
    return known


async def _goes_on(services: Services, principal: Principal, now: datetime) -> bool:
    """Whether the session of a member who signed in is none that has ended; known for at most a second."""
    program_id, session_id = principal.program, principal.session_id
    if session_id is None or services.access.session_is_good(program_id, session_id, now):
        return True
    good = await services.db.read(lambda tx: is_good(tx, program_id, session_id, now))
    if good:
        services.access.remember_session(program_id, session_id, now)
    return good


async def _in_force(services: Services, program_id: int, expected: int, now: datetime) -> InForce | None:
    found = services.access.in_force(program_id, now)
    # A newer one than this process knows of: another has just reset the credentials, and the token came after.
    if found is None or found.generation < expected:
        # Under load a second's first calls come all at once.
        return await services.access.asked_once(program_id, lambda: _ask_in_force(services, program_id, now))
    return found


async def _ask_in_force(services: Services, program_id: int, now: datetime) -> InForce | None:
    found = await services.db.read(lambda tx: _look_again(tx, services, program_id, now))
    if found is not None:
        services.access.remember_in_force(program_id, found, now)
    return found


def _look_again(tx: Connection, services: Services, program_id: int, now: datetime) -> InForce | None:
    """What is in force; what the process knows of the configuration is brought up to date with it."""
    generation = credential_generation(tx, program_id)
    if generation is None:
        return None
    services.programs.current(tx, program_id)
    return InForce(generation, erased_since(tx, program_id, now - LONGEST_LIFE))


async def _check(services: Services, token: str, now: datetime) -> KnownToken:
    claims, lapses_at = await read_token(services, token, ENVIRONMENTS[services.environment], now)
    try:
        reference = orjson.loads(claims["scope"])[1] if claims.get("scope") else None
        session_id = int(claims["session"]) if "session" in claims else None
    except (ValueError, LookupError, TypeError) as error:
        raise Unauthorized from error
    principal = Principal(
        kind=PrincipalKind.MEMBER if reference else PrincipalKind.PROGRAM,
        actor=claims["sub"] if session_id else f"client:{claims['sub']}" + (":member" if reference else ""),
        program_id=claims["partition"],
        public_program_id=claims["program"],
        environment=claims["environment"],
        member_reference=reference,
        session_id=session_id,
        permissions=MEMBER_PERMISSIONS if reference else PROGRAM_PERMISSIONS,
    )
    return KnownToken(principal, claims["generation"], lapses_at, claims.get("member"))


async def _administrator(services: Services, token: str, program: int | None, now: datetime) -> KnownToken:
    known = services.access.token(token)
    if known is None or known.lapses_at <= now:
        stored = await services.db.read(lambda tx: find_admin_token(tx, hash_secret(token)))
        if stored is None or stored.expires_at <= now:
            raise Unauthorized
        principal = Principal(kind=PrincipalKind.ADMINISTRATOR, actor=stored.actor, permissions=ROLES[stored.role])
        known = KnownToken(principal, None, min(stored.expires_at, now + FRESH))
        services.access.remember(token, known)
    chosen = await services.db.read(lambda tx: _choose_program(tx, services, program))
    if chosen is None:
        return known
    principal = replace(
        known.principal,
        program_id=chosen.id,
        public_program_id=chosen.public_id,
        environment=chosen.environment,
    )
    return replace(known, principal=principal)


def _choose_program(tx: Connection, services: Services, program: int | None) -> Row[Any] | None:
    environments = ENVIRONMENTS[services.environment]
    if program is None:
        rows = list_program_rows(tx, environments)
        return rows[0] if len(rows) == 1 else None
    for environment in environments:
        row = find_program_row(tx, program, environment)
        if row is not None:
            return row
    raise ProgramNotFound
