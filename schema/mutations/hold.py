"""Mutations that reserve points, and settle or cancel what is reserved."""

from datetime import datetime
from decimal import Decimal

import strawberry

from domain.errors import RedemptionNotFound
from resolvers.hold import CancelHold, CreateHold, SettleHold, cancel_hold, create_hold, settle_hold
from schema.context import Info, RequestContext
from schema.field import field, mutation
from schema.global_id import HOLD, decode
from schema.mutations.idempotency import read_key
from schema.scalar import Points
from schema.types.hold import Hold, HoldPurpose, to_hold
from schema.types.member import Member, load_answering
from schema.types.redemption import Redemption, to_redemption


@strawberry.input(description="Points to reserve, enough or nothing.")
class HoldCreateInput:
    points: Points = strawberry.field(description="How many, in the program's unit.")
    relation_reference: str | None = strawberry.field(
        default=None, description="The member's reference; may be left out with a member's token."
    )
    purpose: HoldPurpose = strawberry.field(default=HoldPurpose.HOLD, description="What for.")
    merchant_name: str | None = strawberry.field(
        default=None,
        description="Where: up to 200 characters; null: the program's `default_merchant`, or else its name.",
    )
    amount: Decimal | None = strawberry.field(default=None, description="The money that the points stand for.")
    validity_days: int | None = strawberry.field(
        default=None, description="For how many days: null or 0 means 3; at most 90, for the purpose `HOLD` 366."
    )
    until: datetime | None = strawberry.field(default=None, description="The instant of its end, in place of days.")
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="Makes a repetition harmless: it gives the first hold again. "
        "Up to 100 characters; needed with a member's token.",
    )


@strawberry.input(description="A pending hold to settle: its points become a redemption.")
class HoldSettleInput:
    hold_id: strawberry.ID = strawberry.field(description="The hold's global id.")
    points: Points | None = strawberry.field(
        default=None, description="What of it is spent, the rest goes back; null: all."
    )
    loyalty_txn_type: int | None = strawberry.field(
        default=None, description="A type of the program's list; null: the program's default."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Makes a repetition harmless: it gives the first answer again."
    )


@strawberry.input(description="A pending hold to cancel: its points go back to where they came from.")
class HoldCancelInput:
    hold_id: strawberry.ID = strawberry.field(description="The hold's global id.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="Makes a repetition harmless: it gives the first answer again."
    )


@strawberry.type(description="A hold as it is now.")
class HoldPayload:
    hold: Hold = strawberry.field(description="The hold.")
    replayed: bool = strawberry.field(description="The key had run before: nothing was done again.")
    member_id: strawberry.Private[int]

    @field("The member, as the hold left them.")
    async def member(self, info: Info) -> Member | None:
        return await load_answering(self.member_id, info.context)


@strawberry.type(description="What was settled.")
class HoldSettlePayload:
    hold: Hold = strawberry.field(description="The hold.")
    redemption: Redemption = strawberry.field(description="What it became.")
    replayed: bool = strawberry.field(description="The key had run before: nothing was settled again.")
    member_id: strawberry.Private[int]

    @field("The member, as the settlement left them.")
    async def member(self, info: Info) -> Member | None:
        return await load_answering(self.member_id, info.context)


@strawberry.type
class HoldMutation:
    @mutation("Reserve points of a member: exactly once for each key, enough or nothing.")
    async def hold_create(self, info: Info, input: HoldCreateInput) -> HoldPayload | None:
        command = CreateHold(
            relation_reference=input.relation_reference,
            points=input.points,
            purpose=input.purpose.name,
            amount=input.amount,
            merchant_name=input.merchant_name,
            use_defaults=True,
            validity_days=input.validity_days,
            until=input.until,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        row = await create_hold(info.context.moving(), command)
        return HoldPayload(hold=to_hold(row, info.context), replayed=row.replayed, member_id=row.member_id)

    @mutation("Settle a pending hold, whole or in part; what expired while it was held is spent all the same.")
    async def hold_settle(self, info: Info, input: HoldSettleInput) -> HoldSettlePayload | None:
        command = SettleHold(
            hold_id=_hold_id(input.hold_id, info.context),
            points=input.points,
            loyalty_txn_type=input.loyalty_txn_type,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        row = await settle_hold(info.context.changing(), command)
        return HoldSettlePayload(
            hold=to_hold(row.hold, info.context),
            redemption=to_redemption(row.redemption, info.context),
            replayed=row.replayed,
            member_id=row.hold.member_id,
        )

    @mutation("Cancel a pending hold; what expired while it was held is not revived.")
    async def hold_cancel(self, info: Info, input: HoldCancelInput) -> HoldPayload | None:
        command = CancelHold(
            hold_id=_hold_id(input.hold_id, info.context), idempotency_key=read_key(input.idempotency_key, info.context)
        )
        row = await cancel_hold(info.context.changing(), command)
        return HoldPayload(hold=to_hold(row, info.context), replayed=row.replayed, member_id=row.member_id)


def _hold_id(given: str, context: RequestContext) -> int:
    """The hold's number. Raises BadRequest, RedemptionNotFound (somebody else's holds do not exist)."""
    number = decode(given, "holdId").number(HOLD, context.ctx.principal.program)
    if number is None:
        raise RedemptionNotFound
    return number
