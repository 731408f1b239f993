"""Mutations that redeem points and give them back."""

from decimal import Decimal
from uuid import UUID

import strawberry

from resolvers.redemption import RedeemPoints, ReverseRedemption, redeem_points, reverse_redemption
from schema.context import Info
from schema.field import field, mutation
from schema.mutations.idempotency import read_key
from schema.scalar import Points
from schema.types.member import Member, load_answering
from schema.types.redemption import Redemption, Reversal, to_redemption, to_reversal


@strawberry.input(description="Points to redeem, all or nothing.")
class PointsRedeemInput:
    points: Points = strawberry.field(description="How many, in the program's unit.")
    relation_reference: str | None = strawberry.field(
        default=None, description="The member's reference; may be left out with a member's token."
    )
    merchant_name: str | None = strawberry.field(
        default=None,
        description="Where: up to 200 characters; null: the program's `default_merchant`, or else its name.",
    )
    loyalty_txn_type: int | None = strawberry.field(
        default=None, description="A type of the program's list; null: the program's default."
    )
    amount: Decimal | None = strawberry.field(default=None, description="The money that the points stand for.")
    external_reference: UUID | None = strawberry.field(
        default=None,
        description="A reference of your own choice; serves as the key where no key is given. Not in a session of a "
        "member: it is one for the whole program.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="Makes a repetition harmless: it gives the first answer again. "
        "Up to 100 characters; needed with a member's token.",
    )


@strawberry.input(description="A redemption to give back, whole.")
class RedemptionReverseInput:
    relation_reference: str = strawberry.field(description="The reference of the member who redeemed.")
    external_reference: UUID = strawberry.field(description="The reference of the redemption.")
    merchant_name: str | None = strawberry.field(
        default=None, description="Where the points were redeemed, refused if it was elsewhere; null: not checked."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Makes a repetition harmless: it gives the first answer again."
    )


@strawberry.type(description="What was redeemed.")
class PointsRedeemPayload:
    redemption: Redemption = strawberry.field(description="The redemption.")
    replayed: bool = strawberry.field(description="The key had run before: nothing was redeemed again.")
    member_id: strawberry.Private[int]

    @field("The member, as the redemption left them.")
    async def member(self, info: Info) -> Member | None:
        return await load_answering(self.member_id, info.context)


@strawberry.type(description="What was given back.")
class RedemptionReversePayload:
    reversal: Reversal = strawberry.field(description="The reversal.")
    replayed: bool = strawberry.field(description="The key had run before: nothing was reversed again.")
    member_id: strawberry.Private[int]

    @field("The member, as the reversal left them.")
    async def member(self, info: Info) -> Member | None:
        return await load_answering(self.member_id, info.context)


@strawberry.type
class RedemptionMutation:
    @mutation("Redeem points of a member: exactly once for each key, enough or nothing.")
    async def points_redeem(self, info: Info, input: PointsRedeemInput) -> PointsRedeemPayload | None:
        command = RedeemPoints(
            relation_reference=input.relation_reference,
            points=input.points,
            amount=input.amount,
            merchant_name=input.merchant_name,
            loyalty_txn_type=input.loyalty_txn_type,
            use_defaults=True,
            external_reference=input.external_reference,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        row = await redeem_points(info.context.moving(), command)
        return PointsRedeemPayload(
            redemption=to_redemption(row, info.context), replayed=row.replayed, member_id=row.member_id
        )

    @mutation("Give a redemption back to the points that it took, exactly once.")
    async def redemption_reverse(self, info: Info, input: RedemptionReverseInput) -> RedemptionReversePayload | None:
        command = ReverseRedemption(
            relation_reference=input.relation_reference,
            external_reference=str(input.external_reference),
            merchant_name=input.merchant_name,
            use_defaults=True,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        row = await reverse_redemption(info.context.moving(), command)
        return RedemptionReversePayload(
            reversal=to_reversal(row, info.context), replayed=row.replayed, member_id=row.member_id
        )
