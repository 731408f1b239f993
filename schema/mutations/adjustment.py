"""Mutations that correct balances and give bonuses."""

from datetime import date, datetime
from enum import Enum
from uuid import UUID

import strawberry

from domain.errors import RedemptionNotFound
from domain.ledger.posting import BONUS, PARTNER, PURCHASED
from resolvers.adjustment import AdjustPoints, adjust_points
from resolvers.bonus import PostBonus, post_bonus
from resolvers.points_request import approve_adjustment, reject_adjustment
from schema.context import Info, RequestContext
from schema.field import field, mutation
from schema.global_id import REQUEST, decode
from schema.mutations.idempotency import read_key
from schema.scalar import Points
from schema.types.entry import LedgerEntry, load_entry
from schema.types.member import Member, load_answering
from schema.types.points_request import PointsRequest, load_request, to_request


@strawberry.enum(description="Where a bonus comes from.")
class BonusType(Enum):
    BONUS = strawberry.enum_value("BONUS", description="The program itself (2).")
    PARTNER = strawberry.enum_value("PARTNER", description="A partner (12).")
    PURCHASED = strawberry.enum_value("PURCHASED", description="The member bought the points (13).")


_TYPES = {"BONUS": BONUS, "PARTNER": PARTNER, "PURCHASED": PURCHASED}


@strawberry.input(description="A correction of one member's balance.")
class PointsAdjustInput:
    relation_reference: str = strawberry.field(description="The member's reference.")
    points: Points = strawberry.field(description="Signed: positive gives, negative takes, enough or nothing.")
    reason: str = strawberry.field(description="Why, up to 500 characters; the member's statement shows it.")
    expires: date | None = strawberry.field(
        default=None, description="The last day of what is given; null: as the program has it."
    )
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.input(description="A request to approve.")
class PointsAdjustApproveInput:
    request_id: strawberry.ID = strawberry.field(description="The request's global id.")
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.input(description="A request to turn down.")
class PointsAdjustRejectInput:
    request_id: strawberry.ID = strawberry.field(description="The request's global id.")


@strawberry.input(description="Points to give to one member for another reason than a purchase.")
class BonusPostInput:
    relation_reference: str = strawberry.field(description="The member's reference.")
    points: Points = strawberry.field(description="How many, in the program's unit.")
    type: BonusType = strawberry.field(default=BonusType.BONUS, description="Where they come from.")
    awarded_at: datetime | None = strawberry.field(default=None, description="From when on they count; null: now.")
    expires: date | None = strawberry.field(
        default=None, description="The last day on which they can be spent; null: as the program has it."
    )
    narration: str | None = strawberry.field(
        default=None, description="A text for the statement: up to 500 characters."
    )
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.type(description="What came of a correction: a posting, or a request where the program wants approval.")
class PointsAdjustPayload:
    points: Points = strawberry.field(description="Signed: what the member got is positive.")
    replayed: bool = strawberry.field(description="The key had run before: nothing was done again.")
    member_id: strawberry.Private[int]
    entry_id: strawberry.Private[int | None]
    request_id: strawberry.Private[int | None]

    @field("The member, as the correction left them.")
    async def member(self, info: Info) -> Member | None:
        return await load_answering(self.member_id, info.context)

    @field("The posting; null where the correction waits for approval.")
    async def entry(self, info: Info) -> LedgerEntry | None:
        return None if self.entry_id is None else await load_entry(self.entry_id, info.context)

    @field("The request; null where the correction needed no approval.")
    async def request(self, info: Info) -> PointsRequest | None:
        return None if self.request_id is None else await load_request(self.request_id, info.context)


@strawberry.type(description="A request that was decided.")
class PointsRequestPayload:
    request: PointsRequest = strawberry.field(description="The request.")
    replayed: bool = strawberry.field(description="The key had run before: nothing was done again.")


@strawberry.type(description="What was given.")
class BonusPostPayload:
    external_reference: UUID = strawberry.field(description="The reference of the posting.")
    points: Points = strawberry.field(description="The points that were given.")
    replayed: bool = strawberry.field(description="The key had run before: nothing was given again.")
    member_id: strawberry.Private[int]
    entry_id: strawberry.Private[int]

    @field("The member, as the bonus left them.")
    async def member(self, info: Info) -> Member | None:
        return await load_answering(self.member_id, info.context)

    @field("The posting.")
    async def entry(self, info: Info) -> LedgerEntry | None:
        return await load_entry(self.entry_id, info.context)


@strawberry.type
class AdjustmentMutation:
    @mutation("Correct a balance, with a reason. From the program's limit on it waits for a second administrator.")
    async def points_adjust(self, info: Info, input: PointsAdjustInput) -> PointsAdjustPayload | None:
        command = AdjustPoints(
            relation_reference=input.relation_reference,
            points=input.points,
            reason=input.reason,
            expires=input.expires,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        row = await adjust_points(info.context.changing(), command)
        return PointsAdjustPayload(
            points=Points(row.points),
            replayed=row.replayed,
            member_id=row.member_id,
            entry_id=row.entry_id,
            request_id=row.request_id,
        )

    @mutation("Post a correction that another administrator asked for: exactly once.")
    async def points_adjust_approve(self, info: Info, input: PointsAdjustApproveInput) -> PointsRequestPayload | None:
        number, key = _request_id(input.request_id, info.context), read_key(input.idempotency_key, info.context)
        row = await approve_adjustment(info.context.changing(), number, key)
        return PointsRequestPayload(request=to_request(row, info.context), replayed=row.replayed)

    @mutation("Turn down a correction that another administrator asked for.")
    async def points_adjust_reject(self, info: Info, input: PointsAdjustRejectInput) -> PointsRequestPayload | None:
        row = await reject_adjustment(info.context.changing(), _request_id(input.request_id, info.context))
        return PointsRequestPayload(request=to_request(row, info.context), replayed=row.replayed)

    @mutation("Give points for another reason than a purchase.")
    async def bonus_post(self, info: Info, input: BonusPostInput) -> BonusPostPayload | None:
        command = PostBonus(
            relation_reference=input.relation_reference,
            points=input.points,
            bonus_type=_TYPES[input.type.name],
            awarded_at=input.awarded_at,
            expires=input.expires,
            narration=input.narration,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        row = await post_bonus(info.context.changing(), command)
        return BonusPostPayload(
            external_reference=row.external_reference,
            points=Points(row.points),
            replayed=row.replayed,
            member_id=row.member_id,
            entry_id=row.entry_id,
        )


def _request_id(given: str, context: RequestContext) -> int:
    """The request's number. Raises BadRequest, RedemptionNotFound (other programs' requests do not exist)."""
    number = decode(given, "requestId").number(REQUEST, context.ctx.principal.program)
    if number is None:
        raise RedemptionNotFound
    return number
