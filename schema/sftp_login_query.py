"""Queries of logins at the SFTP server."""

import strawberry

from resolvers.sftp_login import list_sftp_logins
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
from schema.types.sftp_login import SftpLogin, to_sftp_login


@strawberry.type
class SftpLoginQuery:
    @field("The SFTP logins that the program has and had, newest first.")
    async def sftp_logins(self, info: Info, first: First = None, after: After = None) -> Connection[SftpLogin] | None:
        context, page = info.context, read_page(first, after)
        before_id = read_number_cursor("sftp-logins", page)
        found = await list_sftp_logins(context.ctx, first=page.size + 1, before_id=before_id)
        return connection_of(
            found, page, lambda row: to_sftp_login(row, context), lambda row: number_cursor("sftp-logins", row.id)
        )
