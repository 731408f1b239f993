"""The query that says where the feed of events is."""

import strawberry

from resolvers.following import newest_event
from schema.context import Info
from schema.field import field


@strawberry.type
class EventQuery:
    """What `Query` has of events."""

    @field(
        "The id of the program's newest event. Ask for it first, then for what is to be shown, and subscribe with it "
        "as `after`: then nothing that happens in between is missed.",
        always=True,
    )
    async def last_event_id(self, info: Info) -> strawberry.ID | None:
        return strawberry.ID(str(await newest_event(info.context.ctx)))
