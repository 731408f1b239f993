"""Members: who they are, and by `MemberAccount` what they have."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Annotated, Any

import strawberry

from resolvers.member import Member as MemberRow
from schema.connection import (
    DEFAULT_PAGE,
    After,
    Connection,
    First,
    connection_of,
    number_cursor,
    read_number_cursor,
    read_page,
)
from schema.context import Info, RequestContext
from schema.field import field
from schema.global_id import MEMBER, encode
from schema.lazy import as_it_is, lazily
from schema.loader import SubRelationPage
from schema.types.attribute import AttributeValue, attribute_list, find_attribute
from schema.types.campaign import Campaign, to_campaign
from schema.types.member_account import MemberAccount
from schema.types.member_status import MemberStatus
from schema.types.node import Node
from schema.types.referral import Referrals, to_referrals
from schema.types.sub_relation import SubRelation, to_sub_relation
from schema.types.tier import MemberTier, TierChange, TierProgress, to_change, to_progress, to_tier


@strawberry.type(description="A member of the program.")
class Member(MemberAccount, Node):
    status: MemberStatus = strawberry.field(description="What the member may do.")
    full_name: str | None = strawberry.field(description="Name.")
    email_id: str | None = strawberry.field(description="E-mail address, unique in the program.")
    mobile_number: str | None = strawberry.field(description="Mobile number, unique in the program.")
    gender: str | None = strawberry.field(description="`M`, `F` or `O`.")
    dob: date | None = strawberry.field(description="Date of birth.")
    address: str | None = strawberry.field(description="Postal address.")
    preferred_language: str | None = strawberry.field(description="Preferred language.")
    accrual_allowed: bool = strawberry.field(description="Whether the member may earn, beside what the status says.")
    enrolled_at: datetime = strawberry.field(description="When the member was enrolled.")
    activated_at: datetime | None = strawberry.field(description="When the member became active for the first time.")
    last_logged_in_at: datetime | None = strawberry.field(description="When the member last logged in.")
    referral_code: str | None = strawberry.field(
        description="The code by which the member brings others; never changes. Null: none was issued."
    )
    erased_at: datetime | None = strawberry.field(
        description="Since when nothing of the person is left but numbers; null: not erased."
    )
    referrer_id: strawberry.Private[int | None]
    values: strawberry.Private[Mapping[str, Any]]

    @field("The custom attributes that have a value.")
    def attributes(self) -> list[AttributeValue]:
        return attribute_list(self.values)

    @field("One custom attribute; null if it has no value.")
    def attribute(
        self, key: Annotated[str, strawberry.argument(description="The attribute's key.")]
    ) -> AttributeValue | None:
        return find_attribute(self.values, key)

    @field("Whether the member has a password, to sign in with beside codes and links.", always=True)
    async def has_password(self, info: Info) -> bool | None:
        return await info.context.loaders.has_password.load(self.row_id)

    @field("The member with whose referral code this one was enrolled; null for what the caller may not see.")
    async def referred_by(self, info: Info) -> "Member | None":
        return None if self.referrer_id is None else await load_member(self.referrer_id, info.context)

    @field("What came of the member's referral code.")
    async def referrals(self, info: Info) -> Referrals | None:
        row = await info.context.loaders.referrals.load(self.row_id)
        return None if row is None else to_referrals(row)

    @field("The tier; null where the member has none, or the program has no tiers.")
    async def tier(self, info: Info) -> MemberTier | None:
        row = await info.context.loaders.tier.load(self.row_id)
        return None if row is None else to_tier(row, info.context)

    @field("The way to the next tier; null where the program has no tiers.")
    async def tier_progress(self, info: Info) -> TierProgress | None:
        row = await info.context.loaders.tier_way.load(self.row_id)
        return None if row is None else to_progress(row)

    @field("Every tier that the member had, newest first.", always=True)
    async def tier_history(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most so many changes: 1 to 100.")] = 12,
    ) -> list[TierChange] | None:
        rows = await info.context.loaders.tier_history.load(self.row_id) or ()
        return [to_change(row, info.context) for row in rows[: read_page(first, None).size]]

    @field(
        "The names of the segments that the member is in: dynamic ones as of now, frozen ones as they were taken. What "
        "a segment asks of the sub-relation of a purchase has no value here. Null with a member's token: how a program "
        "classifies its members is for the program."
    )
    async def segments(self, info: Info) -> list[str] | None:
        found = await info.context.loaders.membership.load(self.row_id)
        if found is None:
            return []
        return None if found.segments is None else list(found.segments)

    @field(
        "The campaigns that a purchase made now has, in the order of the configuration: those that are on and for "
        "everybody or for one of `segments`. What the purchase itself adds to an aggregate is not foreseen. None for "
        "who may not earn."
    )
    async def campaigns(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most so many: 1 to 100.")] = DEFAULT_PAGE,
    ) -> list[Campaign] | None:
        found = await info.context.loaders.membership.load(self.row_id)
        rows = () if found is None else found.campaigns
        return [to_campaign(row, info.context) for row in rows[: read_page(first, None).size]]

    @field("The cards, accounts, devices and external ids that are linked to the member, oldest first.", always=True)
    async def sub_relations(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[SubRelation] | None:
        context, page = info.context, read_page(first, after)
        asked = SubRelationPage(page.size + 1, after_id=read_number_cursor("subRelations", page))
        return connection_of(
            await context.loaders.sub_relations(asked).load(self.row_id) or [],
            page,
            lambda row: to_sub_relation(row, context),
            lambda row: number_cursor("subRelations", row.id),
        )


_of_row: Callable[[MemberRow, RequestContext], Member] = lazily(
    Member,
    {
        "id": lambda row, context: encode(MEMBER, context.ctx.principal.program, row.id),
        "status": lambda row, _: MemberStatus(row.status),
        "enrolled_at": lambda row, context: context.local(row.enrolled_at),
        "activated_at": lambda row, context: context.local_or_none(row.activated_at),
        "last_logged_in_at": lambda row, context: context.local_or_none(row.last_logged_in_at),
        "erased_at": lambda row, context: context.local_or_none(row.erased_at),
        "row_id": lambda row, _: row.id,
        "referrer_id": lambda row, _: row.referred_by,
        "values": lambda row, _: row.attributes,
        **as_it_is("relation_reference", "full_name", "email_id", "mobile_number", "gender", "dob", "address"),
        **as_it_is("preferred_language", "accrual_allowed", "referral_code"),
    },
)


def to_member(row: MemberRow, context: RequestContext) -> Member:
    """A member as callers see it."""
    return _of_row(row, context)


async def load_member(member_id: int, context: RequestContext) -> Member | None:
    """A member of the caller's program, if the caller may see it."""
    row = await context.loaders.member.load(member_id)
    return None if row is None else to_member(row, context)


async def load_answering(member_id: int, context: RequestContext) -> Member | None:
    """The same for what was done to a member: whoever answers for it by now."""
    row = await context.loaders.answering.load(member_id)
    return None if row is None else to_member(row, context)
