"""Use cases by which an app goes on with a member's session, and ends it, with its refresh token."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import BadRequest, TesseraError, Unauthorized
from domain.idempotency_key import read_key
from domain.session import REPLAY, End, RefreshToken, read_refresh_token
from domain.store import audit
from domain.store.member import find_members
from domain.store.session import Session, end_sessions, find_session, is_good, rotate
from resolvers.context import Context
from resolvers.session_token import SessionTokens, tokens_of


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class RefreshSession:
    """A refresh token to exchange. Under the same key a lost answer can be had again, for a few minutes."""

    refresh_token: str
    idempotency_key: str | None = None


async def refresh_session(ctx: Context, command: RefreshSession) -> SessionTokens:
    """Exchange a refresh token for the next two tokens, once.

    One that was exchanged before ends its session: somebody else has it too, and nobody knows who is the thief.
    Raises BadRequest, Forbidden, InvalidRequest, Unauthorized.
    """
    token, key = _check(ctx, command.refresh_token), read_key(command.idempotency_key)
    now = ctx.services.clock()
    # The refusal of a stolen token comes back and is not raised inside: the end of the session has to be stored.
    outcome = await ctx.write(lambda tx: _refresh(tx, ctx, token, key, now))
    if isinstance(outcome, TesseraError):
        ctx.services.access.forget_session(ctx.principal.program, token.session_id)
        raise outcome
    return outcome


async def end_session(ctx: Context, refresh_token: str) -> int:
    """Sign out with a refresh token of the session, also with one that was exchanged: how many sessions ended, 0 or 1.

    Raises BadRequest, Forbidden, Unauthorized.
    """
    token, now = _check(ctx, refresh_token), ctx.services.clock()

    def body(tx: Connection) -> list[int]:
        _genuine(tx, ctx, token)
        return end_sessions(tx, ctx.principal.program, [token.session_id], End.REVOKED, now)

    ended = await ctx.write(body)
    ctx.services.access.forget_session(ctx.principal.program, token.session_id)
    return len(ended)


def _check(ctx: Context, text: str) -> RefreshToken:
    if not text:
        raise BadRequest("refresh_token: is missing", field="refresh_token")
    ctx.principal.require(Permission.SESSION_START)
    token = read_refresh_token(text)
    if token is None:
        raise Unauthorized
    return token


def _genuine(tx: Connection, ctx: Context, token: RefreshToken) -> Session:
    """The session that a token belongs to, locked. Raises Unauthorized for one that was never given out."""
    session = find_session(tx, ctx.principal.program, token.session_id, lock=True)
    if session is None or not token.is_genuine(ctx.services.keys, ctx.principal.program, session.salt):
        raise Unauthorized
    return session


def _refresh(
    tx: Connection, ctx: Context, token: RefreshToken, key: str | None, now: datetime
) -> SessionTokens | TesseraError:
    program_id, session = ctx.principal.program, _genuine(tx, ctx, token)
    if not is_good(tx, program_id, session.id, now):
        return Unauthorized()
    mac = None if key is None else ctx.services.keys.refresh_mac("key", str(program_id), str(session.id), key)
    is_replay = (
        token.number == session.number - 1
        and mac is not None
        and mac == session.refresh_key
        and now - session.refreshed_at <= REPLAY
    )
    if token.number != session.number and not is_replay:
        _end_reused(tx, ctx, session, token, now)
        return Unauthorized()
    if not is_replay:
        session = rotate(tx, program_id, session, mac, now)
    [stored] = find_members(tx, ctx.services.keys, program_id, ids=[session.member_id])
    return tokens_of(tx, ctx, session, stored.member.relation_reference, replayed=is_replay)


def _end_reused(tx: Connection, ctx: Context, session: Session, token: RefreshToken, now: datetime) -> None:
    """End the session of a token that is not the one in force."""
    program_id = ctx.principal.program
    end_sessions(tx, program_id, [session.id], End.REUSED, now)
    audit.record(
        tx,
        program_id,
        now=now,
        actor=ctx.principal,
        action="session.reuse",
        subject=f"member:{session.member_id}",
        after={"session": session.id, "number": token.number, "in_force": session.number},
    )
