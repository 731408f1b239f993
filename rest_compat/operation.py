"""A row of the route table, and what a request and a call look like to its handler."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.errors import BadRequest, Forbidden, InvalidRequest, MemberNotFound, TesseraError
from resolvers.context import Context, Services
from rest_compat.element import Element
from rest_compat.envelope import SUCCESS_CODE, Answer, Family
from rest_compat.field import FieldTable

MAX_BODY_BYTES = 1024 * 1024

JSON_TYPE = b"application/json"
FORM_TYPE = b"application/x-www-form-urlencoded"

READ_ERRORS = (BadRequest, Forbidden, InvalidRequest, MemberNotFound)
REPLAY_HEADERS = {"Idempotency-Replayed": "`true` on the repeat of an answer."}


@dataclass(slots=True)
class Request:
    """One request after its body was read.

    `address` is where it came from. `ignored` collects the names of fields that nobody reads; `hides_refusal`
    turns the HTTP status of a refusal into 200, for programs whose callers throw on anything else.
    """

    family: Family
    headers: Mapping[bytes, bytes]
    query: bytes
    request_id: str
    address: str = ""
    content_type: bytes = JSON_TYPE
    body: bytes = b""
    ignored: list[str] = field(default_factory=list)
    hides_refusal: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request that was read and is authenticated.

    `extra` are the free keys of an operation that takes attributes, `aliased` the fields that came
    under an alias, `key` the idempotency key. `elements` are those of a body that is an array.
    """

    ctx: Context
    family: Family
    values: Mapping[str, Any]
    extra: dict[str, Any]
    aliased: frozenset[str]
    key: str | None
    request: Request
    elements: Sequence[Element] = ()


Serve = Callable[["Operation", Request, Services], Awaitable[Answer]]
Explain = Callable[["Request", TesseraError], Mapping[str, str] | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One operation of REST v1: a row of the route table.

    `errors` are its own in order of precedence, `statuses` the HTTP statuses of those that have another
    one elsewhere. `query` and `body` read the request, of which `free_keys` says that the body may have
    attributes beside its fields. `for_members`: a member-bound token may call it for its own member, whose
    reference is in `member_field`. `explain` gives what stands beside the envelope of a refusal,
    `ok_headers` the success headers.
    `leads_to` names the operations that a success leads to, with what each of their fields is then: `request:FIELD`
    of the body, or `answer:FIELD` of the `ReturnObject` (`answer:` the whole).
    `is_array`: the body is an array, and `body` reads each of its elements. `ok_status` and `ok_code`: of a success.
    """

    number: int
    name: str
    group: str
    summary: str
    method: str
    lbms_path: str
    serve: Serve
    answer: Mapping[str, Any]
    errors: tuple[type[TesseraError], ...]
    v1_path: str = ""
    query: FieldTable | None = None
    body: FieldTable | None = None
    free_keys: bool = False
    keyed: bool = False
    lists: bool = False
    for_members: bool = False
    member_field: str | None = None
    is_array: bool = False
    ok_status: int = 200
    ok_code: str = SUCCESS_CODE
    max_body_bytes: int = MAX_BODY_BYTES
    content_types: tuple[bytes, ...] = (JSON_TYPE,)
    statuses: Mapping[type[TesseraError], int] = field(default_factory=dict)
    explain: Explain | None = None
    ok_headers: Mapping[str, str] = field(default_factory=dict)
    leads_to: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def is_public(self) -> bool:
        """Whether it is called without a token: where tokens come from, and refusals speak OAuth."""
        return self.explain is not None

    def status_of(self, error: TesseraError | type[TesseraError]) -> int:
        """The HTTP status of an error that this operation answers."""
        return self.statuses.get(error if isinstance(error, type) else type(error), error.status)

    def path(self, family: Family) -> str:
        """Where the operation stands in a family."""
        return self.lbms_path if family is Family.LBMS else self.v1_path or f"/v1/{self.name}"
