"""Ledger entries: the postings of a member's account."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, cast
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from resolvers.statement import LedgerEntry as EntryRow
from schema.context import Info, RequestContext
from schema.field import field
from schema.global_id import ENTRY, encode
from schema.lazy import as_it_is, lazily
from schema.scalar import Points
from schema.types.explanation import Explanation, to_explanation
from schema.types.node import Node

if TYPE_CHECKING:
    from schema.types.member import Member
    from schema.types.transaction import Transaction


@strawberry.enum(description="What a posting is.")
class EntryKind(Enum):
    EARN = strawberry.enum_value("earn", description="Points for a transaction, one posting per rule group.")
    REDEMPTION = strawberry.enum_value("redemption", description="Points that were redeemed.")
    REVERSAL = strawberry.enum_value("reversal", description="A redemption given back.")
    EXPIRY = strawberry.enum_value("expiry", description="Points that fell due.")
    BONUS = strawberry.enum_value("bonus", description="Points that were given for another reason than a purchase.")
    REFUND = strawberry.enum_value("refund", description="Points of a purchase that was refunded, taken back.")
    HOLD = strawberry.enum_value("hold", description="Points that were reserved.")
    RELEASE = strawberry.enum_value("release", description="Reserved points given back, or about to be redeemed.")
    TRANSFER = strawberry.enum_value("transfer", description="Points that came from, or went to, another member.")
    ADJUSTMENT = strawberry.enum_value("adjustment", description="A correction by an administrator.")


@strawberry.enum(description="The running figure of the balance that a posting moves.")
class Bucket(Enum):
    SPEND = strawberry.enum_value("spend", description="Earned by spending.")
    BONUS = strawberry.enum_value("bonus", description="Earned as a bonus.")
    PARTNER = strawberry.enum_value("partner", description="Earned with partners.")
    PURCHASED = strawberry.enum_value("purchased", description="Bought.")
    OTHER = strawberry.enum_value("other", description="Received from other members, or given by adjustments.")
    REDEEM = strawberry.enum_value(
        "redeem", description="Redeemed, held, sent to other members, or taken by adjustments."
    )
    EXPIRED = strawberry.enum_value("expired", description="Expired.")


@strawberry.type(description="One posting of a member's account. Postings are never changed, only answered by others.")
class LedgerEntry(Node):
    kind: EntryKind = strawberry.field(description="What the posting is.")
    bucket: Bucket = strawberry.field(description="The figure of the balance that it moves.")
    category: str = strawberry.field(description="The row of the categorised statement that it counts in.")
    points: Points = strawberry.field(description="Signed: what the member got is positive.")
    sequence: int = strawberry.field(
        description="The number of the posting in its account, from 1: the order of posting, without gaps."
    )
    balance_after: Points = strawberry.field(
        description="Available and pending points right after the posting, in the order of posting (`sequence`). "
        "A list goes by transaction date, so there it jumps where a purchase came in late."
    )
    loyalty_txn_type: int = strawberry.field(description="The published number of the posting's type.")
    external_reference: UUID = strawberry.field(
        description="The posting's reference, by which a redemption is reversed."
    )
    transaction_date: datetime = strawberry.field(description="When it happened in the member's life.")
    processed_at: datetime = strawberry.field(description="When it was posted.")
    expires_at: datetime | None = strawberry.field(
        description="From when on the points of a credit are gone, or a hold lapses; null if that never happens, "
        "on other debits, and where points keep the dates of the lots that they came from (transfers, reversals)."
    )
    merchant: str | None = strawberry.field(description="Where the points were redeemed.")
    amount: Decimal | None = strawberry.field(
        description="The money that a redemption or a hold stands for, if it was named."
    )
    narration: str = strawberry.field(description="A sentence for a statement: `note`, or else one of ours.")
    note: str | None = strawberry.field(
        description="The text that came with a transfer, a bonus or an adjustment; null for an erased member."
    )
    detail: JSON = strawberry.field(
        description="How the points came about, as it is stored; `explanation` is the same with types."
    )
    is_active: bool = strawberry.field(description="False for a redemption that was reversed.")
    member_id: strawberry.Private[int]
    reverses_id: strawberry.Private[int | None]
    related_id: strawberry.Private[int | None]
    transaction_row_id: strawberry.Private[int | None]
    row: strawberry.Private[EntryRow]

    @field(
        "Why it has its points: of an earning, a refund and an upgrade bonus. Null for other postings, which name what "
        "they answer (`reverses`, `related`) or the text that came with them (`note`)."
    )
    def explanation(self) -> Explanation | None:
        told = self.row.explanation
        return None if told is None else to_explanation(told, entry_id=self.row.stored.id)

    @field("The member whose account it is.")
    async def member(self, info: Info) -> Annotated["Member", strawberry.lazy("schema.types.member")] | None:
        from schema.types.member import load_member

        return await load_member(self.member_id, info.context)

    @field("The posting that this one takes back.")
    async def reverses(self, info: Info) -> "LedgerEntry | None":
        return None if self.reverses_id is None else await load_entry(self.reverses_id, info.context)

    @field(
        "The posting that this one belongs to: the other side of a transfer, the earning of a refund, the hold of "
        "a settled redemption. Null for what the caller may not see."
    )
    async def related(self, info: Info) -> "LedgerEntry | None":
        return None if self.related_id is None else await load_entry(self.related_id, info.context)

    @field(
        "The reference of who is on the other side of a transfer. With a member's token: to whom it sent, as it was "
        "named then, and null for who sent to it. Null for other postings and for who was erased."
    )
    async def counterparty(self, info: Info) -> str | None:
        is_transfer = self.kind is EntryKind.TRANSFER and self.related_id is not None
        return await info.context.loaders.counterparty.load(self.row.stored.id) if is_transfer else None

    @field(
        "The purchase or refund behind it, with its custom attributes. Null for what came of no transaction, and for "
        "what the caller may not see."
    )
    async def transaction(
        self, info: Info
    ) -> Annotated["Transaction", strawberry.lazy("schema.types.transaction")] | None:
        from schema.types.transaction import load_transaction

        row_id = self.transaction_row_id
        return None if row_id is None else await load_transaction(row_id, info.context)


_KINDS = {cast(str, kind.value): kind for kind in EntryKind}
_of_row: Callable[[EntryRow, RequestContext], LedgerEntry] = lazily(
    LedgerEntry,
    {
        "id": lambda row, context: encode(ENTRY, context.ctx.principal.program, row.stored.id),
        "kind": lambda row, _: _KINDS[row.stored.kind],
        "bucket": lambda row, _: Bucket(row.stored.bucket),
        "sequence": lambda row, _: row.stored.seq,
        "transaction_date": lambda row, context: context.local(row.stored.transaction_date),
        "processed_at": lambda row, context: context.local(row.stored.processed_at),
        "expires_at": lambda row, context: context.local_or_none(row.stored.expires_at),
        "transaction_row_id": lambda row, _: row.stored.transaction_ref,
        "row": lambda row, _: row,
        **as_it_is("category", "points", "balance_after", "narration", "note", "detail", "is_active"),
        **as_it_is("loyalty_txn_type", "external_reference", "merchant", "amount", of="stored"),
        **as_it_is("member_id", "reverses_id", "related_id", of="stored"),
    },
)


def to_entry(row: EntryRow, context: RequestContext) -> LedgerEntry:
    """A posting as callers see it."""
    return _of_row(row, context)


async def load_entry(entry_id: int, context: RequestContext) -> LedgerEntry | None:
    """A posting of the caller's program, if the caller may see it."""
    row = await context.loaders.entry.load(entry_id)
    return None if row is None else to_entry(row, context)


async def load_entries(entry_ids: list[int], context: RequestContext) -> list[LedgerEntry]:
    """Postings in the order of their ids."""
    rows = await context.loaders.entry.load_many(entry_ids)
    return [to_entry(row, context) for row in rows if row is not None]
