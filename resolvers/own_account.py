"""Use cases of administrators about themselves: another password, another code generator, where they are signed in.

What changes a secret wants the second factor, shown within the last minutes, and the present password: a session that
somebody found open is not enough. The session goes on under another token, and all others end.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from domain.administrator import (
    CODE_WEIGHT,
    MIN_PASSWORD,
    STEP_UP_LIFE,
    hash_recovery_code,
    new_recovery_codes,
    new_totp_secret,
    totp_step,
    totp_uri,
)
from domain.crypto import hash_secret
from domain.errors import InvalidCredentials, InvalidRequest, OtpInvalid, SecondFactorNeeded, Unauthorized
from domain.ids import new_token
from domain.password import MAX_SECRET, Secret, check_password, keep_password, matches
from domain.store import administrator as store
from resolvers.context import Services
from resolvers.rate import DEPLOYMENT, count_failure, refuse_guessing
from resolvers.sign_in import (
    DOOR,
    IN,
    TOKEN_PREFIX,
    Enrolled,
    Enrolment,
    Entered,
    session_at,
)
from resolvers.sign_in_failure import Origin, count_wrong, record


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class ChangePassword:
    """Another password for whoever is signed in and knows the present one."""

    present: str
    password: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnSession:
    """Where an administrator is signed in. `is_this`: the session that asks."""

    started_at: datetime
    expires_at: datetime
    address: str
    browser: str
    is_this: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnAccess:
    """How an administrator gets in: its sessions, newest first, and how many recovery codes are left."""

    sessions: list[OwnSession] = field(default_factory=list)
    recovery_codes: int = 0


async def get_own_access(services: Services, token: str) -> OwnAccess:
    """How the caller gets in. Raises Unauthorized."""
    now = services.clock()

    def body(tx: Connection) -> OwnAccess:
        session = store.find_session(tx, hash_secret(token), now)
        row = None if session is None else store.find_row(tx, session.administrator_id)
        if session is None or row is None or session.stage != IN:
            raise Unauthorized
        found = store.list_sessions(tx, row.id, now)
        return OwnAccess(sessions=[_own(one, session) for one in found], recovery_codes=len(row.recovery_codes))

    return await services.db.read(body)


def _own(one: Row[Any], session: Row[Any]) -> OwnSession:
    return OwnSession(
        started_at=one.started_at,
        expires_at=one.expires_at,
        address=one.address,
        browser=one.browser,
        is_this=one.token_hash == session.token_hash,
    )


async def end_other_sessions(services: Services, token: str, origin: Origin) -> int:
    """End the caller's sessions but this one: how many. Raises Unauthorized, OtpAttemptsExceeded."""
    now = services.clock()

    def body(tx: Connection) -> int:
        session, row = session_at(tx, token, IN, now)
        before = len(store.list_sessions(tx, row.id, now))
        store.end_sessions_of(tx, row.id, but=session.token_hash)
        if before > 1:
            record(tx, row, "administrator.sessions-end", origin, now, {"sessions": before}, {"sessions": 1})
        return before - 1

    return await services.db.write(body)


async def change_own_password(services: Services, token: str, command: ChangePassword, origin: Origin) -> Entered:
    """Take another password; all other sessions end, and this one goes on under the token that is given back.

    Wrong present passwords count as wrong ones at the entrance do. Raises InvalidRequest (the new one), Unauthorized,
    OtpAttemptsExceeded (locked), SecondFactorNeeded, TooManyRequests, InvalidCredentials.
    """
    if len(command.password) < MIN_PASSWORD:
        raise InvalidRequest(f"password: at least {MIN_PASSWORD} characters", field="password")
    check_password(command.password)
    if command.password == command.present:
        raise InvalidRequest("password: is the present one", field="password")
    known = await _confirm(services, token, command.present, origin)
    secret = await services.hashing.run(lambda: keep_password(command.password), program=DEPLOYMENT)
    now = services.clock()

    def body(tx: Connection) -> Entered:
        session, row = _fresh(tx, token, now)
        if row.password != known:
            raise InvalidCredentials(field="present")
        before = {"sessions": len(store.list_sessions(tx, row.id, now))}
        store.update_administrator(tx, row.id, {"password": secret.encoded, "failures": 0})
        record(tx, row, "administrator.password-change", origin, now, before, {"sessions": 1})
        return _go_on(tx, session)

    return await services.db.write(body)


