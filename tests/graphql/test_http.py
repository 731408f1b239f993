"""GraphQL over HTTP: methods, media types, statuses, sizes, and the page for a browser."""

import asyncio
import json
import re
from typing import Any

import pytest

from schema.app import build_graphql_app
from schema.ide import CSP
from tests.graphql.world import Answer, Caller, World

STRICT = "application/graphql-response+json"


@pytest.fixture(scope="session")
def dialect() -> str:
    """What is tested here is the same on every database."""
    return "sqlite"


async def _raw(caller: Caller, method: str, path: str = "/graphql", **given: Any) -> Answer:
    answer = await caller.client.request(method, path, **given)
    return Answer(answer.status_code, answer.headers, answer.json())


async def test_the_media_type_is_the_one_that_is_accepted(server: Caller) -> None:
    for accept, expected in (
        (STRICT, STRICT),
        (f"{STRICT}, application/json;q=0.9", STRICT),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
    ):
        answer = await server.send({"query": "{__typename}"}, accept=accept)
        assert answer.headers["content-type"] == f"{expected}; charset=utf-8"
        assert answer.data == {"__typename": "Query"}
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{nothing}"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query($i: ID!) {node(id: $i) {id}}"}, "BAD_USER_INPUT"),
        ({"query": "query($i: ID!) {node(id: $i) {id}}", "variables": {"i": {}}}, "BAD_USER_INPUT"),
        ({"query": "{" + "a: __typename " * 40 + "}"}, "BAD_USER_INPUT"),
        ({"query": "{members(first: 100) {edges {node {ledger(first: 100) {edges {cursor}}}}}}"}, "BAD_USER_INPUT"),
        ({"query": "subscription {x}"}, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_what_does_not_run_has_no_data(server: Caller, body: dict[str, Any], code: str) -> None:
    for accept, status in ((STRICT, 400), ("application/json", 200)):
        answer = await server.send(body, accept=accept)
        assert answer.status == status
        assert "data" not in answer.body
        assert {one["extensions"]["code"] for one in answer.errors} == {code}
        assert {one["extensions"]["httpStatus"] for one in answer.errors} == {400}


async def test_what_runs_has_status_200_whatever_it_says(server: Caller) -> None:
    answer = await server.send({"query": '{member(reference: "x") {id}}'}, accept=STRICT)
    assert answer.status == 200
    assert answer.body["data"] == {"member": None}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'[{"query": "{__typename}"}]',
        b'"{__typename}"',
        b'{"query": 1}',
        b'{"query": ""}',
        b'{"query": null}',
        b'{"variables": {}}',
        b'{"query": "{__typename}", "variables": []}',
        b'{"query": "{__typename}", "variables": "{}"}',
        b'{"query": "{__typename}", "extensions": 1}',
        b'{"query": "{__typename}", "operationName": 1}',
        b'{"query": "{__typename}", "operationName": "Other"}',
        b'{"query": "{__typename}", "query": "{__typename}"}',
        b'{"query": "{__typename}", "variables": {"a": NaN}}',
        b'{"query": "{__typename}", "variables": {"a": 1e999}}',
        b'{"query": "{__typename}", "variables": {"a": "\\u0000"}}',
        b'{"query": "{__typename}", "variables": {"a": "\\ud800"}}',
        b'{"query": "{__typename}", "variables": {"a": ' + b"[" * 40 + b"]" * 40 + b"}}",
        b'{"query": "{__typename}", "variables": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        b'{"query": "query A {__typename} query B {__typename}"}',
        b"\xff\xfe",
    ],
)
async def test_what_is_no_request_is_refused(server: Caller, body: bytes) -> None:
    answer = await server.send(body)
    assert answer.status == 400
    assert answer.refusal[:3] == ("BAD_USER_INPUT", "BAD_REQUEST", "999")


async def test_null_is_as_good_as_nothing(server: Caller) -> None:
    given = {"query": "{__typename}", "operationName": None, "variables": None, "extensions": None}
    assert (await server.send(given)).data == {"__typename": "Query"}


async def test_one_of_several_operations_is_run(server: Caller) -> None:
    given = {"query": "query A {__typename} query B {b: __typename}", "operationName": "B"}
    assert (await server.send(given)).data == {"b": "Query"}


