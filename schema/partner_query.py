"""The query of partners' own SFTP servers."""

from typing import Annotated

import strawberry

from resolvers.partner_server import list_partner_servers
from schema.connection import MAX_PAGE, read_page
from schema.context import Info
from schema.field import field
from schema.types.partner_server import PartnerServerRecord, to_record


@strawberry.type
class PartnerQuery:
    @field("The partners' servers that the program has visited, by name. For administrators of credentials.")
    async def partner_servers(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most so many: 1 to 100.")] = MAX_PAGE,
    ) -> list[PartnerServerRecord] | None:
        rows = await list_partner_servers(info.context.ctx)
        return [to_record(row, info.context) for row in rows[: read_page(first, None).size]]
