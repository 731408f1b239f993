"""Mutations of sub-relations."""

from datetime import date

import strawberry

from domain.errors import SubRelationNotFound
from resolvers.sub_relation import (
    LinkSubRelation,
    SubRelationWritten,
    UnlinkSubRelation,
    link_sub_relation,
    unlink_sub_relation,
)
from schema.context import Info, RequestContext
from schema.field import field, mutation
from schema.global_id import SUB_RELATION, decode
from schema.mutations.idempotency import read_key
from schema.types.member import Member, load_answering
from schema.types.sub_relation import SubRelation, SubRelationType, to_sub_relation


@strawberry.input(
    description="A card, account, device or external id of one member. At least one of `cardNumber` and "
    "`subRelationIdentifier` is given and is not zero; the pair never changes. What is null stays."
)
class SubRelationLinkInput:
    relation_reference: str = strawberry.field(description="The member's reference.")
    type: SubRelationType = strawberry.field(description="What it is.")
    card_number: str | None = strawberry.field(default=None, description="The card number, with or without blanks.")
    sub_relation_identifier: str | None = strawberry.field(default=None, description="The program's own name of it.")
    last_six_digits: str | None = strawberry.field(default=None, description="At most six digits, to be shown.")
    product_code: str | None = strawberry.field(default=None, description="Which product it is.")
    expiry_date: date | None = strawberry.field(default=None, description="The last day it is good for.")
    status: str | None = strawberry.field(default=None, description="Its status, in the program's words.")
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.input(description="A sub-relation to take away from its member.")
class SubRelationUnlinkInput:
    sub_relation_id: strawberry.ID = strawberry.field(description="The sub-relation's global id.")
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.type(description="The sub-relation as it is now; one that was taken away, as it was.")
class SubRelationPayload:
    sub_relation: SubRelation = strawberry.field(description="The sub-relation.")
    replayed: bool = strawberry.field(description="The idempotency key had run before: nothing was done again.")
    member_id: strawberry.Private[int]

    @field("The member.")
    async def member(self, info: Info) -> Member | None:
        return await load_answering(self.member_id, info.context)


@strawberry.type
class SubRelationMutation:
    @mutation("Link a card, account, device or external id to a member, or change what is linked as the same pair.")
    async def sub_relation_link(self, info: Info, input: SubRelationLinkInput) -> SubRelationPayload | None:
        command = LinkSubRelation(
            relation_reference=input.relation_reference,
            type=input.type.name,
            card_number=input.card_number,
            sub_relation_identifier=input.sub_relation_identifier,
            last_six_digits=input.last_six_digits,
            product_code=input.product_code,
            expiry_date=input.expiry_date,
            status=input.status,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        return _payload(await link_sub_relation(info.context.changing(), command), info.context)

    @mutation("Take a sub-relation away from its member. What it earned stays.")
    async def sub_relation_unlink(self, info: Info, input: SubRelationUnlinkInput) -> SubRelationPayload | None:
        context = info.context
        number = decode(input.sub_relation_id, "subRelationId").number(SUB_RELATION, context.ctx.principal.program)
        if number is None:
            raise SubRelationNotFound
        command = UnlinkSubRelation(
            sub_relation_id=number, idempotency_key=read_key(input.idempotency_key, info.context)
        )
        return _payload(await unlink_sub_relation(context.changing(), command), context)


def _payload(written: SubRelationWritten, context: RequestContext) -> SubRelationPayload:
    return SubRelationPayload(
        sub_relation=to_sub_relation(written.sub_relation, context),
        replayed=written.replayed,
        member_id=written.sub_relation.member_id,
    )
