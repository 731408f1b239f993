"""Where tokens come from."""

from domain.errors import BadRequest, InvalidRequest
from rest_compat.answers import token as answer
from rest_compat.handlers import token
from rest_compat.operation import FORM_TYPE, JSON_TYPE, Operation
from rest_compat.requests import token as request

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        number=1,
        name="Token",
        group="auth",
        summary="A token for the program's credentials, the same until it lapses",
        method="POST",
        v1_path="/oauth/Auth/Token",
        lbms_path="/lbms-ingress/oauth/api/Auth/Token",
        body=request.TOKEN_BODY,
        content_types=(JSON_TYPE, FORM_TYPE),
        serve=token.issue,
        explain=token.explain,
        answer=answer.TOKEN,
        ok_headers={"Pragma": "`no-cache`, for old proxies."},
        errors=(BadRequest, InvalidRequest),
    ),
)
