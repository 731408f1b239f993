"""Enrol, read and change members."""

from domain.errors import (
    BadRequest,
    CancelledMemberUpdate,
    DuplicateAttribute,
    DuplicateEmail,
    DuplicateMobile,
    DuplicateRecord,
    Forbidden,
    InvalidAttribute,
    InvalidRequest,
    KeyReused,
    MemberNonexistent,
    UpdateFailed,
)
from rest_compat.answers import member as answer
from rest_compat.answers.shape import TRUE
from rest_compat.call import with_bearer
from rest_compat.handlers import member
from rest_compat.operation import READ_ERRORS, REPLAY_HEADERS, Operation
from rest_compat.requests import member as request
from rest_compat.requests.shared import PROGRAM_QUERY

_MEMBER = "/lbms-ingress/member/api/Member"
_DUPLICATES = (DuplicateRecord, DuplicateEmail, DuplicateMobile, DuplicateAttribute)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        number=2,
        name="CreateProfileWithAttributes",
        group="members",
        summary="Enrol a member",
        method="POST",
        lbms_path=f"{_MEMBER}/CreateProfileWithAttributes",
        query=PROGRAM_QUERY,
        body=request.CREATE_BODY,
        free_keys=True,
        keyed=True,
        serve=with_bearer(member.create),
        answer=TRUE,
        ok_headers=REPLAY_HEADERS,
        leads_to={"GetMemberProfile": {"pstrRelationReference": "request:relation_reference"}},
        errors=(BadRequest, Forbidden, InvalidRequest, KeyReused, InvalidAttribute, *_DUPLICATES),
    ),
    Operation(
        number=3,
        name="GetMemberProfile",
        group="members",
        summary="A member's profile and balance",
        method="GET",
        lbms_path=f"{_MEMBER}/GetMemberProfile",
        query=request.PROFILE_QUERY,
        serve=with_bearer(member.profile),
        for_members=True,
        member_field="pstrRelationReference",
        answer=answer.PROFILE,
        errors=READ_ERRORS,
    ),
    Operation(
        number=4,
        name="GetMemberDetailsByUniqueAttribute",
        group="members",
        summary="The member with a value of a unique attribute",
        method="GET",
        lbms_path=f"{_MEMBER}/GetMemberDetailsByUniqueAttribute",
        query=request.UNIQUE_ATTRIBUTE_QUERY,
        serve=with_bearer(member.by_unique_attribute),
        answer=answer.MEMBER_BRIEF,
        errors=READ_ERRORS,
    ),
    Operation(
        number=5,
        name="UpdateProfileWithAttributes",
        group="members",
        summary="Change attributes of a member",
        method="POST",
        lbms_path=f"{_MEMBER}/UpdateProfileWithAttributes",
        query=PROGRAM_QUERY,
        body=request.UPDATE_BODY,
        keyed=True,
        serve=with_bearer(member.update),
        answer=TRUE,
        ok_headers=REPLAY_HEADERS,
        errors=(
            BadRequest,
            Forbidden,
            InvalidRequest,
            KeyReused,
            InvalidAttribute,
            MemberNonexistent,
            CancelledMemberUpdate,
            DuplicateEmail,
            DuplicateMobile,
            DuplicateAttribute,
            UpdateFailed,
        ),
    ),
)
