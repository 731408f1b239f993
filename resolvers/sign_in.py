"""Use cases of administrators who sign in: a password, then a code of a generator, then twelve hours.

Nobody learns from an answer or its time whether an address is somebody's. Each step gives a new token, so that one that
somebody planted before is worth nothing after.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Row

from domain.administrator import (
    CODE_WEIGHT,
    HALF_SESSION_LIFE,
    SESSION_LIFE,
    hash_recovery_code,
    new_recovery_codes,
    new_totp_secret,
    totp_step,
    totp_uri,
)
from domain.crypto import hash_secret
from domain.errors import InvalidCredentials, OtpAttemptsExceeded, OtpInvalid, TesseraError, Unauthorized
from domain.ids import new_token
from domain.password import MAX_SECRET, Secret, matches
from domain.store import administrator as store
from resolvers.context import Services
from resolvers.rate import DEPLOYMENT, count_failure, network_of, refuse_guessing
from resolvers.sign_in_failure import Origin as Origin
from resolvers.sign_in_failure import count_password, count_wrong, is_locked, is_locked_from, record

CODE, ENROL, IN = "CODE", "ENROL", "IN"
DOOR = "portal"
TOKEN_PREFIX = "tps"  # noqa: S105 - what a session's token begins with

_log = structlog.get_logger()

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entered:
    """A session by its token, and what is missing: a code, a code generator, or nothing."""

    token: str = field(repr=False)
    stage: str


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Enrolment:
    """What a code generator is given: the secret, and the same as a URI for scanners."""

    secret: str
    uri: str


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Enrolled:
    """Somebody who is in, with recovery codes that are shown once."""

    entered: Entered
    recovery_codes: list[str]


async def sign_in(services: Services, email: str, password: str, origin: Origin) -> Entered:
    """The first step. Raises TooManyRequests, InvalidCredentials (wrong, locked or disabled; never says which)."""
    name, now = email.strip().casefold()[:MAX_SECRET], services.clock()

    def find(tx: Connection) -> tuple[Row[Any] | None, bool]:
        refuse_guessing(tx, services, name, origin.address, now, DOOR)
        found = None if "\0" in name else store.find_by_email(tx, name)
        return found, found is not None and is_locked_from(tx, found, origin, now)

    row, is_out = await services.db.read(find)
    kept = None if row is None else Secret(encoded=row.password)
    is_right = await services.hashing.run(lambda: matches(kept, password[:MAX_SECRET], 0), program=DEPLOYMENT)
    if row is None or not is_right or row.disabled_at is not None or is_out:
        if row is not None and not is_right and not is_out:
            await services.db.write(lambda tx: count_password(tx, row.id, origin, now))
        await count_failure(services, name, origin.address, DOOR)
        raise InvalidCredentials
    return await services.db.write(lambda tx: _first_step(tx, row, origin, now))


async def show_code(services: Services, token: str, code: str, origin: Origin) -> Entered:
    """The second step: a code of the generator, or a recovery code, each once.

    Raises Unauthorized (no such half session), OtpAttemptsExceeded (locked), OtpInvalid (wrong or used).
    """
    now = services.clock()

    def body(tx: Connection) -> Entered | TesseraError:
        _, row = session_at(tx, token, CODE, now)
        if not _takes(tx, services, row, code, now):
            count_wrong(tx, row.id, origin, now, CODE_WEIGHT)
            return OtpInvalid(field="code")
        store.end_session(tx, hash_secret(token))
        store.update_administrator(tx, row.id, {"failures": 0, "locked_until": None, "last_seen_at": now})
        store.forget_failures(tx, row.id, network_of(origin.address))
        record(tx, row, "administrator.sign-in", origin, now)
        return _begin(tx, row.id, IN, SESSION_LIFE, origin, now, proved_at=now)

    return _told(await services.db.write(body))


async def prove_again(services: Services, token: str, code: str, origin: Origin) -> None:
    """A code in the middle of a session, before secrets are made or points moved.

    Raises Unauthorized, OtpAttemptsExceeded, OtpInvalid.
    """
    now = services.clock()

    def body(tx: Connection) -> TesseraError | None:
        _, row = session_at(tx, token, IN, now)
        if not _takes(tx, services, row, code, now):
            count_wrong(tx, row.id, origin, now, CODE_WEIGHT)
            return OtpInvalid(field="code")
        store.update_administrator(tx, row.id, {"failures": 0})
        store.update_session(tx, hash_secret(token), {"proved_at": now})
        return None

    _told(await services.db.write(body))


async def begin_enrolment(services: Services, token: str) -> Enrolment:
    """What the code generator is given, the same until it is enrolled. Raises Unauthorized."""
    now = services.clock()

    def body(tx: Connection) -> Enrolment:
        session, row = session_at(tx, token, ENROL, now)
        if session.pending_secret is None:
            secret = new_totp_secret()
            sealed = services.keys.seal_administration(secret)
            store.update_session(tx, hash_secret(token), {"pending_secret": sealed})
        else:
            secret = services.keys.open_administration(session.pending_secret)
        return Enrolment(secret=secret, uri=totp_uri(secret, row.email))

    return await services.db.write(body)


async def enrol(services: Services, token: str, code: str, origin: Origin) -> Enrolled:
    """Take the code generator that shows this code. Raises Unauthorized, OtpInvalid."""
    now = services.clock()

    def body(tx: Connection) -> Enrolled | TesseraError:
        session, row = session_at(tx, token, ENROL, now)
        if session.pending_secret is None:
            raise Unauthorized
        step = totp_step(services.keys.open_administration(session.pending_secret), code, now, None)
        if step is None:
            return OtpInvalid(field="code")
        codes = new_recovery_codes()
        values = {
            "totp_secret": session.pending_secret,
            "totp_step": step,
            "recovery_codes": [hash_recovery_code(one) for one in codes],
            "failures": 0,
            "locked_until": None,
            "last_seen_at": now,
        }
        store.update_administrator(tx, row.id, values)
        # Whoever was signed in showed another generator, or none.
        store.end_sessions_of(tx, row.id)
        record(tx, row, "administrator.second-factor", origin, now)
        return Enrolled(entered=_begin(tx, row.id, IN, SESSION_LIFE, origin, now, proved_at=now), recovery_codes=codes)

    return _told(await services.db.write(body))


async def sign_out(services: Services, token: str) -> None:
    """End a session, at whatever stage."""
    await services.db.write(lambda tx: store.end_session(tx, hash_secret(token)))


async def sweep_sessions(services: Services) -> int:
    """A job: delete sessions and links that have lapsed; how many."""
    return await services.db.write(lambda tx: store.forget_lapsed(tx, services.clock()))


def begin_enrolling(tx: Connection, administrator_id: int, origin: Origin, now: datetime) -> Entered:
    """A half session of somebody whose code generator is to be enrolled."""
    return _begin(tx, administrator_id, ENROL, HALF_SESSION_LIFE, origin, now)


def _first_step(tx: Connection, known: Row[Any], origin: Origin, now: datetime) -> Entered:
    """Raises InvalidCredentials: while the password was hashed it was reset, or others of it were wrong."""
    row = store.find_row(tx, known.id, lock=True)
    if row is None or row.password != known.password or row.disabled_at is not None:
        raise InvalidCredentials
    if is_locked_from(tx, row, origin, now):
        raise InvalidCredentials
    stage = ENROL if row.totp_secret is None else CODE
    return _begin(tx, row.id, stage, HALF_SESSION_LIFE, origin, now)


def _begin(
    tx: Connection,
    administrator_id: int,
    stage: str,
    life: timedelta,
    origin: Origin,
    now: datetime,
    *,
    proved_at: datetime | None = None,
) -> Entered:
    token = new_token(TOKEN_PREFIX)
    values = {
        "token_hash": hash_secret(token),
        "administrator_id": administrator_id,
        "stage": stage,
        "started_at": now,
        "expires_at": now + life,
        "proved_at": proved_at,
        "address": origin.address,
        "browser": origin.browser,
    }
    store.insert_session(tx, values)
    return Entered(token=token, stage=stage)


def session_at(tx: Connection, token: str, stage: str, now: datetime) -> tuple[Row[Any], Row[Any]]:
    """A session at this stage and whose it is, whose row is locked. Raises Unauthorized, OtpAttemptsExceeded."""
    found = store.find_session(tx, hash_secret(token), now)
    row = None if found is None else store.find_row(tx, found.administrator_id, lock=True)
    # Whoever resets or shuts out has that row, and ends the sessions.
    session = None if row is None else store.find_session(tx, hash_secret(token), now)
    if session is None or row is None or session.stage != stage or row.disabled_at is not None:
        raise Unauthorized
    if stage != ENROL and is_locked(row, now):
        raise OtpAttemptsExceeded(field="code")
    return session, row


def _takes(tx: Connection, services: Services, row: Row[Any], code: str, now: datetime) -> bool:
    """Whether a code is right, and used up by that."""
    if row.totp_secret is None:
        return False
    step = totp_step(services.keys.open_administration(row.totp_secret), code[:MAX_SECRET], now, row.totp_step)
    if step is not None:
        store.update_administrator(tx, row.id, {"totp_step": step})
        return True
    kept = hash_recovery_code(code[:MAX_SECRET])
    if kept not in row.recovery_codes:
        return False
    left = [one for one in row.recovery_codes if one != kept]
    store.update_administrator(tx, row.id, {"recovery_codes": left})
    return True


def _told(outcome: Result | TesseraError) -> Result:
    """What came of a step whose failure is written down as well."""
    if isinstance(outcome, TesseraError):
        raise outcome
    return outcome
