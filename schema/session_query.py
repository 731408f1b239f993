"""The query of sessions: it stands apart so that the module of all queries stays short."""

from typing import Annotated

import strawberry

from resolvers.session_end import list_sessions
from schema.context import Info
from schema.field import field
from schema.types.session import MemberSession, to_session


@strawberry.type
class SessionQuery:
    """What `Query` has of sessions."""

    @field("The sessions of a member that go on, newest first: 50 at most. A member sees its own.")
    async def member_sessions(
        self,
        info: Info,
        relation_reference: Annotated[
            str | None, strawberry.argument(description="The member's reference; null with a member's own token.")
        ] = None,
    ) -> list[MemberSession] | None:
        rows = await list_sessions(info.context.ctx, relation_reference)
        return [to_session(row, info.context) for row in rows]
