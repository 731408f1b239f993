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
    RedemptionNotFound,
    SubRelationAmbiguous,
)
from rest_compat.answers import transaction as answer
from rest_compat.answers.shape import TRUE
from rest_compat.call import with_bearer
from rest_compat.envelope import QUEUED_CODE
from rest_compat.handlers import transaction
from rest_compat.operation import REPLAY_HEADERS, Operation
from rest_compat.requests import transaction as request
from rest_compat.requests.shared import PROGRAM_QUERY

_TRANSACTION = "/lbms-ingress/transaction-lm/API/Transaction"
_MAX_ARRAY_BYTES = 8 * 1024 * 1024

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
            "X-Transaction-Status": "`ON HOLD` or `PARTIAL HOLD` where it waits for a review, whole or in part.",
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
    Operation(
        number=9,
        name="InsertTransactionDataV2",
        group="transactions",
        summary="Queue transactions; the batch tells later what became of each",
        method="POST",
        lbms_path=f"{_TRANSACTION}/InsertTransactionDataV2",
        query=PROGRAM_QUERY,
        body=request.TRANSACTION_BODY,
        is_array=True,
        free_keys=True,
        max_body_bytes=_MAX_ARRAY_BYTES,
        serve=with_bearer(transaction.queue),
        answer=answer.QUEUED,
        ok_status=202,
        ok_code=QUEUED_CODE,
        leads_to={"PollTransactionBatchStatus": {"batch_id": "answer:batch_id"}},
        errors=(BadRequest, Forbidden, InvalidRequest),
    ),
    Operation(
        number=10,
        name="PollTransactionBatchStatus",
        group="transactions",
        summary="What became of queued transactions",
        method="GET",
        lbms_path=f"{_TRANSACTION}/PollTransactionBatchStatus",
        query=request.BATCH_QUERY,
        serve=with_bearer(transaction.poll),
        answer=answer.BATCH,
        errors=(BadRequest, Forbidden, InvalidRequest, RedemptionNotFound),
    ),
)
