"""A walk over every implemented path in both families, with everything that can be wrong with a request.

Each answer must have the envelope and a catalogued code, the families must say the same, and nothing
may have been written.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import orjson
import pytest

from domain.errors import BY_CODE, CATALOGUE
from rest_compat.envelope import Family
from rest_compat.field import Field, FieldTable, Need
from rest_compat.operation import Operation
from rest_compat.routes import OPERATIONS
from tests.rest.background import code_sent_to
from tests.rest.world import Answer, World

FIELDS = {"IsSucessful", "ErrorCode", "ExceptionMessage", "ReturnObject", "Count"}
LBMS_CODE = {error.code: error.lbms_code for error in CATALOGUE.values()}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda row: row.name)
with_body = pytest.mark.parametrize(
    "operation", [row for row in OPERATIONS if row.body is not None], ids=lambda row: row.name
)
with_object = pytest.mark.parametrize(
    "operation",
    [row for row in OPERATIONS if row.body is not None and not row.is_array],
    ids=lambda row: row.name,
)
with_token = pytest.mark.parametrize(
    "operation", [row for row in OPERATIONS if not row.is_public], ids=lambda row: row.name
)


async def in_both(world: World, operation: Operation, method: str = "", **request: Any) -> Answer:
    """The v1 answer, after the lbms answer was found to be the same but for its own codes."""
    plain, wrapped = [
        await world.send(method or operation.method, operation.path(family), **request) for family in Family
    ]
    assert set(plain.envelope) == set(wrapped.envelope) | ({"error", "error_description"} & set(plain.body))
    assert set(plain.envelope) >= FIELDS
    code = plain.envelope["ErrorCode"]
    assert plain.status == wrapped.status == BY_CODE[code].status
    assert wrapped.envelope == {name: plain.envelope[name] for name in FIELDS} | {"ErrorCode": LBMS_CODE[code]}
    assert plain.envelope["ExceptionMessage"].startswith(BY_CODE[code].message)
    assert (plain.envelope["IsSucessful"], plain.envelope["ReturnObject"], plain.envelope["Count"]) == (
        False,
        None,
        0,
    )
    assert all(answer.headers["x-request-id"] for answer in (plain, wrapped))
    return plain


def sample(operation: Operation) -> dict[str, Any]:
    """A body that reads well, whatever the use case says to it."""
    return _sample(operation.body)


def parameters(operation: Operation) -> dict[str, Any]:
    """A query that reads well."""
    return _sample(operation.query)


def _sample(table: FieldTable | None) -> dict[str, Any]:
    fields = table.fields if table is not None else ()
    return {field.name: field.example for field in fields if field.example is not None}


def encoded(operation: Operation, body: Any) -> bytes:
    """A body as it is sent: an array of it where the operation takes one."""
    return orjson.dumps([body] if operation.is_array else body)


def request(operation: Operation, body: Any = None, **headers: str) -> dict[str, Any]:
    """The arguments of a request that reads well, or with another body."""
    content = body if isinstance(body, bytes) else encoded(operation, sample(operation) if body is None else body)
    return {
        "content": content if operation.body is not None else None,
        "query": parameters(operation),
        "headers": {"Content-Type": "application/json"} | headers,
    }


async def belongings(world: World) -> dict[str, Any]:
    """What is of one member, by the names of the fields that ask for it."""
    reference = await world.member(points=50)
    email = f"{reference.lower()}@example.com"
    await world.change(reference, email_id=email)
    profile = await world.call("GetMemberProfile", query={"pstrRelationReference": reference})
    names = ("RelationReference", "pstrRelationReference", "FromRelationReference", "member_relation_reference")
    return {
        **dict.fromkeys(names, reference),
        "id": profile.value["Id"],
        "pstrUniqueAttributeKey": "relation_reference",
        "pstrUniqueAttributeValue": reference,
        "RequestId": await world.pending(reference, 10),
        "EmailId": email,
        "OTP": await _code(world, reference, email),
    }


async def _code(world: World, reference: str, email: str) -> str:
    """A code that would be right for the member."""
    body = {"UniquerefID": reference, "OtpType": "LOGIN"}
    assert (await world.call("GenerateOTPByRelationReference", body)).outcome == (200, "000")
    return await code_sent_to(world, email)


def of_somebody(operation: Operation, owned: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a request that reads well and asks for what is of one member."""
    owned = {**owned, "UniquerefID": owned["EmailId" if _names_an_email(operation) else "RelationReference"]}
    fields = {name: owned.get(name, value) for name, value in sample(operation).items()}
    query = {name: owned.get(name, value) for name, value in parameters(operation).items()}
    return request(operation, fields) | {"query": query}


def _names_an_email(operation: Operation) -> bool:
    return any("EmailId" in field.aliases for field in (operation.body.fields if operation.body is not None else ()))


@every_operation
async def test_a_wrong_method_is_405_and_names_the_right_one(world: World, operation: Operation) -> None:
    before = await world.contents()
    for method in METHODS:
        if method != operation.method:
            answer = await in_both(world, operation, method, **request(operation), token=world.token)
            assert answer.outcome == (405, "405")
            assert answer.headers["allow"] == operation.method
    assert await world.contents() == before


