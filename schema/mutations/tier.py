"""Mutations of tiers."""

import strawberry

from domain.errors import MemberNonexistent
from resolvers.tier import SetTier, set_tier
from schema.context import Info
from schema.field import field, mutation
from schema.global_id import MEMBER, decode
from schema.scalar import Points
from schema.types.member import Member, load_answering


@strawberry.input(description="A tier for one member, named by `relationReference` or `memberId`.")
class MemberTierSetInput:
    tier: str | None = strawberry.field(description="The level's name; null takes the tier away.")
    reason: str = strawberry.field(description="Why, up to 500 characters: for the audit trail.")
    relation_reference: str | None = strawberry.field(default=None, description="The member's reference.")
    member_id: strawberry.ID | None = strawberry.field(default=None, description="The member's global id.")


@strawberry.type(description="The member with the tier.")
class MemberTierSetPayload:
    changed: bool = strawberry.field(description="False: the member had the tier already, and nothing was done.")
    bonus: Points = strawberry.field(
        description="The upgrade bonus of the levels that were reached for the first time."
    )
    row_id: strawberry.Private[int]

    @field("The member.")
    async def member(self, info: Info) -> Member | None:
        return await load_answering(self.row_id, info.context)


@strawberry.type
class TierMutation:
    @mutation(
        "Give a member a tier, or take it away, where the program's tiers are given by hand. Levels that are reached "
        "for the first time give their upgrade bonus. Again with the same tier it does nothing."
    )
    async def member_tier_set(self, info: Info, input: MemberTierSetInput) -> MemberTierSetPayload | None:
        number = None
        if input.member_id is not None:
            number = decode(input.member_id, "memberId").number(MEMBER, info.context.ctx.principal.program)
            if number is None:
                raise MemberNonexistent
        command = SetTier(
            tier=input.tier, reason=input.reason, member_id=number, relation_reference=input.relation_reference
        )
        done = await set_tier(info.context.changing(), command)
        return MemberTierSetPayload(changed=done.changed, bonus=Points(done.bonus), row_id=done.member_id)
