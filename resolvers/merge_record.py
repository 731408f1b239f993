"""The use case that reads the merges of a member."""

from collections.abc import Sequence

from sqlalchemy import Connection

from domain.access import Permission
from domain.store.merge import merged_ids, merges_of
from resolvers.context import Context
from resolvers.merge import Merge, merge_of

MOST_MERGES = 100


async def list_merges(ctx: Context, member_id: int) -> Sequence[Merge]:
    """The newest merges that made a member, and those it answers for, what they are; undone ones too.

    At most MOST_MERGES. Raises Forbidden.
    """
    ctx.principal.require(Permission.MEMBER_MERGE)

    def body(tx: Connection) -> list[Merge]:
        state = ctx.program(tx)
        members = [member_id, *merged_ids(tx, state.id, [member_id])]
        return [merge_of(row, state) for row in merges_of(tx, state.id, members, MOST_MERGES)]

    return await ctx.read(body)
