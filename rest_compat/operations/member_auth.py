"""Members prove themselves: passwords and one-time codes."""

from domain.errors import (
    BadRequest,
    Forbidden,
    InvalidCredentials,
    InvalidRequest,
    KeyReused,
    LoginBlocked,
    MemberCancelled,
    MembershipBlocked,
    MemberSuspended,
    OtpAttemptsExceeded,
    OtpInvalid,
    OtpTooOften,
)
from rest_compat.answers import member_auth as answer
from rest_compat.answers.shape import TRUE
from rest_compat.call import with_bearer
from rest_compat.handlers import member_auth
from rest_compat.operation import REPLAY_HEADERS, Operation
from rest_compat.requests import member_auth as request

_MEMBER = "/lbms-ingress/member/api/Member"
_GROUP = "member auth"
_REQUEST_ERRORS = (BadRequest, Forbidden, InvalidRequest)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        number=23,
        name="CheckMembershipCredentialsByRelationReference",
        group=_GROUP,
        summary="Whether this is the member's password",
        method="POST",
        lbms_path=f"{_MEMBER}/CheckMembershipCredentialsByRelationReference",
        body=request.CREDENTIALS_BODY,
        serve=with_bearer(member_auth.check),
        answer=answer.LOGIN,
        errors=(
            *_REQUEST_ERRORS,
            LoginBlocked,
            InvalidCredentials,
            MemberCancelled,
            MemberSuspended,
            MembershipBlocked,
        ),
        statuses={LoginBlocked: 401},
    ),
    Operation(
        number=24,
        name="GenerateOTP",
        group=_GROUP,
        summary="Send a one-time code to the member with an e-mail address",
        method="POST",
        lbms_path=f"{_MEMBER}/GenerateOTP",
        body=request.GENERATE_BODY,
        keyed=True,
        serve=with_bearer(member_auth.generate),
        for_members=True,
        answer=TRUE,
        ok_headers=REPLAY_HEADERS,
        errors=(*_REQUEST_ERRORS, KeyReused, OtpTooOften),
    ),
    Operation(
        number=25,
        name="VerifyOTP",
        group=_GROUP,
        summary="Verify the one-time code of the member with an e-mail address",
        method="POST",
        lbms_path=f"{_MEMBER}/VerifyOTP",
        body=request.VERIFY_BODY,
        keyed=True,
        serve=with_bearer(member_auth.verify),
        for_members=True,
        answer=TRUE,
        ok_headers=REPLAY_HEADERS,
        errors=(*_REQUEST_ERRORS, KeyReused, OtpAttemptsExceeded, OtpInvalid),
    ),
    Operation(
        number=26,
        name="GenerateOTPByRelationReference",
        group=_GROUP,
        summary="Send a one-time code to the member with a reference",
        method="POST",
        lbms_path=f"{_MEMBER}/GenerateOTPByRelationReference",
        body=request.GENERATE_BY_REFERENCE_BODY,
        keyed=True,
        serve=with_bearer(member_auth.generate_by_reference),
        for_members=True,
        member_field="UniquerefID",
        answer=TRUE,
        ok_headers=REPLAY_HEADERS,
        errors=(*_REQUEST_ERRORS, KeyReused, OtpTooOften),
    ),
    Operation(
        number=27,
        name="VerifyOTPByRelationReference",
        group=_GROUP,
        summary="Verify the one-time code of the member with a reference",
        method="POST",
        lbms_path=f"{_MEMBER}/VerifyOTPByRelationReference",
        body=request.VERIFY_BY_REFERENCE_BODY,
        keyed=True,
        serve=with_bearer(member_auth.verify_by_reference),
        for_members=True,
        member_field="UniquerefID",
        answer=TRUE,
        ok_headers=REPLAY_HEADERS,
        errors=(*_REQUEST_ERRORS, KeyReused, OtpAttemptsExceeded, OtpInvalid),
    ),
)
