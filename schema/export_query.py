"""The queries of files that the platform writes."""

from contextlib import suppress
from typing import Annotated

import strawberry

from domain.errors import RedemptionNotFound
from resolvers.export import list_exports
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
from schema.global_id import EXPORT, Id, decode
from schema.types.export import Export, ExportKind, ExportStatus, load_export, read_kind, to_export


@strawberry.input(description="Which exports: what is given has to hold at once.")
class ExportFilter:
    kind: ExportKind | None = strawberry.field(default=None, description="Of this kind; null: of any.")
    status: ExportStatus | None = strawberry.field(default=None, description="In this status; null: in any.")


@strawberry.type
class ExportQuery:
    """What `Query` has of exports."""

    @field("A file that was asked for; null if the caller's program has none of this id.")
    async def export(self, info: Info, id: Id) -> Export | None:
        number = decode(id).number(EXPORT, info.context.ctx.principal.program)
        if number is not None:
            with suppress(RedemptionNotFound):
                return await load_export(number, info.context)
        return None

    @field("The files that the platform wrote, or will write, newest first.")
    async def exports(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        filter: Annotated[ExportFilter | None, strawberry.argument(description="Only these; null: all.")] = None,
    ) -> Connection[Export] | None:
        page, only = read_page(first, after), filter or ExportFilter()
        found = await list_exports(
            info.context.ctx,
            first=page.size + 1,
            before_id=read_number_cursor("exports", page),
            kind=None if only.kind is None else read_kind(only.kind),
            status=None if only.status is None else only.status.name,
        )
        return connection_of(
            found, page, lambda row: to_export(row, info.context), lambda row: number_cursor("exports", row.id)
        )
