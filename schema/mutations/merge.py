"""Mutations of duplicates: two members become one, and apart again."""

import strawberry

from domain.errors import RedemptionNotFound
from resolvers.merge import MergeMembers, merge_members, undo_merge
from resolvers.merge_record import Merge as MergeRow
from schema.context import Info
from schema.field import field, mutation
from schema.global_id import MERGE, decode
from schema.mutations.idempotency import read_key
from schema.types.member import Member, load_member
from schema.types.merge import Merge, to_merge


@strawberry.input(description="Two members who are one person.")
class MemberMergeInput:
    victim: str = strawberry.field(description="The reference of the member who disappears; it goes on to work.")
    survivor: str = strawberry.field(description="The reference of the member who stays.")
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.input(description="A merge to undo.")
class MemberMergeUndoInput:
    merge_id: strawberry.ID = strawberry.field(description="The merge's global id.")


@strawberry.type(description="A merge that was made or undone.")
class MemberMergePayload:
    merge: Merge = strawberry.field(description="The merge.")
    replayed: bool = strawberry.field(description="The key had run before: nothing was merged again.")
    row: strawberry.Private[MergeRow]

    @field("The member who stays, as it is now.")
    async def survivor(self, info: Info) -> Member | None:
        return await load_member(self.row.survivor_id, info.context)


@strawberry.type
class MergeMutation:
    @mutation("Make one member of two: points and counters move, both histories stay, every reference works.")
    async def member_merge(self, info: Info, input: MemberMergeInput) -> MemberMergePayload | None:
        command = MergeMembers(
            victim=input.victim, survivor=input.survivor, idempotency_key=read_key(input.idempotency_key, info.context)
        )
        row = await merge_members(info.context.changing(), command)
        return MemberMergePayload(merge=to_merge(row, info.context), replayed=row.replayed, row=row)

    @mutation("Make two members of one again, while nothing that moved was spent or taken back by a refund.")
    async def member_merge_undo(self, info: Info, input: MemberMergeUndoInput) -> MemberMergePayload | None:
        number = decode(input.merge_id, "mergeId").number(MERGE, info.context.ctx.principal.program_id)
        if number is None:
            raise RedemptionNotFound("no such merge")
        row = await undo_merge(info.context.changing(), number)
        return MemberMergePayload(merge=to_merge(row, info.context), replayed=False, row=row)
