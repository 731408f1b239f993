"""Use cases of SFTP logins: made, changed, revoked and listed by administrators."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from domain.access import Permission
from domain.errors import InvalidRequest, SftpLoginNotFound
from domain.ids import new_token
from domain.password import keep_password
from domain.public_key import MAX_LABEL, PublicKey, read_public_key
from domain.store import audit
from domain.store.sftp_login import (
    count_live_logins,
    delete_key,
    find_key,
    insert_key,
    insert_login,
    list_keys,
    list_logins,
    lock_login,
    revoke_login,
    set_password,
)
from resolvers.context import Context

MAX_LOGINS, MAX_KEYS = 100, 20
"""Of one program, and of one login."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SftpKey:
    """A key that opens a login."""

    fingerprint: str
    label: str
    added_at: datetime
    added_by: str
    last_used_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SftpLogin:
    """A login as tracked; `password_set_at` is None for one that only keys open."""

    id: int
    username: str
    password_set_at: datetime | None
    created_at: datetime
    created_by: str
    last_used_at: datetime | None
    revoked_at: datetime | None
    keys: Sequence[SftpKey]


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedSftpLogin:
    """A login with its fresh password, the only place where that is ever shown; None where a key opens it."""

    username: str
    password: str | None
    fingerprint: str | None = None


async def create_sftp_login(ctx: Context, public_key: str | None = None, label: str | None = None) -> IssuedSftpLogin:
    """A login of the caller's program, opened by the key or, without one, by a password.

    Raises Forbidden, SecondFactorNeeded, InvalidRequest (a key that is not taken, a label, too many logins),
    TooManyRequests.
    """
    ctx.principal.require(Permission.CREDENTIAL_WRITE)
    ctx.principal.require_proof()
    key = None if public_key is None else read_public_key(public_key)
    named = _label(label, key)
    password = None if key else new_token("tf", 24)
    kept = await _kept(ctx, password)
    now, actor = ctx.services.clock(), ctx.principal.actor

    def body(tx: Connection) -> IssuedSftpLogin:
        program = ctx.program(tx)
        if count_live_logins(tx, program.id) >= MAX_LOGINS:
            raise InvalidRequest(f"a program has at most {MAX_LOGINS} SFTP logins: revoke one first")
        username = f"p{program.public_id}-{program.environment}-{secrets.token_hex(4)}"
        login_id = insert_login(tx, program.id, username=username, password=kept, now=now, actor=actor)
        if key is not None:
            insert_key(tx, program.id, login_id, key, named, now, actor)
        fingerprint = None if key is None else key.fingerprint
        _record(tx, ctx, "create", username, now, after={"opened_by": fingerprint or "password"})
        return IssuedSftpLogin(username=username, password=password, fingerprint=fingerprint)

    return await ctx.write(body)


async def rotate_sftp_password(ctx: Context, username: str) -> IssuedSftpLogin:
    """A new password for a login, in place of the former one if it had any; sessions opened by that one end.

    Raises Forbidden, SecondFactorNeeded, SftpLoginNotFound, TooManyRequests.
    """
    ctx.principal.require(Permission.CREDENTIAL_WRITE)
    ctx.principal.require_proof()
    password = new_token("tf", 24)
    kept, now = await _kept(ctx, password), ctx.services.clock()

    def body(tx: Connection) -> None:
        login = _locked(tx, ctx, username)
        set_password(tx, login.program_id, login.id, str(kept), now)
        before = None if login.password_set_at is None else login.password_set_at.isoformat()
        told = {"password_set_at": before}, {"password_set_at": now.isoformat()}
        _record(tx, ctx, "rotate-password", username, now, *told)

    await ctx.write(body)
    return IssuedSftpLogin(username=username, password=password)


