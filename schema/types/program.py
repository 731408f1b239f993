"""Programs, their configuration and their credentials."""

from datetime import datetime
from decimal import Decimal
from enum import Enum

import strawberry

from domain.errors import ProgramNotFound
from domain.rules.terms import NO_CURRENCY
from resolvers.program import CredentialRecord, ProgramTerms
from resolvers.program import IssuedCredential as IssuedRow
from resolvers.program import Program as ProgramRow
from resolvers.program_plan import ProgramPlan
from schema.context import Info, RequestContext
from schema.field import field
from schema.global_id import PROGRAM, encode
from schema.scalar import Points
from schema.types.node import Node
from schema.types.program_plan import (
    ExpiryOffer,
    ReferralOffer,
    Tier,
    TierTerms,
    to_expiry,
    to_referral,
    to_tier_terms,
    to_tiers,
)
from schema.types.session import SessionMethod


@strawberry.enum(description="The two environments of a program; their data never meet.")
class Environment(Enum):
    SANDBOX = strawberry.enum_value("sandbox", description="To try things out.")
    LIVE = strawberry.enum_value("live", description="In earnest.")


@strawberry.type(description="A type of redemption.")
class RedemptionType:
    type: int = strawberry.field(description="The number: `loyaltyTxnType` of `pointsRedeem`.")
    name: str = strawberry.field(description="What it stands for.")
    is_default: bool = strawberry.field(description="A redemption that names no type is of this one.")


@strawberry.type(description="A loyalty program in one environment.")
class Program(Node):
    program_id: int = strawberry.field(description="The number that integrators know; both environments share it.")
    environment: Environment = strawberry.field(description="The environment.")
    name: str = strawberry.field(description="Name.")
    configuration_version: int = strawberry.field(description="The version of the configuration in force.")
    created_at: datetime = strawberry.field(description="When it was created.")
    row_id: strawberry.Private[int]
    shown: strawberry.Private[ProgramTerms | None]

    @field("How many decimals a point has: 0 for whole points.", always=True)
    async def points_decimals(self, info: Info) -> int | None:
        return (await self._plan(info)).terms.points_decimals

    @field("The fewest points that are redeemed at once; 0 for no minimum.", always=True)
    async def redemption_minimum(self, info: Info) -> Points | None:
        return Points((await self._plan(info)).terms.redemption_minimum)

    @field("What points may be redeemed for. As many as the configuration has.", always=True)
    async def redemption_types(self, info: Info) -> list[RedemptionType] | None:
        terms = (await self._plan(info)).terms
        return [
            RedemptionType(type=number, name=name, is_default=number == terms.default_loyalty_txn_type)
            for number, name in terms.redemption_types.items()
        ]

    @field("The time zone of its days, dates and answers: an IANA name such as `Asia/Kolkata`.", always=True)
    async def time_zone(self, info: Info) -> str | None:
        return (await self._shown(info)).time_zone

    @field(
        "How members sign in with the publishable key: by a link where the program has a page for links.", always=True
    )
    async def sign_in_methods(self, info: Info) -> list[SessionMethod] | None:
        has_links = (await self._shown(info)).sign_in_url is not None
        return [one for one in SessionMethod if has_links or one is not SessionMethod.LINK]

    @field("The currency of its amounts of money; null: the configuration names none.")
    async def currency(self, info: Info) -> str | None:
        named = (await self._plan(info)).terms.currency
        return None if named == NO_CURRENCY else named

    @field("Whether every redemption needs an idempotency key; with a member's token it needs one anyway.", always=True)
    async def require_key(self, info: Info) -> bool | None:
        return (await self._plan(info)).terms.require_key

    @field(
        "How many points are one unit of the currency: `points / redemptionRate` is the money that points are worth.",
        always=True,
    )
    async def redemption_rate(self, info: Info) -> Decimal | None:
        return (await self._plan(info)).terms.redemption_rate

    @field(
        "The levels of its tiers, lowest first; empty where it has none. As many as the configuration has.", always=True
    )
    async def tiers(self, info: Info) -> list[Tier] | None:
        return to_tiers((await self._plan(info)).tiers)

    @field("How tiers are reached and kept; null where the program has none.")
    async def tier_terms(self, info: Info) -> TierTerms | None:
        return to_tier_terms((await self._plan(info)).tiers)

    @field("What bringing a new member gives; null: referrals are off.")
    async def referral(self, info: Info) -> ReferralOffer | None:
        return to_referral((await self._plan(info)).referrals)

    @field("When points expire.", always=True)
    async def expiry(self, info: Info) -> ExpiryOffer | None:
        return to_expiry((await self._plan(info)).expiry)

    async def _shown(self, info: Info) -> ProgramTerms:
        """What everybody may see of the terms."""
        return self.shown or (await self._plan(info)).terms

    async def _plan(self, info: Info) -> ProgramPlan:
        plan = await info.context.loaders.plan.load(self.row_id)
        if plan is None:
            raise ProgramNotFound
        return plan


@strawberry.type(description="A credential that the program has or had. Secrets are never shown again.")
class Credential:
    client_id: str = strawberry.field(description="The client id.")
    publishable_key: str = strawberry.field(
        description="The key that may stand in a browser: it names the program, and members sign in with it."
    )
    generation: int = strawberry.field(description="Counts the resets; tokens of earlier generations are dead.")
    created_at: datetime = strawberry.field(description="When it was made.")
    created_by: str = strawberry.field(description="Who made it.")
    revoked_at: datetime | None = strawberry.field(description="When it died; null for the one that is good.")


@strawberry.type(description="A fresh credential: the only place where its secret is ever shown.")
class IssuedCredential:
    program_id: int = strawberry.field(description="The program's number.")
    environment: Environment = strawberry.field(description="The environment that it opens.")
    client_id: str = strawberry.field(description="The client id.")
    client_secret: str = strawberry.field(description="The client secret. Store it now.")
    publishable_key: str = strawberry.field(
        description="The key that may stand in a browser: it names the program, and members sign in with it."
    )


def to_program(row: ProgramRow, context: RequestContext, shown: ProgramTerms | None = None) -> Program:
    """A program as callers see it; a visitor, to whom `shown` is given, sees nothing else of its terms."""
    return Program(
        id=encode(PROGRAM, row.id, ""),
        program_id=row.public_id,
        environment=Environment(row.environment),
        name=row.name,
        configuration_version=row.config_version,
        created_at=context.local(row.created_at),
        row_id=row.id,
        shown=shown,
    )


def to_credential(row: CredentialRecord, context: RequestContext) -> Credential:
    """A credential as callers see it."""
    return Credential(
        client_id=row.client_id,
        publishable_key=row.publishable_key,
        generation=row.generation,
        created_at=context.local(row.created_at),
        created_by=row.created_by,
        revoked_at=context.local_or_none(row.revoked_at),
    )


def to_issued_credential(row: IssuedRow) -> IssuedCredential:
    """A fresh credential as its owner sees it, once."""
    return IssuedCredential(
        program_id=row.program_id,
        environment=Environment(row.environment),
        client_id=row.client_id,
        client_secret=row.client_secret,
        publishable_key=row.publishable_key,
    )
