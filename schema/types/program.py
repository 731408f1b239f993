"""Programs, their configuration and their credentials."""

from datetime import datetime
from enum import Enum

import strawberry

from domain.errors import ProgramNotFound
from resolvers.program import CredentialRecord, ProgramTerms
from resolvers.program import IssuedCredential as IssuedRow
from resolvers.program import Program as ProgramRow
from schema.context import Info, RequestContext
from schema.field import field
from schema.global_id import PROGRAM, encode
from schema.scalar import Points
from schema.types.node import Node


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

    @field("How many decimals a point has: 0 for whole points.")
    async def points_decimals(self, info: Info) -> int | None:
        return (await self._terms(info)).points_decimals

    @field("The fewest points that are redeemed at once; 0 for no minimum.")
    async def redemption_minimum(self, info: Info) -> Points | None:
        return Points((await self._terms(info)).redemption_minimum)

    @field("What points may be redeemed for.")
    async def redemption_types(self, info: Info) -> list[RedemptionType] | None:
        terms = await self._terms(info)
        return [
            RedemptionType(type=number, name=name, is_default=number == terms.default_loyalty_txn_type)
            for number, name in terms.redemption_types.items()
        ]

    @field("The time zone of its days, dates and answers: an IANA name such as `Asia/Kolkata`.")
    async def time_zone(self, info: Info) -> str | None:
        return (await self._terms(info)).time_zone

    @field("The currency of its amounts of money.")
    async def currency(self, info: Info) -> str | None:
        return (await self._terms(info)).currency

    @field("Whether every redemption needs an idempotency key; with a member's token it needs one anyway.")
    async def require_key(self, info: Info) -> bool | None:
        return (await self._terms(info)).require_key

    async def _terms(self, info: Info) -> ProgramTerms:
        terms = await info.context.loaders.terms.load(self.row_id)
        if terms is None:
            raise ProgramNotFound
        return terms


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


def to_program(row: ProgramRow, context: RequestContext) -> Program:
    """A program as callers see it."""
    return Program(
        id=encode(PROGRAM, row.id, ""),
        program_id=row.public_id,
        environment=Environment(row.environment),
        name=row.name,
        configuration_version=row.config_version,
        created_at=context.local(row.created_at),
        row_id=row.id,
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