async def add_sftp_key(ctx: Context, username: str, public_key: str, label: str | None = None) -> SftpKey:
    """Let one more key open a login.

    Raises Forbidden, SecondFactorNeeded, InvalidRequest (a key that is not taken, or known, a label,
    too many keys), SftpLoginNotFound.
    """
    ctx.principal.require(Permission.CREDENTIAL_WRITE)
    ctx.principal.require_proof()
    key = read_public_key(public_key)
    named, now, actor = _label(label, key), ctx.services.clock(), ctx.principal.actor

    def body(tx: Connection) -> None:
        login = _locked(tx, ctx, username)
        if find_key(tx, login.program_id, login.id, key.fingerprint) is not None:
            raise InvalidRequest("public_key: the login has this key", field="public_key")
        if len(list_keys(tx, login.program_id, [login.id])) >= MAX_KEYS:
            raise InvalidRequest(f"public_key: a login has at most {MAX_KEYS} keys", field="public_key")
        insert_key(tx, login.program_id, login.id, key, named, now, actor)
        _record(tx, ctx, "add-key", username, now, after={"fingerprint": key.fingerprint})

    await ctx.write(body)
    return SftpKey(fingerprint=key.fingerprint, label=named, added_at=now, added_by=actor, last_used_at=None)


async def remove_sftp_key(ctx: Context, username: str, fingerprint: str) -> None:
    """Let a key open a login no longer; sessions that it opened end.

    Raises Forbidden, SftpLoginNotFound, InvalidRequest (no such key).
    """
    ctx.principal.require(Permission.CREDENTIAL_WRITE)
    now = ctx.services.clock()

    def body(tx: Connection) -> None:
        login = _locked(tx, ctx, username)
        if not delete_key(tx, login.program_id, login.id, fingerprint):
            raise InvalidRequest("fingerprint: the login has no such key", field="fingerprint")
        _record(tx, ctx, "remove-key", username, now, before={"fingerprint": fingerprint})

    await ctx.write(body)


async def revoke_sftp_login(ctx: Context, username: str) -> None:
    """End a login for good; its sessions end. Raises Forbidden, SftpLoginNotFound."""
    ctx.principal.require(Permission.CREDENTIAL_WRITE)
    now = ctx.services.clock()

    def body(tx: Connection) -> None:
        login = _locked(tx, ctx, username)
        revoke_login(tx, login.program_id, login.id, now)
        _record(tx, ctx, "revoke", username, now, {"revoked": False}, {"revoked": True})

    await ctx.write(body)


async def list_sftp_logins(ctx: Context, *, first: int, before_id: int | None = None) -> list[SftpLogin]:
    """A page of the logins that the program has and had, newest first. Raises Forbidden."""
    ctx.principal.require(Permission.CREDENTIAL_READ)

    def body(tx: Connection) -> list[SftpLogin]:
        rows = list_logins(tx, ctx.principal.program, first, before_id)
        keys = list_keys(tx, ctx.principal.program, [row.id for row in rows])
        return [_login(row, [_key(key) for key in keys if key.login_id == row.id]) for row in rows]

    return await ctx.read(body)


async def _kept(ctx: Context, password: str | None) -> str | None:
    """What is stored of a password; hashed before the database transaction, because that is slow on purpose."""
    if password is None:
        return None
    secret = await ctx.services.hashing.run(lambda: keep_password(password), program=ctx.principal.program)
    return secret.encoded


def _label(given: str | None, key: PublicKey | None) -> str:
    """What people call a key: by default the comment in its line. Raises InvalidRequest."""
    label = (given or "").strip()
    if len(label) > MAX_LABEL or not label.isprintable():
        raise InvalidRequest(f"label: at most {MAX_LABEL} characters that can be seen", field="label")
    return label or (key.comment if key else "")


def _locked(tx: Connection, ctx: Context, username: str) -> Row[Any]:
    login = lock_login(tx, ctx.principal.program, username)
    if login is None:
        raise SftpLoginNotFound
    return login


def _record(
    tx: Connection, ctx: Context, what: str, username: str, now: datetime, before: Any = None, after: Any = None
) -> None:
    audit.record(
        tx,
        ctx.principal.program,
        now=now,
        actor=ctx.principal,
        action=f"sftp-login.{what}",
        subject=f"sftp-login:{username}",
        before=before,
        after=after,
    )


def _login(row: Row[Any], keys: Sequence[SftpKey]) -> SftpLogin:
    return SftpLogin(
        id=row.id,
        username=row.username,
        password_set_at=row.password_set_at,
        created_at=row.created_at,
        created_by=row.created_by,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        keys=keys,
    )


def _key(row: Row[Any]) -> SftpKey:
    return SftpKey(
        fingerprint=row.fingerprint,
        label=row.label,
        added_at=row.added_at,
        added_by=row.added_by,
        last_used_at=row.last_used_at,
    )
