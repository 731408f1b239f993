"""Transfer points between members."""

from domain.errors import (
    BadRequest,
    Forbidden,
    InsufficientPoints,
    InvalidRequest,
    KeyReused,
    MemberCancelled,
    MemberNotFound,
    MembershipBlocked,
    MemberSuspended,
    PointsNotPositive,
)
from rest_compat.answers import transfer as answer
from rest_compat.call import with_bearer
from rest_compat.handlers import transfer
from rest_compat.operation import REPLAY_HEADERS, Operation
from rest_compat.requests import transfer as request

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        number=11,
        name="TransferPoints",
        group="transactions",
        summary="Move points from one member to another; they keep the dates on which they expire",
        method="POST",
        lbms_path="/lbms-ingress/transaction-lm/API/Transaction/TransferPoints",
        body=request.TRANSFER_BODY,
        keyed=True,
        serve=with_bearer(transfer.transfer),
        for_members=True,
        member_field="FromRelationReference",
        answer=answer.REFERENCE,
        ok_headers=REPLAY_HEADERS,
        errors=(
            BadRequest,
            Forbidden,
            InvalidRequest,
            PointsNotPositive,
            KeyReused,
            MemberNotFound,
            MemberSuspended,
            MemberCancelled,
            MembershipBlocked,
            InsufficientPoints,
        ),
    ),
)
