"""The query of what partners proposed for the configuration."""

import strawberry

from resolvers.attribute_proposal import list_attribute_proposals
from schema.connection import (
    After,
    Connection,
    First,
    connection_of,
    number_cursor,
    read_number_cursor,
    read_page,
)
from schema.context import Info
from schema.field import field
from schema.types.attribute_proposal import AttributeProposal, to_proposal


@strawberry.type
class ProposalQuery:
    """What `Query` has of proposals."""

    @field("Attribute definitions that files proposed and nobody decided on, oldest first; one of each attribute.")
    async def attribute_proposals(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[AttributeProposal] | None:
        context, page = info.context, read_page(first, after)
        after_id = read_number_cursor("proposals", page) or 0
        found = await list_attribute_proposals(context.ctx, first=page.size + 1, after_id=after_id)
        return connection_of(
            found, page, lambda row: to_proposal(row, context), lambda row: number_cursor("proposals", row.id)
        )