async def test_only_json_is_read(server: Caller) -> None:
    body = b'{"query": "{__typename}"}'
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = await server.send(body, **{"content-type": media_type})
        assert answer.status == 415
        assert answer.refusal == ("BAD_REQUEST", "NOT_JSON", "415", None)
    for media_type in ("application/json", "Application/JSON; charset=UTF-8"):
        assert (await server.send(body, **{"content-type": media_type})).status == 200
    assert (await server.send(body, **{"content-type": "application/json; charset=utf-16"})).status == 415
    assert (await server.send(body, **{"content-encoding": "gzip"})).status == 415


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("authorization", "Bearer another", ("UNAUTHENTICATED", "UNAUTHORIZED", "401")),
        ("content-type", "text/plain", ("BAD_REQUEST", "NOT_JSON", "415")),
        ("x-program-id", "2", ("BAD_USER_INPUT", "BAD_REQUEST", "999")),
    ],
)
async def test_a_header_that_stands_twice_is_refused(
    world: World, server: Caller, name: str, value: str, expected: tuple[str, str, str]
) -> None:
    document = 'mutation {memberEnroll(input: {relationReference: "C-2"}) {replayed}}'
    headers = [("content-type", "application/json"), *server.headers.items()]
    if name not in dict(headers):
        headers.append((name, "1"))
    async with world.nothing_written():
        answer = await _raw(server, "POST", json={"query": document}, headers=[*headers, (name, value)])
        assert answer.refusal[:3] == expected
        assert answer.status == {"401": 401, "415": 415, "999": 400}[expected[2]]


async def test_a_body_that_does_not_arrive_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schema.request.BODY_LIMIT_S", 0.05)
    waiting: list[Any] = [{"type": "http.request", "body": b"{", "more_body": True}]
    sent: list[Any] = []

    async def receive() -> Any:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}
    await build_graphql_app(introspection=False)(scope, receive, send)
    assert sent[0]["status"] == 400
    assert (b"connection", b"close") in sent[0]["headers"]
    assert b"body did not arrive in time" in sent[1]["body"]


async def test_a_body_is_at_most_a_mebibyte(server: Caller) -> None:
    filling = 1024 * 1024 - len(b'{"query": "{__typename}"}')
    largest = b'{"query": "{__typename}"' + b" " * filling + b"}"
    assert (await server.send(largest)).status == 200
    answer = await server.send(largest + b" ")
    assert answer.status == 413
    assert answer.refusal == ("BAD_USER_INPUT", "BODY_TOO_LARGE", "413", None)


async def test_get_is_for_queries(world: World, server: Caller) -> None:
    await world.member(server, relationReference="C-1")
    given = {
        "query": "query Q($r: String!) {member(reference: $r) {relationReference}}",
        "variables": '{"r": "C-1"}',
        "operationName": "Q",
    }
    answer = await _raw(server, "GET", params=given, headers=server.headers)
    assert answer.data == {"member": {"relationReference": "C-1"}}
    for params in (
        {},
        {"query": ""},
        {"query": "{__typename}", "variables": "{"},
        {"query": "{__typename}", "variables": "[]"},
    ):
        answer = await _raw(server, "GET", params=params, headers=server.headers)
        assert answer.status == 400
        assert answer.refusal[1] == "BAD_REQUEST"
    async with world.nothing_written():
        mutation = 'mutation {memberEnroll(input: {relationReference: "C-2"}) {replayed}}'
        answer = await _raw(server, "GET", params={"query": mutation}, headers=server.headers)
        assert answer.status == 405
        assert answer.headers["allow"] == "POST"
        assert answer.refusal == ("BAD_REQUEST", "METHOD_NOT_ALLOWED", "405", None)


async def test_other_methods_and_paths_are_refused(server: Caller) -> None:
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = await _raw(server, method, headers=server.headers)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")
    answer = await _raw(server, "POST", "/graphql/elsewhere", json={"query": "{__typename}"})
    assert answer.status == 404
    assert answer.refusal == ("NOT_FOUND", "PATH_NOT_FOUND", "404", None)


async def test_a_request_has_an_id(server: Caller) -> None:
    answer = await server.send({"query": "{__typename}"}, **{"x-request-id": "trace-1"})
    assert answer.headers["x-request-id"] == "trace-1"
    for hostile in ("a b", "x" * 101, "<script>"):
        answer = await server.send({"query": "{__typename}"}, **{"x-request-id": hostile})
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


