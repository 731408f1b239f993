"""Handlers of the members group."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from domain.member import MEMBER_WRITABLE
from resolvers.member import (
    EnrollMember,
    Member,
    UpdateMember,
    enroll_member,
    get_member,
    get_member_by_unique_attribute,
    update_member,
)
from resolvers.segment import Membership, list_memberships
from resolvers.statement import list_balances
from resolvers.sub_relation import SubRelation, list_sub_relations
from resolvers.tier_standing import list_tiers
from rest_compat.call import REPLAYED, ignores_unknown, program_zone
from rest_compat.envelope import Answer, date_as_time, local_time, local_time_or_none
from rest_compat.handlers.sub_relation import shown
from rest_compat.operation import Call
from rest_compat.requests.member import PROFILE_FIELDS


async def create(call: Call) -> Answer:
    """True once the member is enrolled."""
    written = await enroll_member(
        call.ctx,
        EnrollMember(
            values=_given(call.values, PROFILE_FIELDS.names | {"relation_reference"}) | call.extra,
            ignore_unknown=await ignores_unknown(call),
            idempotency_key=call.key,
        ),
    )
    call.request.ignored += written.ignored_keys
    return Answer(return_object=True, headers=REPLAYED if written.replayed else ())


async def update(call: Call) -> Answer:
    """True once the attributes in `data` are stored; an empty text clears."""
    data = PROFILE_FIELDS.match(call.values["data"])
    cleared = {name: "" for name, value in data.values.items() if value == "" and name in MEMBER_WRITABLE}
    data = PROFILE_FIELDS.fill(data)
    written = await update_member(
        call.ctx,
        UpdateMember(
            member_id=call.values["id"],
            values=_given(data.values, PROFILE_FIELDS.names) | cleared | data.extra,
            ignore_unknown=await ignores_unknown(call),
            idempotency_key=call.key,
        ),
    )
    call.request.ignored += written.ignored_keys
    return Answer(return_object=True, headers=REPLAYED if written.replayed else ())


async def profile(call: Call) -> Answer:
    """A member with its balance."""
    member = await get_member(call.ctx, call.values["pstrRelationReference"])
    relations = await list_sub_relations(call.ctx, member.relation_reference)
    found = await list_memberships(call.ctx, [member.id], as_published=True)
    segments = found.get(member.id, Membership()).segments or ()
    zone = await program_zone(call)
    return Answer(return_object=await _brief(call, member) | _detailed(member, relations, segments, zone))


async def by_unique_attribute(call: Call) -> Answer:
    """The member with a value of a unique attribute."""
    values = call.values
    member = await get_member_by_unique_attribute(
        call.ctx, values["pstrUniqueAttributeKey"], values["pstrUniqueAttributeValue"]
    )
    return Answer(return_object=await _brief(call, member))


def _given(values: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in names and value is not None}


async def _brief(call: Call, member: Member) -> dict[str, Any]:
    balances = await list_balances(call.ctx, [member.id])
    tier = (await list_tiers(call.ctx, [member.id])).get(member.id)
    return {
        "Id": member.id,
        "RelationReference": member.relation_reference,
        "FullName": member.full_name,
        "Email": member.email_id,
        "TierName": None if tier is None else tier.name,
        "TotalPoints": balances[member.id].available,
    }


def _detailed(
    member: Member, relations: Sequence[SubRelation], segments: Sequence[str], zone: ZoneInfo
) -> dict[str, Any]:
    return {
        "MobileNumber": member.mobile_number,
        "Address": member.address,
        "DOB": date_as_time(member.dob),
        "Gender": member.gender,
        "Status": member.status,
        "IsAccountActivated": member.activated_at is not None,
        "EnrollmentDate": local_time(member.enrolled_at, zone),
        "ActivatedDate": local_time_or_none(member.activated_at, zone),
        "LastLoggedIn": local_time_or_none(member.last_logged_in_at, zone),
        "IsAccrualAllowed": member.accrual_allowed,
        # The published field is one text, and a member may be in several.
        "CustomerSegment": ", ".join(segments) or None,
        "PreferredLanguage": member.preferred_language,
        "Attributes": dict(member.attributes),
        "MemberRelationsList": [shown(one) for one in relations],
    }
