"""Sessions of members."""

from datetime import datetime
from enum import Enum

import strawberry

from resolvers import session_end
from resolvers.session_token import SessionTokens
from schema.context import RequestContext
from schema.global_id import SESSION, encode


@strawberry.enum(description="How a member signs in.")
class SessionMethod(Enum):
    PASSWORD = strawberry.enum_value("password", description="With a password.")
    CODE = strawberry.enum_value("code", description="With a one-time code.")
    LINK = strawberry.enum_value("link", description="With a link that was mailed.")


@strawberry.type(description="A session of a member that goes on.")
class MemberSession:
    id: strawberry.ID = strawberry.field(description="Global id, for `sessionRevoke`.")
    method: SessionMethod = strawberry.field(description="How the member signed in.")
    started_at: datetime = strawberry.field(description="When the member signed in.")
    refreshed_at: datetime = strawberry.field(description="When tokens were exchanged last.")
    expires_at: datetime = strawberry.field(description="When it is over, unless tokens are exchanged before.")
    is_own: bool = strawberry.field(description="The caller's token belongs to it.")


@strawberry.type(description="The tokens of a session.")
class SessionTokensPayload:
    session_id: strawberry.ID = strawberry.field(description="Global id of the session.")
    access_token: str = strawberry.field(
        description="For the header `Authorization: Bearer …`. Keep it in memory only."
    )
    access_expires_at: datetime = strawberry.field(description="When the access token lapses: after 15 minutes.")
    refresh_token: str = strawberry.field(
        description="For one `sessionRefresh`, which gives the next. Used twice it ends the session."
    )
    refresh_expires_at: datetime = strawberry.field(description="When the session is over if it is not refreshed.")
    must_change_password: bool = strawberry.field(description="The member is to choose a new password.")
    replayed: bool = strawberry.field(description="The idempotency key had run before: these are the tokens of then.")


def to_tokens(tokens: SessionTokens, context: RequestContext) -> SessionTokensPayload:
    """The tokens as they are given out."""
    return SessionTokensPayload(
        session_id=encode(SESSION, context.visit.program_id or 0, tokens.session_id),
        access_token=tokens.access_token,
        access_expires_at=context.local(tokens.access_expires_at),
        refresh_token=tokens.refresh_token,
        refresh_expires_at=context.local(tokens.refresh_expires_at),
        must_change_password=tokens.force_change,
        replayed=tokens.replayed,
    )


def to_session(row: session_end.MemberSession, context: RequestContext) -> MemberSession:
    """A session as its member sees it."""
    return MemberSession(
        id=encode(SESSION, context.ctx.principal.program, row.id),
        method=SessionMethod(row.method.value),
        started_at=context.local(row.started_at),
        refreshed_at=context.local(row.refreshed_at),
        expires_at=context.local(row.expires_at),
        is_own=row.is_own,
    )
