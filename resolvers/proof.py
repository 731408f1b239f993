"""What a member has just proved by signing in, which counts for as long as a code that it verified."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from domain.otp import GRANT_LIFE
from domain.session import Method
from domain.store.session import find_session
from resolvers.context import Context

PROOF_MINUTES = int(GRANT_LIFE.total_seconds() // 60)


def signed_in_just_now(
    tx: Connection, ctx: Context, member_id: int, methods: Collection[Method], now: datetime
) -> datetime | None:
    """When the caller's session began, if that is the member's, began so and within the last few minutes."""
    program_id, session_id = ctx.principal.program, ctx.principal.session_id
    session = None if session_id is None else find_session(tx, program_id, session_id)
    if session is None or session.member_id != member_id or session.method not in methods:
        return None
    is_fresh = session.ended_at is None and session.started_at > now - GRANT_LIFE
    return session.started_at if is_fresh else None
