"""The mutation that moves points from one member to another."""

from datetime import datetime
from uuid import UUID

import strawberry

from resolvers.transfer import TransferPoints, transfer_points
from schema.context import Info
from schema.field import field, mutation
from schema.mutations.idempotency import read_key
from schema.scalar import Points
from schema.types.entry import LedgerEntry, load_entry
from schema.types.member import Member, load_answering


@strawberry.input(description="Points to move from one member to another, enough or nothing.")
class PointsTransferInput:
    points: Points = strawberry.field(description="How many, in the program's unit.")
    to_relation_reference: str = strawberry.field(description="The reference of the member who gets them.")
    from_relation_reference: str | None = strawberry.field(
        default=None, description="The reference of the member who sends; may be left out with a member's token."
    )
    narration: str | None = strawberry.field(
        default=None, description="A text for both statements: up to 500 characters."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="Makes a repetition harmless: it gives the first answer again. "
        "Up to 100 characters; needed with a member's token.",
    )


@strawberry.type(description="What was moved.")
class PointsTransferPayload:
    external_reference: UUID = strawberry.field(description="The reference of the transfer.")
    points: Points = strawberry.field(description="The points that were moved, positive.")
    processed_at: datetime = strawberry.field(description="When it was posted.")
    counterparty: str = strawberry.field(description="The reference of the member who gets them, as it was named.")
    replayed: bool = strawberry.field(description="The key had run before: nothing was moved again.")
    from_member_id: strawberry.Private[int]
    entry_id: strawberry.Private[int]

    @field("The sender, as the transfer left them.")
    async def member(self, info: Info) -> Member | None:
        return await load_answering(self.from_member_id, info.context)

    @field("The sender's posting; its `related` is the receiver's, where the caller may see that.")
    async def entry(self, info: Info) -> LedgerEntry | None:
        return await load_entry(self.entry_id, info.context)


@strawberry.type
class TransferMutation:
    @mutation("Move points between two members: they keep the dates on which they expire.")
    async def points_transfer(self, info: Info, input: PointsTransferInput) -> PointsTransferPayload | None:
        command = TransferPoints(
            from_reference=input.from_relation_reference,
            to_reference=input.to_relation_reference,
            points=input.points,
            narration=input.narration,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        row = await transfer_points(info.context.moving(), command)
        return PointsTransferPayload(
            external_reference=row.external_reference,
            points=Points(row.points),
            processed_at=info.context.local(row.processed_at),
            counterparty=input.to_relation_reference,
            replayed=row.replayed,
            from_member_id=row.from_member_id,
            entry_id=row.entry_id,
        )
