"""From an HTTP request to a GraphQL request: what is refused before any document is looked at."""

import asyncio
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from starlette.types import Message, Receive

from domain.errors import BadRequest, BodyTooLarge, NotJson, TesseraError, Unauthorized
from schema.gate import Gate
from schema.trusted import plain_id
from schema.unaccepted import UnacceptedText, is_unaccepted, refuse_in_json

MAX_BODY_BYTES = 1024 * 1024
# More takes milliseconds to decode, so one body is decoded at a time.
SMALL_BODY_BYTES = 64 * 1024
# After a body of the largest size. Nobody waits for a turn to take it in, which costs more than to refuse it.
BODY_PAUSE_S = 0.01
MAX_JSON_DEPTH = 32
# As many as the largest batch has.
MAX_JSON_VALUES = 60_000
MAX_JSON_LIST = 10_000
BODY_LIMIT_S = 30.0
BODY_LATE = "body did not arrive in time"
MAX_NUMBER_LENGTH = 64
MAX_ID_LENGTH = 200
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_CHARSETS = frozenset({b"", b"utf-8", b"utf8"})
# Proxies and libraries differ in which of two they believe, so neither is.
_SINGLE: Mapping[bytes, Callable[[], TesseraError]] = {
    b"authorization": Unauthorized,
    b"content-type": NotJson,
    b"x-program-id": lambda: BadRequest("X-Program-Id: stands twice"),
    b"x-publishable-key": Unauthorized,
    b"origin": lambda: BadRequest("Origin: stands twice"),
    b"idempotency-key": lambda: BadRequest("Idempotency-Key: stands twice"),
}


class ClientGone(Exception):
    """The client went away before its request was complete."""


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What a client wants to run. `by_get`: only a query may.

    `document` is an id or hash; without it there is a `query`, with it there may be one, whose hash it is then.
    """

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    by_get: bool = False
    document: str | None = None


def refuse_repeated(names: Iterable[bytes]) -> None:
    """Raise Unauthorized, NotJson or BadRequest for a second header of a name that stands once."""
    seen = set()
    for name in names:
        if name in seen and name in _SINGLE:
            raise _SINGLE[name]()
        seen.add(name)


async def read_post(headers: Mapping[bytes, bytes], receive: Receive, large: Gate, address: str) -> GraphQLRequest:
    """The request of a POST. Raises NotJson, BodyTooLarge, BadRequest, TooManyRequests, ClientGone.

    Only JSON is read: a page of another site cannot send that without the browser asking first.
    """
    media_type, _, parameters = headers.get(b"content-type", b"").lower().partition(b";")
    charset = parameters.partition(b"charset=")[2].strip(b'" ')
    is_plain = headers.get(b"content-encoding", b"identity").lower() == b"identity"
    if media_type.strip() != b"application/json" or charset not in _CHARSETS or not is_plain:
        raise NotJson
    given = await read_in_turn(await _read_body(headers, receive), large, address)
    if not isinstance(given, dict):
        raise BadRequest("the body must be one JSON object; lists of operations are not accepted")
    return read_operation(given)


def read_get(query_string: bytes) -> GraphQLRequest:
    """The request of a GET. Raises BadRequest."""
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise BadRequest("the query string cannot be read") from error
    given: dict[str, Any] = {key: _safe(value) for key, value in pairs}
    if len(given) != len(pairs):
        raise BadRequest("a parameter stands twice")
    for name in ("variables", "extensions"):
        if given.get(name):
            given[name] = read_json(given[name].encode())
    return read_operation({key: value for key, value in given.items() if value != ""}, by_get=True)


def read_operation(given: Mapping[str, Any], *, by_get: bool = False) -> GraphQLRequest:
    """The operation that an object describes. Raises BadRequest."""
    query, name = given.get("query"), given.get("operationName")
    for key in ("variables", "extensions"):
        if given.get(key) is not None and not isinstance(given[key], dict):
            raise BadRequest(f"{key}: must be an object", field=key)
    document = _document_of(given)
    if document is not None and query is None:
        query = ""
    elif not isinstance(query, str) or not query:
        raise BadRequest("query: must be a text", field="query")
    if name is not None and not isinstance(name, str):
        raise BadRequest("operationName: must be a text", field="operationName")
    return GraphQLRequest(query, name, given.get("variables") or {}, by_get, document)


def _document_of(given: Mapping[str, Any]) -> str | None:
    """The id of a document, as a persisted one has it or as Apollo's protocol says a hash. Raises BadRequest."""
    named, told = given.get("documentId"), (given.get("extensions") or {}).get("persistedQuery")
    if named is not None:
        if told is not None or given.get("query") is not None:
            raise BadRequest("documentId: stands alone, without query and persistedQuery", field="documentId")
        return _id("documentId", named)
    if told is None:
        return None
    # Python's True is equal to 1.
    if not isinstance(told, dict) or told.get("version") != 1 or told["version"] is True:
        raise BadRequest("extensions.persistedQuery: must be an object of version 1", field="extensions")
    return _id("extensions.persistedQuery.sha256Hash", told.get("sha256Hash"))


