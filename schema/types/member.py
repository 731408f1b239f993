"""Members with their balance, ledger, transactions and statements."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from typing import Annotated, Any

import strawberry

from resolvers.member import Member as MemberRow
from resolvers.statement import EntryCursor, StatementQuery
from schema.connection import (
    DEFAULT_PAGE,
    MAX_PAGE,
    After,
    Before,
    Connection,
    CountedConnection,
    Edge,
    First,
    Last,
    cut,
    entry_cursor,
    number_cursor,
    page_info,
    read_entry_cursor,
    read_number_cursor,
    read_page,
)
from schema.context import Info, RequestContext
from schema.field import field
from schema.global_id import MEMBER, encode
from schema.loader import EntryPage, HoldPage, SubRelationPage, TransactionPage
from schema.types.attribute import AttributeValue, attribute_list, find_attribute
from schema.types.balance import Balance, to_balance
from schema.types.campaign import Campaign, to_campaign
from schema.types.entry import LedgerEntry, to_entry
from schema.types.expiry import ExpiryPeriod, ExpirySchedule, to_period, to_schedule
from schema.types.hold import Hold, HoldStatus, to_hold
from schema.types.node import Node
from schema.types.referral import Referrals, to_referrals
from schema.types.statement import (
    Statement,
    StatementCategory,
    StatementSummary,
    to_category,
    to_statement,
    to_summary,
)
from schema.types.sub_relation import SubRelation, to_sub_relation
from schema.types.tier import MemberTier, TierChange, TierProgress, to_change, to_progress, to_tier
from schema.types.transaction import Transaction, to_transaction

_OLDEST = EntryCursor(transaction_date=datetime(1800, 1, 1, tzinfo=UTC), entry_id=0)

From = Annotated[
    date | None,
    strawberry.argument(name="from", description="The first day of transaction dates; null: from the beginning."),
]
To = Annotated[date | None, strawberry.argument(description="The last day of transaction dates, inclusive.")]


@strawberry.enum(description="What a member may do.")
class MemberStatus(Enum):
    ACTIVE = strawberry.enum_value(1, description="Earns and redeems (1).")
    SUSPENDED = strawberry.enum_value(2, description="Neither earns nor redeems (2).")
    LOGIN_BLOCKED = strawberry.enum_value(3, description="Earns, but does not redeem (3).")
    CANCELLED = strawberry.enum_value(4, description="Closed for good (4).")
    INACTIVE = strawberry.enum_value(5, description="Earns, but does not redeem, until activated (5).")
    MEMBERSHIP_BLOCKED = strawberry.enum_value(6, description="Neither earns nor redeems (6).")


@strawberry.type(description="A member of the program.")
class Member(Node):
    relation_reference: str = strawberry.field(description="The program's own reference of the member; never changes.")
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
    row_id: strawberry.Private[int]
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

    @field("The member with whose referral code this one was enrolled; null for what the caller may not see.")
    async def referred_by(self, info: Info) -> "Member | None":
        return None if self.referrer_id is None else await load_member(self.referrer_id, info.context)

    @field("What came of the member's referral code.")
    async def referrals(self, info: Info) -> Referrals | None:
        row = await info.context.loaders.referrals.load(self.row_id)
        return None if row is None else to_referrals(row)

    @field("The figures of the account now.")
    async def balance(self, info: Info) -> Balance | None:
        row = await info.context.loaders.balance.load(self.row_id)
        return None if row is None else to_balance(row, info.context)

    @field("The tier; null where the member has none, or the program has no tiers.")
    async def tier(self, info: Info) -> MemberTier | None:
        row = await info.context.loaders.tier.load(self.row_id)
        return None if row is None else to_tier(row, info.context)

    @field("The way to the next tier; null where the program has no tiers.")
    async def tier_progress(self, info: Info) -> TierProgress | None:
        row = await info.context.loaders.tier_way.load(self.row_id)
        return None if row is None else to_progress(row)

    @field("Every tier that the member had, newest first.")
    async def tier_history(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most so many changes: 1 to 100.")] = 12,
    ) -> list[TierChange] | None:
        rows = await info.context.loaders.tier_history.load(self.row_id) or ()
        return [to_change(row, info.context) for row in rows[: read_page(first, None).size]]

    @field(
        "The names of the segments that the member is in: dynamic ones as of now, frozen ones as they were taken. What "
        "a segment asks of the sub-relation of a purchase has no value here."
    )
    async def segments(self, info: Info) -> list[str] | None:
        found = await info.context.loaders.membership.load(self.row_id)
        return [] if found is None else list(found.segments)

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

    @field("The postings of the account, newest transaction date first.")
    async def ledger(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> CountedConnection[LedgerEntry] | None:
        context, page = info.context, read_page(first, after, last, before)
        cursor = read_entry_cursor(page)
        asked = (
            EntryPage(page.size + 1, newer_than=cursor or _OLDEST)
            if page.backwards
            else EntryPage(page.size + 1, older_than=cursor)
        )
        rows, has_more = cut(await context.loaders.entries(asked).load(self.row_id) or [], page)
        edges = [Edge(node=to_entry(row, context), cursor=entry_cursor(row.transaction_date, row.id)) for row in rows]

        async def count() -> int:
            return await context.loaders.entry_count.load(self.row_id) or 0

        return CountedConnection(edges=edges, page_info=page_info(edges, page, has_more), count=count)

    @field("The submitted transactions, newest submission first.")
    async def transactions(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[Transaction] | None:
        context, page = info.context, read_page(first, after)
        asked = TransactionPage(page.size + 1, before_id=read_number_cursor("transactions", page))
        rows, has_more = cut(await context.loaders.transactions(asked).load(self.row_id) or [], page)
        edges = [Edge(node=to_transaction(row, context), cursor=number_cursor("transactions", row.id)) for row in rows]
        return Connection(edges=edges, page_info=page_info(edges, page, has_more))

    @field("The cards, accounts, devices and external ids that are linked to the member, oldest first.")
    async def sub_relations(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[SubRelation] | None:
        context, page = info.context, read_page(first, after)
        asked = SubRelationPage(page.size + 1, after_id=read_number_cursor("subRelations", page))
        rows, has_more = cut(await context.loaders.sub_relations(asked).load(self.row_id) or [], page)
        edges = [Edge(node=to_sub_relation(row, context), cursor=number_cursor("subRelations", row.id)) for row in rows]
        return Connection(edges=edges, page_info=page_info(edges, page, has_more))

    @field("The holds, newest first.")
    async def holds(
        self,
        info: Info,
        status: Annotated[HoldStatus | None, strawberry.argument(description="Only these; null: all.")] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Hold] | None:
        context, page = info.context, read_page(first, after)
        wanted = None if status is None else status.name
        asked = HoldPage(page.size + 1, status=wanted, before_id=read_number_cursor("holds", page))
        rows, has_more = cut(await context.loaders.holds(asked).load(self.row_id) or [], page)
        edges = [Edge(node=to_hold(row, context), cursor=number_cursor("holds", row.id)) for row in rows]
        return Connection(edges=edges, page_info=page_info(edges, page, has_more))

    @field("The published buckets of the whole account.")
    async def statement_summary(self, info: Info) -> StatementSummary | None:
        return to_summary(await info.context.loaders.summary.load(self.relation_reference))

    @field("Postings of a range of days in the program's time zone, newest first.")
    async def statement(
        self,
        info: Info,
        from_: From = None,
        to: To = None,
        types: Annotated[
            list[int] | None, strawberry.argument(description="Only these `loyaltyTxnType`s, at most 100; null: all.")
        ] = None,
        first: Annotated[int, strawberry.argument(description="At most so many: 1 to 100.")] = MAX_PAGE,
        skip: Annotated[int, strawberry.argument(description="Leave out so many of the newest.")] = 0,
    ) -> Statement | None:
        query = StatementQuery(
            relation_reference=self.relation_reference,
            date_from=from_,
            date_to=to,
            refuse_reversed=True,
            types=None if types is None else tuple(types),
            skip=skip,
            limit=read_page(first, None).size,
        )
        return to_statement(await info.context.loaders.statement.load(query), info.context)

    @field("Opening balance, a row for each category, closing balance; the rows add up.")
    async def categorized_statement(
        self, info: Info, from_: From = None, to: To = None
    ) -> list[StatementCategory] | None:
        query = StatementQuery(
            relation_reference=self.relation_reference, date_from=from_, date_to=to, refuse_reversed=True
        )
        return [to_category(row) for row in await info.context.loaders.categories.load(query)]

    @field("What expires in one calendar year of the program's time zone.")
    async def expiry_schedule(
        self, info: Info, year: Annotated[int, strawberry.argument(description="The year, 1900 to 2199.")]
    ) -> ExpirySchedule | None:
        row = await info.context.loaders.schedule.load((self.relation_reference, year))
        return to_schedule(row, info.context)

    @field("The coming expiry dates with the points that fall due, soonest first.")
    async def expiring(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most so many dates: 1 to 100.")] = 12,
    ) -> list[ExpiryPeriod] | None:
        rows = await info.context.loaders.expiring.load(self.row_id) or ()
        return [to_period(row, info.context) for row in rows[: read_page(first, None).size]]


def to_member(row: MemberRow, context: RequestContext) -> Member:
    """A member as callers see it."""
    return Member(
        id=encode(MEMBER, context.ctx.principal.program, row.id),
        relation_reference=row.relation_reference,
        status=MemberStatus(row.status),
        full_name=row.full_name,
        email_id=row.email_id,
        mobile_number=row.mobile_number,
        gender=row.gender,
        dob=row.dob,
        address=row.address,
        preferred_language=row.preferred_language,
        accrual_allowed=row.accrual_allowed,
        enrolled_at=context.local(row.enrolled_at),
        activated_at=context.local_or_none(row.activated_at),
        last_logged_in_at=context.local_or_none(row.last_logged_in_at),
        erased_at=context.local_or_none(row.erased_at),
        row_id=row.id,
        referral_code=row.referral_code,
        referrer_id=row.referred_by,
        values=row.attributes,
    )


async def load_member(member_id: int, context: RequestContext) -> Member | None:
    """A member of the caller's program, if the caller may see it."""
    row = await context.loaders.member.load(member_id)
    return None if row is None else to_member(row, context)
