"""The use case that reads which messages went to a member, never what they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from domain.access import Permission
from domain.store.merge import merged_ids
from domain.store.message import page_messages_of
from resolvers.context import Context

SENT, WAITING, FAILED = "SENT", "WAITING", "FAILED"


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberMessage:
    """A message. `status` FAILED: it was given up, lapsed, or had nowhere to go."""

    id: int
    channel: str
    event: str
    language: str
    status: str
    attempts: int
    created_at: datetime
    sent_at: datetime | None


async def list_messages(
    ctx: Context, member_id: int, *, first: int, before_id: int | None = None
) -> Sequence[MemberMessage]:
    """The newest messages to a member, and to those it answers for. Raises Forbidden."""
    ctx.principal.require(Permission.MEMBER_READ)

    def body(tx: Connection) -> list[MemberMessage]:
        program_id = ctx.principal.program
        if not ctx.visible_members(tx, [member_id]):
            return []
        members = [member_id, *merged_ids(tx, program_id, [member_id])]
        rows = page_messages_of(tx, program_id, members, first=first, before_id=before_id)
        return [_message_of(row) for row in rows]

    return await ctx.read(body)


def _message_of(row: Any) -> MemberMessage:
    return MemberMessage(
        id=row.id,
        channel=row.channel,
        event=row.event,
        language=row.language,
        status=SENT if row.sent_at is not None else WAITING if row.next_attempt_at is not None else FAILED,
        attempts=row.attempts,
        created_at=row.created_at,
        sent_at=row.sent_at,
    )