async def test_texts_are_stored_in_one_form(world: World, server: Caller) -> None:
    # In a variable, in an escape of a variable, and in the document itself.
    for number, body in enumerate(
        (
            json.dumps({"query": "QUERY", "variables": {"n": "Ame\u0301lie"}}, ensure_ascii=False),
            json.dumps({"query": "QUERY", "variables": {"n": "Ame\u0301lie"}}),
            json.dumps({"query": "LITERAL", "variables": {}}, ensure_ascii=False),
        )
    ):
        query = 'mutation($n: String) {memberEnroll(input: {relationReference: "R", fullName: $n}) {member {fullName}}}'
        literal = query.replace("($n: String)", "").replace("$n", '"Ame\u0301lie"')
        given = json.loads(body) | {"query": (literal if "LITERAL" in body else query).replace('"R"', f'"R-{number}"')}
        raw = json.dumps(given, ensure_ascii="\\u" in body).encode()
        answer = await server.send(raw)
        assert answer.data["memberEnroll"]["member"]["fullName"] == "Am\u00e9lie"


async def test_numbers_keep_their_digits(world: World, server: Caller) -> None:
    reference = await world.member(server, 10**9)
    document = """mutation($p: Points!, $r: String!) {
        pointsRedeem(input: {relationReference: $r, points: $p}) {redemption {points}}}"""
    for given, expected in ((b'"0000001.50"', "1.5"), (b"12345678.91", "12345678.91"), (b"7", "7"), (b'"2.0"', "2")):
        body = b'{"query": %s, "variables": {"r": %s, "p": %s}}' % (
            json.dumps(document).encode(),
            json.dumps(reference).encode(),
            given,
        )
        assert (await server.send(body)).data["pointsRedeem"]["redemption"]["points"] == expected
    literal = await server.ask(
        """mutation($r: String) {pointsRedeem(input: {relationReference: $r, points: 3.25}) {redemption {points}}}""",
        r=reference,
    )
    assert literal.data["pointsRedeem"]["redemption"]["points"] == "3.25"


async def test_a_browser_gets_graphiql_from_here_alone(server: Caller) -> None:
    page = await server.client.get("/graphql", headers={"accept": "text/html,application/xhtml+xml"})
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == CSP
    assert "unsafe" not in CSP
    assert "http" not in page.text
    assert not re.search(r"<script>|<style|style=|onload=", page.text)
    linked = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(linked) == 8
    for path in linked:
        asset = await server.client.get(path)
        assert asset.status_code == 200
        assert asset.headers["content-type"].startswith("text/css" if path.endswith(".css") else "text/javascript")
    for path in ("/graphql/assets/README.md", "/graphql/assets/../app.py", "/graphql/assets/%2e%2e/app.py"):
        assert (await server.client.get(path)).status_code == 404


async def test_production_shows_neither_schema_nor_page_nor_suggestions(world: World, server: Caller) -> None:
    async with world.client_of(build_graphql_app(introspection=False)) as client:
        caller = Caller(client, server.token)
        for document in ("{__schema {queryType {name}}}", '{__type(name: "Member") {name}}'):
            answer = await caller.ask(document)
            assert answer.errors[0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
            assert "introspection" in answer.errors[0]["message"]
        assert (await caller.ask("{s: __schema {types {name}}}")).refusal == (
            "GRAPHQL_VALIDATION_FAILED",
            "INTROSPECTION_DISABLED",
            "1352",
            None,
        )
        for document in (
            "{progam {name}}",
            "{program {nam}}",
            "{members(frist: 1) {totalCount}}",
            "{me {...on Membr {id}}}",
        ):
            assert "Did you mean" in (await server.ask(document)).errors[0]["message"]
            assert "Did you mean" not in str((await caller.ask(document)).errors)
        hidden = await caller.ask("query($i: MemberStatusChangeInput!) {__typename}", i={"status": "ACTIV"})
        assert "Did you mean" not in str(hidden.body)
        enum = "mutation($i: MemberStatusChangeInput!) {memberStatusChange(input: $i) {replayed}}"
        assert "Did you mean" in str((await server.ask(enum, i={"status": "ACTIV"})).errors)
        assert "Did you mean" not in str((await caller.ask(enum, i={"status": "ACTIV"})).errors)
        assert (await caller.ask("{__typename program {name}}")).data["program"] == {"name": "Ours"}
        page = await client.get("/graphql", headers={"accept": "text/html"})
        assert page.status_code == 400
        assert (await client.get("/graphql/assets/start.js")).status_code == 404
