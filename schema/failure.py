"""What callers see of what went wrong: refusals from the one error table, surprises masked."""

import re
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from graphql import GraphQLError
from strawberry.utils.str_converters import to_camel_case

from domain.errors import BadRequest, TesseraError, UnexpectedFailure
from schema.coercion import FaultyInput, Places, name_variable

_, PARSE_FAILED, VALIDATION_FAILED = BadRequest.graphql_codes
UNEXPECTED = "Unexpected error"
MAX_MESSAGE = 1000
NOWHERE: Places = {}

# Custom attributes are named by their own keys, which are left as they are.
_INPUTS = frozenset(
    {
        "card_number",
        "awarded_at",
        "client_reference",
        "email_id",
        "enrolled_from",
        "enrolled_to",
        "event_types",
        "expected_version",
        "proposal_ids",
        "since_last",
        "external_reference",
        "from_relation_reference",
        "first_day",
        "full_name",
        "idempotency_key",
        "last_day",
        "last_six_digits",
        "loyalty_txn_type",
        "member_relation_reference",
        "member_id",
        "merchant_name",
        "mobile_number",
        "overlap_hours",
        "preferred_language",
        "product_code",
        "public_key",
        "reference_prefix",
        "referral_code",
        "refresh_token",
        "relation_reference",
        "session_id",
        "sub_product_code",
        "sub_relation_identifier",
        "sub_relation_type",
        "to_relation_reference",
        "transaction_date",
        "transaction_id",
        "transaction_type",
        "validity_days",
    }
)

_OTHER_NAMES = {"limit": "first"}
_NAMED = re.compile(r"[A-Za-z_]+: (.*)", re.DOTALL)
# As domain and files write them, and as REST does.
_WORDS = {name: to_camel_case(name) for name in _INPUTS}
_WORDS |= {camel[0].upper() + camel[1:]: camel for camel in _WORDS.values()}
_WORD = re.compile(rf"(?<![\w'.])(?:{'|'.join(_WORDS)})(?![\w'.])")

_log = structlog.get_logger("tessera.graphql")


class DocumentRefused(Exception):
    """A document that never runs. `code` is the `extensions.code` of all its errors."""

    def __init__(self, errors: Sequence[GraphQLError], code: str) -> None:
        super().__init__(code)
        self.errors = errors
        self.code = code


def input_name(field: str | None) -> str | None:
    """The input at fault under its GraphQL name."""
    return to_camel_case(field) if field in _INPUTS else _OTHER_NAMES.get(field or "", field)


def message_of(error: TesseraError) -> str:
    """What is wrong in words; inputs that a detail names have their GraphQL names."""
    if error.detail is None or error.field is None:
        return error.text
    named = _NAMED.fullmatch(error.detail)
    detail = error.detail if named is None else f"{input_name(error.field)}: {named[1]}"
    if error.field in _INPUTS:
        detail = _WORD.sub(lambda found: _WORDS[found[0]], detail)
    return f"{error.message} ({detail})"


def extensions_of(error: TesseraError, request_id: str, code: str | None = None) -> dict[str, Any]:
    """The `extensions` of a refusal."""
    return {
        "code": code or error.graphql_code,
        "reason": error.reason,
        "v1Code": error.code,
        "httpStatus": error.status,
        "field": input_name(error.field),
        "requestId": request_id,
        **({"replayed": True} if error.is_replay else {}),
        **({"retryAfter": error.retry_after_s} if error.retry_after_s is not None else {}),
    }


def code_of(body: Mapping[str, Any]) -> str:
    """What an answer counts as: the code of its first error."""
    errors = body.get("errors")
    return str(errors[0]["extensions"]["code"]) if errors else "OK"


def render_refusal(error: TesseraError, request_id: str) -> dict[str, Any]:
    """A refusal that belongs to no field."""
    return {"message": message_of(error), "extensions": extensions_of(error, request_id)}


def render_errors(
    errors: Sequence[GraphQLError],
    request_id: str,
    *,
    code: str | None = None,
    places: Places = NOWHERE,
    suggest: bool = True,
) -> list[dict[str, Any]]:
    """The `errors` of a response. Surprises are logged here, once; what a caller did wrong never is.

    `places` are those of the document's variables.
    Without `suggest` GraphQL's guesses at what was meant are cut off: they are names of the schema.
    """
    return [_render(error, request_id, code, places, suggest=suggest) for error in errors]


def _render(error: GraphQLError, request_id: str, code: str | None, places: Places, *, suggest: bool) -> dict[str, Any]:
    error = name_variable(error, places)
    message = error.message if suggest else error.message.partition(" Did you mean")[0]
    # GraphQL quotes the word at fault, which may be as long as the document.
    body: dict[str, Any] = {"message": message if len(message) <= MAX_MESSAGE else message[:MAX_MESSAGE] + "…"}
    if error.locations:
        body["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        body["path"] = error.path
    cause = cause_of(error)
    if isinstance(cause, TesseraError):
        if cause.status == 500:
            log_surprise(_origin(cause), request_id, ".".join(map(str, error.path or ())))
        body["message"] = message_of(cause)
        body["extensions"] = extensions_of(cause, request_id)
    elif cause is None:
        field = error.field if isinstance(error, FaultyInput) else None
        body["extensions"] = extensions_of(BadRequest(field=field), request_id, code)
    else:
        log_surprise(cause, request_id, ".".join(map(str, error.path or ())))
        body["message"] = UNEXPECTED
        body["extensions"] = extensions_of(UnexpectedFailure(), request_id)
    return body


def _origin(error: TesseraError) -> Exception:
    """What led to an error of ours."""
    return error.__cause__ if isinstance(error.__cause__, Exception) else error


def cause_of(error: GraphQLError) -> Exception | None:
    """The exception behind an error; None where GraphQL itself refused what the caller sent."""
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def log_surprise(cause: Exception, request_id: str, path: str = "") -> None:
    """Log where it happened, and no more: the message of a database error holds the values of its statement."""
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(cause.__traceback__)]
    exception = type(cause).__name__
    _log.error("request failed", request_id=request_id, path=path, exception=exception, frames=frames[-15:])
