"""The token endpoint: the published JSON shape, and RFC 6749 for standard OAuth client libraries."""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from domain.errors import BadRequest, InvalidRequest, ServiceUnavailable, TesseraError, TooManyRequests, Unauthorized
from resolvers.context import Services
from resolvers.token import IssueToken, issue_token
from rest_compat.body import parse_form, parse_json
from rest_compat.envelope import Answer, Family
from rest_compat.operation import FORM_TYPE, Operation, Request

_RFC_ERRORS: tuple[tuple[type[TesseraError], str], ...] = (
    (Unauthorized, "invalid_client"),
    (ServiceUnavailable, "temporarily_unavailable"),
    (TooManyRequests, "temporarily_unavailable"),
)
_PRAGMA = ((b"pragma", b"no-cache"),)
# RFC 6749 section 5.2 has no room for others in a description.
_UNDESCRIBED = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
_CREDENTIALS = frozenset({"client_id", "client_secret"})
_RFC_ERROR_BY_FIELD = {"grant_type": "unsupported_grant_type", "scope": "invalid_scope"}


async def issue(operation: Operation, request: Request, services: Services) -> Answer:
    """Answer a client-credentials request, whichever way the client wrote it."""
    assert operation.body is not None  # noqa: S101 - the row of this handler has one
    reading = operation.body.match(_given(request))
    # Credentials in an address end up in logs, so what stands there is not read.
    request.ignored += [*reading.extra, *parse_form(request.query)]
    values = operation.body.fill(reading).values
    if reading.refusal is not None:
        raise reading.refusal
    token = await issue_token(
        services,
        IssueToken(
            grant_type=values["grant_type"],
            client_id=values["client_id"],
            client_secret=values["client_secret"],
            scope=values["scope"],
            address=request.address,
        ),
    )
    beside = {"access_token": token.token, "token_type": "Bearer", "expires_in": token.expires_in_s}
    return Answer(
        return_object={"token": token.token, "tokenExpiresOn": _utc(token.expires_at)},
        beside=beside if _speaks_oauth(request) else None,
        bare=True,
        headers=_PRAGMA,
    )


def explain(request: Request, error: TesseraError) -> Mapping[str, str] | None:
    """The members of RFC 6749 section 5.2 that stand next to the envelope of a refusal."""
    if not _speaks_oauth(request):
        return None
    return {"error": _rfc_error(error), "error_description": _UNDESCRIBED.sub("'", error.text)}


def _rfc_error(error: TesseraError) -> str:
    for kind, code in _RFC_ERRORS:
        if isinstance(error, kind):
            return code
    if error.status >= 500:
        return "server_error"
    if isinstance(error, BadRequest) and error.field in _CREDENTIALS and not _is_given(error):
        return "invalid_client"
    if isinstance(error, InvalidRequest):
        return _RFC_ERROR_BY_FIELD.get(error.field or "", "invalid_request")
    return "invalid_request"


def _is_given(error: BadRequest) -> bool:
    return error.detail != f"{error.field}: is missing"


def _speaks_oauth(request: Request) -> bool:
    """Whether the client expects the members of RFC 6749 at the top level."""
    return request.family is Family.V1 or request.content_type == FORM_TYPE or _basic(request) is not None


def _given(request: Request) -> dict[str, Any]:
    """The parameters of the body, with the client's credentials from the header where they are there."""
    is_form = request.content_type == FORM_TYPE
    given: dict[str, Any] = dict(parse_form(request.body)) if is_form else parse_json(request.body)
    basic = _basic(request)
    if basic is None:
        return given
    client_id, client_secret = _decoded(basic)
    if given.get("client_secret") or given.get("client_id", client_id) != client_id:
        raise BadRequest("client credentials are given twice")
    return {**given, "client_id": client_id, "client_secret": client_secret}


def _basic(request: Request) -> bytes | None:
    scheme, _, credentials = request.headers.get(b"authorization", b"").partition(b" ")
    return credentials.strip() if scheme.lower() == b"basic" else None


def _decoded(credentials: bytes) -> tuple[str, str]:
    """Client id and secret, each form-encoded before they were joined (RFC 6749 section 2.3.1)."""
    try:
        name, colon, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
        pair = unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError) as error:
        raise BadRequest("Basic credentials cannot be parsed") from error
    if not colon:
        raise BadRequest("Basic credentials cannot be parsed")
    return pair


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
