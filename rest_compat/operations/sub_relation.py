"""Link cards, accounts and devices to members, and find them."""

from domain.errors import (
    BadRequest,
    CancelledMemberUpdate,
    Forbidden,
    InvalidRequest,
    KeyReused,
    MemberNotFound,
    SubRelationLinked,
)
from rest_compat.answers import sub_relation as answer
from rest_compat.call import with_bearer
from rest_compat.handlers import sub_relation
from rest_compat.operation import READ_ERRORS, REPLAY_HEADERS, Operation
from rest_compat.requests import sub_relation as request

_MEMBER = "/lbms-ingress/member/api/Member"

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        number=6,
        name="CreateSubRelation",
        group="sub-relations",
        summary="Link a card, account or device to a member, or change what is linked as the same pair",
        method="POST",
        lbms_path=f"{_MEMBER}/CreateSubRelation",
        body=request.CREATE_BODY,
        keyed=True,
        serve=with_bearer(sub_relation.create),
        answer=answer.SUB_RELATION,
        ok_headers=REPLAY_HEADERS,
        errors=(
            BadRequest,
            Forbidden,
            InvalidRequest,
            KeyReused,
            MemberNotFound,
            CancelledMemberUpdate,
            SubRelationLinked,
        ),
    ),
    Operation(
        number=7,
        name="GetSubRelations",
        group="sub-relations",
        summary="What is linked to a member, or every member that has a card or identifier",
        method="GET",
        lbms_path=f"{_MEMBER}/GetSubRelations",
        query=request.LIST_QUERY,
        serve=with_bearer(sub_relation.find),
        lists=True,
        for_members=True,
        member_field="pstrRelationReference",
        answer=answer.FOUND,
        errors=READ_ERRORS,
    ),
)
