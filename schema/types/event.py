"""What subscriptions tell: what happened to members, balances that changed, batches that got on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import strawberry

from resolvers.following import POSTINGS, Event
from schema.context import Info, RequestContext
from schema.field import field
from schema.types.balance import Balance, to_balance
from schema.types.batch import Batch, to_batch
from schema.types.entry import LedgerEntry, load_entry
from schema.types.member import Member, load_member

_EVENT_ID = "The place of the event in the program's feed: what to give as `after` to go on behind it."
_AT = "When it happened."


@dataclass(slots=True)
class Page:
    """Events that were read together: what hangs on them is loaded together too, when it is asked for first."""

    member_ids: list[int]
    entry_ids: list[int]

    async def member(self, member_id: int, context: RequestContext) -> Member | None:
        """One of the members."""
        wanted, self.member_ids = self.member_ids, []
        await context.loaders.member.load_many(wanted)
        return await load_member(member_id, context)

    async def entry(self, entry_id: int, context: RequestContext) -> LedgerEntry | None:
        """One of the postings."""
        wanted, self.entry_ids = self.entry_ids, []
        await context.loaders.entry.load_many(wanted)
        return await load_entry(entry_id, context)


@strawberry.type(description="Something that happened to a member.")
class MemberActivity:
    event_id: strawberry.ID = strawberry.field(description=_EVENT_ID)
    topic: str = strawberry.field(
        description="What happened: `points.earned`, `.redeemed`, `.reversed`, `.refunded`, `.expired`, `.held`, "
        "`.released`, `.transferred`, `.adjusted`; `member.enrolled`, `.updated`, `.tier_changed`, `.merged`, "
        "`.unmerged`, `.erased`; `sub_relation.linked`, `.unlinked`; `referral.rewarded`; `expiry.reminder`. There "
        "may be more: ignore those that you do not know."
    )
    at: datetime = strawberry.field(description=_AT)
    member_id: strawberry.Private[int]
    entry_id: strawberry.Private[int | None]
    page: strawberry.Private[Page]

    @field("The member, as it is now.")
    async def member(self, info: Info) -> Member | None:
        return await self.page.member(self.member_id, info.context)

    @field("The posting, where points moved; null for other topics.")
    async def entry(self, info: Info) -> LedgerEntry | None:
        return None if self.entry_id is None else await self.page.entry(self.entry_id, info.context)


@strawberry.type(description="A balance that changed.")
class BalanceChange:
    event_id: strawberry.ID = strawberry.field(description=_EVENT_ID)
    at: datetime = strawberry.field(description="When it changed last.")
    member_id: strawberry.Private[int]
    page: strawberry.Private[Page]

    @field("The member whose balance it is.")
    async def member(self, info: Info) -> Member | None:
        return await self.page.member(self.member_id, info.context)

    @field("The figures as they are now, which may be newer than the event.", always=True)
    async def balance(self, info: Info) -> Balance | None:
        row = await info.context.loaders.balance.load(self.member_id)
        return None if row is None else to_balance(row, info.context)


@strawberry.type(description="How far a file or a queued batch is.")
class BatchProgress:
    event_id: strawberry.ID = strawberry.field(description=_EVENT_ID)
    at: datetime = strawberry.field(description=_AT)
    done: int = strawberry.field(description="How many lines, or queued transactions, had their outcome by then.")
    total: int | None = strawberry.field(
        description="How many there are: of a file that is under way an estimate, which blank lines, and line breaks "
        "within values, make too large; null where nobody counted before."
    )
    is_finished: bool = strawberry.field(description="Whether each has its outcome.")
    queue_batch_id: UUID | None = strawberry.field(
        description="What `transactionBatch` is asked for a queued batch by; null for a file."
    )
    file_id: strawberry.Private[int | None]

    @field("The file, as it is now; null for a queued batch.")
    async def batch(self, info: Info) -> Batch | None:
        if self.file_id is None:
            return None
        return to_batch(await info.context.loaders.batch.load(self.file_id), info.context)


def to_activities(events: Sequence[Event], context: RequestContext) -> list[MemberActivity]:
    """Events of members as callers see them."""
    entry_ids = [one.told["entry_id"] if one.topic.startswith(POSTINGS) else None for one in events]
    page = Page(_members(events), [one for one in entry_ids if one is not None])
    return [
        MemberActivity(
            event_id=strawberry.ID(str(event.seq)),
            topic=event.topic,
            at=context.local(event.created_at),
            member_id=event.member_id or 0,
            entry_id=entry_id,
            page=page,
        )
        for event, entry_id in zip(events, entry_ids, strict=True)
    ]


def to_changes(events: Sequence[Event], context: RequestContext) -> list[BalanceChange]:
    """Events of postings as callers see them: of several of one member the last, as the figures are those of now."""
    newest, page = {event.member_id: event for event in events}, Page(_members(events), [])
    return [
        BalanceChange(
            event_id=strawberry.ID(str(event.seq)),
            at=context.local(event.created_at),
            member_id=event.member_id or 0,
            page=page,
        )
        for event in events
        if newest[event.member_id] is event
    ]


def to_progress(events: Sequence[Event], context: RequestContext) -> list[BatchProgress]:
    """Events of batches as callers see them."""
    return [
        BatchProgress(
            event_id=strawberry.ID(str(event.seq)),
            at=context.local(event.created_at),
            done=told["done"],
            total=told.get("total"),
            is_finished=told["finished"],
            queue_batch_id=UUID(told["queue_id"]) if "queue_id" in told else None,
            file_id=told.get("batch_id"),
        )
        for event in events
        for told in [event.told]
    ]


def _members(events: Sequence[Event]) -> list[int]:
    return sorted({one.member_id for one in events if one.member_id is not None})
