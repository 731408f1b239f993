"""Run a golden case against a real database, and write down what went over the wire."""

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

from domain.errors import BY_CODE, TesseraError
from rest_compat.envelope import SUCCESS_CODE, Family
from rest_compat.operation import Operation
from tests.rest.golden.case import ROWS, UNKNOWN_ID, Ask, Case
from tests.rest.world import NOW, World

_GUID = re.compile(r"\b[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}\b")
_TOKEN = re.compile(r"\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")
# As codes are sent: none begins with 0, so that one which does is wrong whatever was sent.
_ONE_TIME_CODE = re.compile(r"[1-9][0-9]{5}")
_REQUEST_ID = re.compile(r"[0-9a-f]{32}")
_LONGEST_SHOWN = 1000
_PROGRAM_FIELDS = ("ProgramId", "pintProgramId")
_ID_FIELDS = ("Id", "id", "RequestId")
# Of a length that depends on what is masked, and no part of the contract.
_LEFT_OUT = frozenset({"content-length"})


async def play(case: Case, world: World, family: Family = Family.V1) -> dict[str, Any]:
    """The request and the answer of a case in a program of its own, masked; the answer is what the case says."""
    sibling = await world.sibling()
    try:
        exchange = await _exchange(case, sibling, family)
    finally:
        world.clock[0] = NOW
    answer = exchange["answer"]
    answer = answer.get("results", answer)
    given = answer.get("ErrorCode", SUCCESS_CODE), exchange["status"]
    assert given == _expected(ROWS[case.operation], case.error, family), (case.title, answer)
    return exchange


def _expected(row: Operation, error: type[TesseraError] | None, family: Family) -> tuple[str, int]:
    if error is None:
        return row.ok_code, row.ok_status
    return error.lbms_code if family is Family.LBMS else error.code, row.status_of(error)


async def _exchange(case: Case, world: World, family: Family) -> dict[str, Any]:
    row, mask = ROWS[case.operation], _Mask(world)
    ask = await case.setup(world)
    token = ("" if row.is_public else world.token) if ask.token is None else ask.token
    headers = {
        **({"Authorization": f"Bearer {token}"} if token else {}),
        **({"Content-Type": "application/json"} if row.body is not None else {}),
        **ask.headers,
    }
    content = None if row.body is None else ask.body if isinstance(ask.body, bytes) else orjson.dumps(ask.body)
    answer = await world.client.request(
        row.method, row.path(family), content=content, params=ask.query, headers=headers
    )
    return {
        "operation": row.name,
        "request": mask(_request(row.method, row.path(family), headers, ask)),
        "status": answer.status_code,
        "headers": mask({name: answer.headers[name] for name in sorted(answer.headers) if name not in _LEFT_OUT}),
        "answer": mask(_parsed(answer.content)),
    }


def _request(method: str, path: str, headers: Mapping[str, str], ask: Ask) -> dict[str, Any]:
    shown: dict[str, Any] = {"method": method, "path": path, "headers": dict(headers)}
    if ask.query:
        shown["query"] = dict(ask.query)
    if isinstance(ask.body, bytes):
        shown["body"] = f"<{len(ask.body)} bytes>" if len(ask.body) > _LONGEST_SHOWN else ask.body.decode()
    elif ask.body is not None:
        shown["body"] = ask.body
    return shown


def _parsed(raw: bytes) -> Any:
    """The answer as a value that is the same bytes when it is written again."""
    value = json.loads(raw)
    assert json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() == raw
    return value


def printed(exchange: Mapping[str, Any]) -> str:
    """An exchange as its file holds it."""
    return json.dumps(exchange, indent=2, ensure_ascii=False) + "\n"


class _Mask:
    """Puts names in the place of what is random; the same value has the same name in request and answer.

    Ids count from 1 in a program on SQLite, and come from one sequence on PostgreSQL.
    """

    def __init__(self, world: World) -> None:
        self._credential = world.credential
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def __call__(self, value: Any, field: str = "", within: str = "") -> Any:
        if isinstance(value, Mapping):
            return {name: self(item, name, field) for name, item in value.items()}
        if isinstance(value, list):
            return [self(item, field, within) for item in value]
        if isinstance(value, int):
            return self._number(value, field, within)
        return self._text(value, field) if isinstance(value, str) else value

    def _number(self, value: int, field: str, within: str) -> Any:
        if field in _PROGRAM_FIELDS:
            return "<program id>" if value == self._credential.program_id else "<another program id>"
        if field in _ID_FIELDS and 0 < value < UNKNOWN_ID:
            # Rows of two tables may have one number, and do not on every database.
            return self._named(field, f"{'' if field == 'RequestId' else within}:{value}")
        return value

    def _text(self, text: str, field: str) -> str:
        if field == "x-request-id" and _REQUEST_ID.fullmatch(text):
            return "<request id>"
        if field == "OTP" and _ONE_TIME_CODE.fullmatch(text):
            return self._named("code", text)
        own = {self._credential.client_id: "<client id>", self._credential.client_secret: "<client secret>"}
        if text in own:
            return own[text]
        text = _GUID.sub(lambda found: self._named("GUID", found[0]), text)
        return _TOKEN.sub(lambda found: self._named("token", found[0]), text)

    def _named(self, kind: str, value: str) -> str:
        if value not in self._names:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._names[value] = f"<{kind} {self._counts[kind]}>"
        return self._names[value]


def as_lbms(exchange: Mapping[str, Any]) -> dict[str, Any]:
    """What the same exchange is in the lbms family: the published path, `results`, the codes with an E."""
    row = ROWS[exchange["operation"]]
    answer = dict(exchange["answer"])
    if row.is_public:
        # What OAuth wants stands in the lbms family only where the request speaks it.
        answer = {
            name: answer[name] for name in ("IsSucessful", "ErrorCode", "ExceptionMessage", "ReturnObject", "Count")
        }
    answer["ErrorCode"] = (
        BY_CODE[answer["ErrorCode"]].lbms_code if answer["ErrorCode"] in BY_CODE else answer["ErrorCode"]
    )
    is_bare = row.is_public and answer["IsSucessful"]
    return {
        **exchange,
        "request": {**exchange["request"], "path": row.lbms_path},
        "answer": {"results": answer["ReturnObject"] if is_bare else answer},
    }