def _id(name: str, given: object) -> str:
    if not isinstance(given, str) or not 0 < len(given) <= MAX_ID_LENGTH:
        raise BadRequest(f"{name}: must be a text of 1 to {MAX_ID_LENGTH} characters", field=name.partition(".")[0])
    return plain_id(given)


async def _read_body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
        raise BodyTooLarge
    body = bytearray()
    message = await receive()
    _extend(body, message)
    if message.get("more_body", False):  # Whatever arrives whole is not timed.
        try:
            async with asyncio.timeout(BODY_LIMIT_S):
                while message.get("more_body", False):
                    message = await receive()
                    _extend(body, message)
        except TimeoutError:
            raise BadRequest(BODY_LATE) from None
    return bytes(body)


def _extend(body: bytearray, message: Message) -> None:
    """Add a piece of the body. Raises ClientGone, BodyTooLarge."""
    if message["type"] == "http.disconnect":
        raise ClientGone
    body += message.get("body", b"")
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLarge


async def read_in_turn(raw: bytes, large: Gate, address: str = "") -> Any:
    """`read_json`, of what is large one after the other. Raises BadRequest, TooManyRequests."""
    if len(raw) <= SMALL_BODY_BYTES:
        return read_json(raw)
    async with large.turn(address, least_pause_s=BODY_PAUSE_S * len(raw) / MAX_BODY_BYTES):
        return read_json(raw)


def read_json(raw: bytes) -> Any:
    """JSON: numbers exact, texts in NFC, no key twice, nested no deeper than 32, of bounded size. Raises BadRequest."""
    _refuse_flood(raw)
    try:
        value = _DECODER.decode(raw.decode("utf-8-sig"))
        try:
            return _plain(value, 1)
        except UnacceptedText as error:
            raise refuse_in_json(value) from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise BadRequest("not valid JSON") from error


def _refuse_flood(raw: bytes) -> None:
    """Raise BadRequest for more values than anybody has to send, before objects are made of them."""
    if _marks(raw) <= MAX_JSON_VALUES:
        return
    # What stands in texts is no value; a text that nobody closes runs to the end.
    if _marks(_TEXT.sub(b"", raw)) > MAX_JSON_VALUES:
        raise BadRequest(f"JSON has more than {MAX_JSON_VALUES} values")


def _marks(raw: bytes) -> int:
    """How many commas and opening brackets there are, in one pass over all."""
    return len(raw) - len(raw.translate(None, b",[{"))


def _plain(value: Any, depth: int) -> Any:
    if depth > MAX_JSON_DEPTH:
        raise BadRequest(f"JSON is nested deeper than {MAX_JSON_DEPTH} levels")
    if isinstance(value, str):
        return _safe(value)
    if isinstance(value, dict):
        return {_safe(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        if len(value) > MAX_JSON_LIST:
            raise BadRequest(f"a list has more than {MAX_JSON_LIST} items")
        return [_plain(item, depth + 1) for item in value]
    return value


def _safe(text: str) -> str:
    """The text in NFC. Raises UnacceptedText for NUL and for half a character, which no database stores."""
    if is_unaccepted(text):
        raise UnacceptedText
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadRequest("a key stands twice in one object")
    return found


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER_LENGTH:
        raise ValueError("number too long")
    return int(text)


def _decimal(text: str) -> Decimal:
    # An exponent of a million would fill the memory as soon as somebody writes the number out.
    value = Decimal(text if len(text) <= MAX_NUMBER_LENGTH else "NaN")
    if not value.is_finite() or abs(value.adjusted()) > 40:
        raise ValueError("number out of range")
    return value


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError("NaN and infinities are no JSON")


_DECODER = json.JSONDecoder(
    parse_int=_integer, parse_float=_decimal, parse_constant=_refuse_constant, object_pairs_hook=_unique
)
