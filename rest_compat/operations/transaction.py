"""Submit transactions."""

from domain.errors import (
    AccrualNotAllowed,
    AwardFailed,
    BadRequest,
    DuplicateRecord,
    Forbidden,
    InsertFailed,
    InsufficientPoints,
    InvalidAttribute,
    InvalidProductCode,
    InvalidRequest,
    KeyReused,
    MemberCancelled,
    MemberNotFound,
    MembershipBlocked,
    MemberSuspended,
    SubRelationAmbiguous,
)
from rest_compat.answers.shape import TRUE
from rest_compat.call import with_bearer
from rest_compat.handlers import transaction
from rest_compat.operation import REPLAY_HEADERS, Operation
from rest_compat.requests import transaction as request
from rest_compat.requests.shared import PROGRAM_QUERY

_TRANSACTION = "/lbms-ingress/transaction-lm/API/Transaction"

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        number=8,
        name="InsertTransactionData",
        group="transactions",
        summary="Submit a transaction; the rules have run when the answer comes",
        method="POST",
        lbms_path=f"{_TRANSACTION}/InsertTransactionData",
        query=PROGRAM_QUERY,
        body=request.TRANSACTION_BODY,
        free_keys=True,
        keyed=True,
        serve=with_bearer(transaction.insert),
        answer=TRUE,
        ok_headers={
            **REPLAY_HEADERS,
            "X-Points-Awarded": "The points that the transaction earned, or (negative) took back.",
        },
        errors=(
            BadRequest,
            Forbidden,
            InvalidRequest,
            KeyReused,
            InvalidAttribute,
            InvalidProductCode,
            SubRelationAmbiguous,
            MemberNotFound,
            MemberCancelled,
            MemberSuspended,
            MembershipBlocked,
            AccrualNotAllowed,
            DuplicateRecord,
            InsufficientPoints,
            AwardFailed,
            InsertFailed,
        ),
    ),
)
