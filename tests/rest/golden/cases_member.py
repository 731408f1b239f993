"""Create, get and update profiles."""

from collections.abc import Mapping
from typing import Any

from domain.errors import (
    BadRequest,
    CancelledMemberUpdate,
    DuplicateAttribute,
    DuplicateEmail,
    DuplicateMobile,
    DuplicateRecord,
    InvalidAttribute,
    InvalidRequest,
    MemberNonexistent,
    MemberNotFound,
)
from tests.rest.golden.case import UNKNOWN_ID, Ask, Case, Setup, asking, changed, key_reused, refusal, repeated, success
from tests.rest.world import World

_ADA: Mapping[str, Any] = {
    "relation_reference": "ADA-1",
    "full_name": "Ada Byron",
    "email_id": "ada@example.com",
    "mobile_number": "+441234567",
    "gender": "F",
    "dob": "1990-12-31",
    "address": "1 Road",
    "preferred_language": "en",
    "status": "1",
    "card_id": "C-1",
    "shirt_size": 38,
}


async def _enrolment(world: World) -> Ask:
    return Ask(body=dict(_ADA), query={"pintProgramId": world.credential.program_id})


def _taken(**unique: Any) -> Setup:
    """An enrolment after another member has one of its values."""

    async def setup(world: World) -> Ask:
        await world.member(**unique)
        return await _enrolment(world)

    return setup


async def _rich(world: World) -> Ask:
    await world.call("CreateProfileWithAttributes", _ADA)
    await world.earn("ADA-1", 21)
    await world.link("ADA-1", type="CARD", card_number="4111111111111111", product_code="GOLD")
    return Ask(query={"pstrRelationReference": "ADA-1"})


async def _found(world: World) -> Ask:
    await _rich(world)
    return Ask(query={"pstrUniqueAttributeKey": "email_id", "pstrUniqueAttributeValue": "ADA@example.com"})


async def _own(world: World) -> Ask:
    return Ask(token=await world.bound_token(await world.member(points=10)))


def _update(data: Mapping[str, Any], status: int = 1, **other: Any) -> Setup:
    """An update of the first member, beside whom there is another one."""

    async def setup(world: World) -> Ask:
        query = {"pstrRelationReference": await world.member(status=status)}
        await world.member(**other)
        profile = await world.call("GetMemberProfile", query=query)
        return Ask(body={"id": profile.value["Id"], "data": dict(data)})

    return setup


_CREATE, _UPDATE = "CreateProfileWithAttributes", "UpdateProfileWithAttributes"
_PROFILE, _UNIQUE = "GetMemberProfile", "GetMemberDetailsByUniqueAttribute"
_RENAMED = _update({"full_name": "Ada Lovelace", "address": ""})

CASES: tuple[Case, ...] = (
    success(_CREATE, _enrolment),
    success(_CREATE, repeated(_enrolment, _CREATE), "replayed"),
    refusal(_CREATE, BadRequest, changed(_enrolment, {"relation_reference": None})),
    refusal(_CREATE, InvalidRequest, changed(_enrolment, {"_xoxo_api_client_idempotency": "k" * 101})),
    key_reused(_enrolment, _CREATE, {"full_name": "Ada Lovelace"}),
    refusal(_CREATE, InvalidAttribute, changed(_enrolment, {"gender": "X"})),
    refusal(_CREATE, DuplicateRecord, changed(_taken(), {"relation_reference": "M-1"})),
    refusal(_CREATE, DuplicateEmail, _taken(email_id="Ada@Example.com")),
    refusal(_CREATE, DuplicateMobile, _taken(mobile_number="+441234567")),
    refusal(_CREATE, DuplicateAttribute, _taken(card_id="C-1")),
    success(_PROFILE, _rich),
    success(_PROFILE, _own, "own"),
    refusal(_PROFILE, BadRequest, asking()),
    refusal(_PROFILE, InvalidRequest, asking(query={"pstrRelationReference": "M-1", "pintRelationType": 5})),
    refusal(_PROFILE, MemberNotFound, asking(query={"pstrRelationReference": "nobody"})),
    success(_UNIQUE, _found),
    refusal(_UNIQUE, InvalidRequest, changed(_found, query={"pstrUniqueAttributeKey": "full_name"})),
    refusal(_UNIQUE, MemberNotFound, changed(_found, query={"pstrUniqueAttributeValue": "bob@example.com"})),
    success(_UPDATE, _RENAMED),
    success(_UPDATE, repeated(_RENAMED, _UPDATE), "replayed"),
    refusal(_UPDATE, BadRequest, _update({})),
    refusal(_UPDATE, InvalidRequest, _update({"relation_reference": "M-9"})),
    key_reused(_RENAMED, _UPDATE, {"data": {"full_name": "Ada King"}}),
    refusal(_UPDATE, InvalidAttribute, _update({"shirt_size": "large"})),
    refusal(_UPDATE, MemberNonexistent, changed(_RENAMED, {"id": UNKNOWN_ID})),
    refusal(_UPDATE, CancelledMemberUpdate, _update({"full_name": "Ada Lovelace"}, status=4)),
    refusal(_UPDATE, DuplicateEmail, _update({"email_id": "bob@example.com"}, email_id="bob@example.com")),
    refusal(_UPDATE, DuplicateMobile, _update({"mobile_number": "+447654321"}, mobile_number="+447654321")),
    refusal(_UPDATE, DuplicateAttribute, _update({"card_id": "C-2"}, card_id="C-2")),
)