@with_body
async def test_what_is_not_json_is_415(world: World, operation: Operation) -> None:
    for headers in (
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/jsonx"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ):
        answer = await in_both(world, operation, **request(operation) | {"headers": headers})
        assert (headers, answer.outcome) == (headers, (415, "415"))


@with_body
async def test_a_huge_body_is_413_before_anything_else(world: World, operation: Operation) -> None:
    body = b'{"a":"%s"}' % (b"x" * operation.max_body_bytes)
    answer = await in_both(world, operation, **request(operation, body, **{"Content-Type": "text/plain"}))
    assert answer.outcome == (413, "413")
    assert answer.headers["connection"] == "close"


@with_token
async def test_without_a_good_token_it_is_401(world: World, operation: Operation) -> None:
    before = await world.contents()
    broken = request(operation, b"{")
    flipped = world.token[:-4] + ("AAAA" if not world.token.endswith("AAAA") else "BBBB")
    for header in ("", "Bearer", "Bearer ", f"Basic {world.token}", "Bearer x", f"Bearer {flipped}", "Bearer \xe9"):
        headers = broken["headers"] | ({"Authorization": header.encode("latin-1")} if header else {})
        answer = await in_both(world, operation, **broken | {"headers": headers})
        assert answer.outcome == (401, "401")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await world.contents() == before


@with_token
async def test_a_lapsed_token_is_401(world: World, operation: Operation) -> None:
    now = world.clock[0]
    world.clock[0] = now + timedelta(hours=1)
    try:
        answer = await in_both(world, operation, **request(operation), token=world.token)
    finally:
        world.clock[0] = now
    assert answer.outcome == (401, "401")


UNREADABLE = (
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"a":1,"a":1}',
    b'{"a":NaN}',
    b'{"a":' * 40 + b"1" + b"}" * 40,
    b'{"a":"\\u0000"}',
    b'{"a":"\xff"}',
)


@with_body
async def test_what_cannot_be_parsed_is_999(world: World, operation: Operation) -> None:
    before = await world.contents()
    for body in UNREADABLE:
        answer = await in_both(world, operation, **request(operation, body), token=world.token)
        assert (body, answer.outcome) == (body, (400, "999"))
    assert await world.contents() == before


def faults(operation: Operation) -> Iterator[tuple[Field, Any]]:
    """Each field of the body, of the wrong type or missing where it is needed."""
    for field in operation.body.fields if operation.body is not None else ():
        yield field, [[]]
        if field.need is not Need.OPTIONAL:
            yield field, None
            yield field, ""


@with_object
async def test_a_field_that_is_missing_or_of_the_wrong_type_is_999(world: World, operation: Operation) -> None:
    before = await world.contents()
    for field, value in faults(operation):
        body = sample(operation) | {field.name: value}
        answer = await in_both(world, operation, **request(operation, body), token=world.token)
        assert answer.outcome == (400, "999")
        assert answer.envelope["ExceptionMessage"].startswith(f"Bad request ({field.name}: ")
    assert await world.contents() == before


@pytest.mark.parametrize(
    ("operation", "query"),
    [
        ("GetMemberProfile", {}),
        ("GetMemberProfile", {"pstrRelationReference": "a", "pintProgramId": "x"}),
        ("GetMemberProfile", {"pstrRelationReference": ["a", "b"]}),
        ("GetMemberProfile", {"pstrRelationReference": "\0"}),
        ("GetMemberDetailsByUniqueAttribute", {"pstrUniqueAttributeKey": "email_id"}),
        ("CreateProfileWithAttributes", {"pintProgramId": "x"}),
    ],
)
async def test_parameters_that_are_missing_or_broken_are_999(
    world: World, operation: str, query: Mapping[str, Any]
) -> None:
    row = next(row for row in OPERATIONS if row.name == operation)
    answer = await in_both(world, row, **request(row) | {"query": query}, token=world.token)
    assert answer.outcome == (400, "999")


@with_token
async def test_the_program_of_somebody_else_is_403(world: World, operation: Operation) -> None:
    before = await world.contents()
    arguments = request(operation)
    other = world.credential.program_id + 1
    if operation.query is not None:
        arguments["query"] |= {"ProgramId": other}
    else:
        arguments["content"] = encoded(operation, sample(operation) | {"ProgramId": str(other)})
    assert (await in_both(world, operation, **arguments, token=world.token)).outcome == (403, "403")
    assert await world.contents() == before


@with_token
async def test_a_bound_token_reaches_its_own_member_only(world: World, operation: Operation) -> None:
    token = await world.bound_token(await world.member())
    arguments = of_somebody(operation, await belongings(world))
    before = await world.contents()
    # What names no member belongs to one all the same: to others it does not exist.
    names_nobody = operation.for_members and operation.member_field is None and not _names_an_email(operation)
    expected = (404, "123") if names_nobody else (403, "403")
    assert (await in_both(world, operation, **arguments, token=token)).outcome == expected
    assert await world.contents() == before


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/",
        "/v1/Nothing",
        "/v1/Token",
        "/v1/redeempoints",
        "/v1/RedeemPoints/",
        "/v1//RedeemPoints",
        "/v1/GetSubRelation",
        "/v1/transferPoints",
        "/v1/%00",
        "/oauth",
        "/oauth/token",
        "/lbms-ingress",
        "/lbms-ingress/pg-lm/API/PG/",
        "/lbms-ingress/pg-lm/API/PG/TransferPoints",
        "/LBMS-ingress/nothing",
    ],
)
async def test_an_unknown_path_is_404(world: World, path: str) -> None:
    for method in METHODS:
        answer = await world.send(method, path, content=b"{")
        assert answer.outcome == (404, "404")
        assert set(answer.envelope) == FIELDS
        assert ("results" in answer.body) == path.lower().startswith("/lbms-ingress")
