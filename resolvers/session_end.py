"""Use cases of the sessions that members have: list them, end them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.errors import BadRequest, MemberNotFound
from domain.session import End, Method
from domain.store.member import find_members
from domain.store.session import end_sessions, list_live
from resolvers.context import Context
from resolvers.subject import sign_out


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokeSessions:
    """End one session, or all of a member's. A member's own token needs no reference, and alone means its session."""

    relation_reference: str | None = None
    session_id: int | None = None
    all: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberSession:
    """A session that goes on. `is_own`: the caller's token belongs to it."""

    id: int
    method: Method
    started_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    is_own: bool


async def list_sessions(ctx: Context, relation_reference: str | None) -> Sequence[MemberSession]:
    """The sessions of a member that go on, newest first. Raises BadRequest, Forbidden, MemberNotFound."""
    ctx.principal.require(Permission.MEMBER_READ)
    reference = _reference(ctx, relation_reference)
    now = ctx.services.clock()

    def body(tx: Connection) -> list[MemberSession]:
        sessions = list_live(tx, ctx.principal.program, [_member_id(tx, ctx, reference)], now)
        return [
            MemberSession(
                id=one.id,
                method=one.method,
                started_at=one.started_at,
                refreshed_at=one.refreshed_at,
                expires_at=one.expires_at,
                is_own=one.id == ctx.principal.session_id,
            )
            for one in sessions
        ]

    return await ctx.read(body)


async def revoke_sessions(ctx: Context, command: RevokeSessions) -> int:
    """End sessions of a member: how many, none where they had ended before. Other processes know within a second.

    Raises BadRequest, Forbidden, MemberNotFound.
    """
    principal = ctx.principal
    principal.require(Permission.SESSION_REVOKE)
    reference = _reference(ctx, command.relation_reference)
    chosen = command.session_id
    if command.all == (chosen is not None):
        if command.all or principal.session_id is None:
            raise BadRequest("all: either all, or one session", field="all")
        chosen = principal.session_id
    now = ctx.services.clock()
    ended = await ctx.write(lambda tx: _revoke(tx, ctx, reference, chosen, now))
    for one in ended:
        ctx.services.access.forget_session(principal.program, one)
    return len(ended)


def _revoke(tx: Connection, ctx: Context, reference: str, chosen: int | None, now: datetime) -> list[int]:
    program_id, member_id = ctx.principal.program, _member_id(tx, ctx, reference, lock=True)
    live = [one.id for one in list_live(tx, program_id, [member_id], now)]
    if chosen is None:
        ended = sign_out(tx, program_id, [member_id], End.REVOKED, now)
    else:
        ended = end_sessions(tx, program_id, [one for one in live if one == chosen], End.REVOKED, now)
    if ended and ctx.principal.kind is not PrincipalKind.MEMBER:
        before, after = {"sessions": len(live)}, {"sessions": len(set(live) - set(ended))}
        ctx.audit(tx, "session.revoke", f"member:{member_id}", before=before, after=after)
    return ended


def _reference(ctx: Context, given: str | None) -> str:
    reference = ctx.principal.member(given)
    if not reference:
        raise BadRequest("relation_reference: is missing", field="relation_reference")
    return reference


def _member_id(tx: Connection, ctx: Context, reference: str, *, lock: bool = False) -> int:
    found = find_members(tx, ctx.services.keys, ctx.principal.program, references=[reference], lock=lock)
    if not found:
        raise MemberNotFound
    return found[0].member.id
