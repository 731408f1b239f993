"""Check, redeem, reverse."""

from domain.errors import (
    AlreadyReversed,
    BadRequest,
    BelowMinimum,
    Forbidden,
    HeldForReview,
    InsufficientPoints,
    InvalidRequest,
    KeyReused,
    LoginBlocked,
    MemberCancelled,
    MemberNotActive,
    MemberNotFound,
    MembershipBlocked,
    MemberSuspended,
    MerchantMissing,
    PointsNotPositive,
    RedemptionNotFound,
    ReferenceOfAnother,
)
from rest_compat.answers import redemption as answer
from rest_compat.answers.shape import TRUE
from rest_compat.call import with_bearer
from rest_compat.handlers import redemption
from rest_compat.operation import READ_ERRORS, REPLAY_HEADERS, Operation
from rest_compat.requests import redemption as request

_REDEMPTION = "/lbms-ingress/pg-lm/API/PG"

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        number=12,
        name="CheckAvailability",
        group="redemption",
        summary="The points that a member can redeem now",
        method="POST",
        lbms_path=f"{_REDEMPTION}/CheckAvailability",
        body=request.AVAILABILITY_BODY,
        serve=with_bearer(redemption.check),
        for_members=True,
        member_field="RelationReference",
        answer=answer.REDEEMABLE,
        errors=(*READ_ERRORS, MemberNotActive),
    ),
    Operation(
        number=13,
        name="RedeemPoints",
        group="redemption",
        summary="Redeem points, all or nothing",
        method="POST",
        lbms_path=f"{_REDEMPTION}/RedeemPoints",
        body=request.REDEEM_BODY,
        keyed=True,
        serve=with_bearer(redemption.redeem),
        for_members=True,
        member_field="RelationReference",
        answer=answer.REFERENCE,
        ok_headers=REPLAY_HEADERS,
        leads_to={
            "ReversalPoints": {
                "RelationReference": "request:RelationReference",
                "MerchantName": "request:MerchantName",
                "ExternalReference": "answer:",
            }
        },
        errors=(
            BadRequest,
            Forbidden,
            MerchantMissing,
            PointsNotPositive,
            KeyReused,
            MemberNotFound,
            MemberCancelled,
            MembershipBlocked,
            MemberSuspended,
            LoginBlocked,
            MemberNotActive,
            InvalidRequest,
            BelowMinimum,
            HeldForReview,
            InsufficientPoints,
        ),
    ),
    Operation(
        number=14,
        name="ReversalPoints",
        group="redemption",
        summary="Reverse a redemption, whole and once",
        method="POST",
        lbms_path=f"{_REDEMPTION}/ReversalPoints",
        body=request.REVERSAL_BODY,
        keyed=True,
        serve=with_bearer(redemption.reverse),
        answer=TRUE,
        ok_headers=REPLAY_HEADERS,
        errors=(
            BadRequest,
            Forbidden,
            MerchantMissing,
            InvalidRequest,
            KeyReused,
            MemberNotFound,
            RedemptionNotFound,
            ReferenceOfAnother,
            AlreadyReversed,
        ),
    ),
)