async def begin_new_factor(services: Services, token: str, present: str, origin: Origin) -> None:
    """Draw a secret for another code generator; the present one counts until that has shown a code.

    Raises Unauthorized, OtpAttemptsExceeded (locked), SecondFactorNeeded, TooManyRequests, InvalidCredentials.
    """
    known = await _confirm(services, token, present, origin)
    now = services.clock()

    def body(tx: Connection) -> None:
        session, row = _fresh(tx, token, now)
        if row.password != known:
            raise InvalidCredentials(field="present")
        sealed = services.keys.seal_administration(new_totp_secret())
        store.update_session(tx, session.token_hash, {"pending_secret": sealed})

    await services.db.write(body)


async def find_new_factor(services: Services, token: str) -> Enrolment | None:
    """What the other code generator is given; None where none was begun lately. Raises Unauthorized."""
    now = services.clock()

    def body(tx: Connection) -> Enrolment | None:
        session = store.find_session(tx, hash_secret(token), now)
        row = None if session is None else store.find_row(tx, session.administrator_id)
        if session is None or row is None or session.stage != IN:
            raise Unauthorized
        if session.pending_secret is None or not _is_fresh(session, now):
            return None
        secret = services.keys.open_administration(session.pending_secret)
        return Enrolment(secret=secret, uri=totp_uri(secret, row.email))

    return await services.db.read(body)


async def take_new_factor(services: Services, token: str, code: str, origin: Origin) -> Enrolled:
    """Take the other code generator, which shows this code, with new recovery codes; all other sessions end.

    Raises Unauthorized (none was begun), OtpAttemptsExceeded (locked), SecondFactorNeeded, OtpInvalid.
    """
    now = services.clock()

    def body(tx: Connection) -> Enrolled:
        session, row = _fresh(tx, token, now)
        if session.pending_secret is None:
            raise Unauthorized
        step = totp_step(services.keys.open_administration(session.pending_secret), code[:MAX_SECRET], now, None)
        if step is None:
            raise OtpInvalid(field="code")
        codes = new_recovery_codes()
        hashes = [hash_recovery_code(one) for one in codes]
        values = {"totp_secret": session.pending_secret, "totp_step": step, "recovery_codes": hashes, "failures": 0}
        before = {
            "sessions": len(store.list_sessions(tx, row.id, now)),
            "recovery_codes": len(row.recovery_codes),
        }
        store.update_administrator(tx, row.id, values)
        after = {"sessions": 1, "recovery_codes": len(codes)}
        record(tx, row, "administrator.second-factor", origin, now, before, after)
        return Enrolled(entered=_go_on(tx, session, proved_at=now), recovery_codes=codes)

    return await services.db.write(body)


async def _confirm(services: Services, token: str, present: str, origin: Origin) -> str:
    """How the present password is kept, once it was typed. Raises as those who ask for it say."""
    now = services.clock()

    def find(tx: Connection) -> Row[Any]:
        _, row = _fresh(tx, token, now)
        refuse_guessing(tx, services, row.email, origin.address, now, DOOR)
        return row

    row = await services.db.write(find)
    kept = Secret(encoded=row.password)
    if not await services.hashing.run(lambda: matches(kept, present[:MAX_SECRET], 0), program=DEPLOYMENT):
        await services.db.write(lambda tx: count_wrong(tx, row.id, origin, now, CODE_WEIGHT))
        await count_failure(services, row.email, origin.address, DOOR)
        raise InvalidCredentials(field="present")
    return str(row.password)


def _fresh(tx: Connection, token: str, now: datetime) -> tuple[Row[Any], Row[Any]]:
    """The session and whose it is, locked. Raises Unauthorized, OtpAttemptsExceeded, SecondFactorNeeded."""
    session, row = session_at(tx, token, IN, now)
    if not _is_fresh(session, now):
        raise SecondFactorNeeded
    return session, row


def _is_fresh(session: Row[Any], now: datetime) -> bool:
    return session.proved_at is not None and session.proved_at + STEP_UP_LIFE > now


def _go_on(tx: Connection, session: Row[Any], **values: Any) -> Entered:
    """End every other session, and let this one go on under another token."""
    token = new_token(TOKEN_PREFIX)
    store.end_sessions_of(tx, session.administrator_id, but=session.token_hash)
    anew = {"token_hash": hash_secret(token), "pending_secret": None, **values}
    store.update_session(tx, session.token_hash, anew)
    return Entered(token=token, stage=IN)
