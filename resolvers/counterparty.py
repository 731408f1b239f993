"""The use case of reading to whom transfers went, and from whom they came."""

from collections.abc import Sequence

from sqlalchemy import Connection

from domain.access import Permission
from domain.store.counterparty import other_sides
from resolvers.context import Context


async def list_counterparties(ctx: Context, entry_ids: Sequence[int]) -> dict[int, str]:
    """The reference of who is on the other side of transfers, by posting.

    A member-bound caller learns to whom it sent, which it named itself, and not who sent to it. Raises Forbidden.
    """
    ctx.principal.require(Permission.LEDGER_READ)
    ctx.principal.require(Permission.MEMBER_READ)

    def body(tx: Connection) -> dict[int, str]:
        return other_sides(tx, ctx.principal.program, entry_ids, sent_by=ctx.own_members(tx))

    return await ctx.read(body)
