"""The queries of segments and campaigns: they stand apart so that the module of all queries stays short."""

from typing import Annotated

import strawberry

from resolvers.campaign import list_campaigns
from resolvers.segment import list_segment_members
from schema.connection import (
    After,
    First,
    PageInfo,
    UncountedConnection,
    edges_of,
    number_cursor,
    read_number_cursor,
    read_page,
)
from schema.context import Info
from schema.field import field
from schema.types.campaign import Campaign, to_campaign
from schema.types.member import Member, to_member

_NAME = "segmentMembers"


@strawberry.type
class StandingQuery:
    """What `Query` has of segments and campaigns."""

    @field(
        "The members in a segment, in the order of their enrolment: of a frozen one those that were taken, of a "
        "dynamic one those for whom it holds now. A page of a dynamic one looks at 500 members at most: it may have "
        "fewer items than asked for, or none, while `hasNextPage` is true; `endCursor` is where the next one goes on."
    )
    async def segment_members(
        self,
        info: Info,
        segment: Annotated[str, strawberry.argument(description="The segment's name.")],
        first: First = None,
        after: After = None,
    ) -> UncountedConnection[Member] | None:
        context, page = info.context, read_page(first, after)
        found = await list_segment_members(
            context.ctx, segment, first=page.size, after_id=read_number_cursor(_NAME, page)
        )
        edges = edges_of(found.members, lambda row: to_member(row, context), lambda row: number_cursor(_NAME, row.id))
        return UncountedConnection(
            edges=edges,
            page_info=PageInfo(
                has_next_page=found.has_more,
                has_previous_page=page.cursor is not None,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=None if found.position is None else number_cursor(_NAME, found.position),
            ),
        )

    @field(
        "The campaigns of the program, in the order of the configuration. For those who may read the configuration; a "
        "member reads `Member.campaigns`."
    )
    async def campaigns(
        self,
        info: Info,
        active: Annotated[
            bool | None,
            strawberry.argument(description="True: those that are on now; false: those that are not; null: all."),
        ] = None,
    ) -> list[Campaign] | None:
        return [to_campaign(row, info.context) for row in await list_campaigns(info.context.ctx, active=active)]
