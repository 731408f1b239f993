"""Handlers of the sub-relations group."""

from datetime import datetime
from typing import Any

from domain.errors import InvalidRequest
from resolvers.sub_relation import (
    LinkedMember,
    LinkSubRelation,
    SubRelation,
    link_sub_relation,
    list_linked_members,
    list_sub_relations,
)
from rest_compat.call import REPLAYED
from rest_compat.envelope import Answer, date_as_time
from rest_compat.operation import Call


async def create(call: Call) -> Answer:
    """The sub-relation as stored: new, or a known pair with what changed."""
    values = call.values
    expiry = values["ExpiryDate"]
    written = await link_sub_relation(
        call.ctx,
        LinkSubRelation(
            relation_reference=values["RelationReference"],
            type=values["SubRelationType"],
            card_number=values["CardNumber"],
            sub_relation_identifier=values["SubRelationIdentifier"],
            last_six_digits=values["LastSixDigits"],
            product_code=values["ProductCode"],
            expiry_date=expiry.date() if isinstance(expiry, datetime) else expiry,
            status=values["Status"],
            idempotency_key=call.key,
        ),
    )
    return Answer(return_object=shown(written.sub_relation), headers=REPLAYED if written.replayed else ())


async def find(call: Call) -> Answer:
    """The sub-relations of a member, or every member that has a card or an identifier."""
    values = call.values
    reference = values["pstrRelationReference"]
    card, identifier = values["pstrCardNumber"], values["pstrSubRelationIdentifier"]
    if card is None and identifier is None:
        listed = [shown(one) for one in await list_sub_relations(call.ctx, reference)]
    elif reference is None:
        listed = [_linked(one) for one in await list_linked_members(call.ctx, card, identifier)]
    else:
        raise InvalidRequest("pstrRelationReference: stands beside a card or identifier", field="pstrRelationReference")
    return Answer(return_object=listed, count=len(listed))


def shown(one: SubRelation) -> dict[str, Any]:
    """A sub-relation as every answer has it."""
    return {
        "Id": one.id,
        "SubRelationType": one.type,
        "CardNumber": one.card_number,
        "CardLastFour": one.card_last_four,
        "SubRelationIdentifier": one.identifier,
        "LastSixDigits": one.last_six_digits,
        "ProductCode": one.product_code,
        "ExpiryDate": date_as_time(one.expiry_date),
        "Status": one.status,
    }


def _linked(one: LinkedMember) -> dict[str, Any]:
    return {
        "Id": one.member.id,
        "RelationReference": one.member.relation_reference,
        "FullName": one.member.full_name,
        "MemberRelationsList": [shown(link) for link in one.sub_relations],
    }
