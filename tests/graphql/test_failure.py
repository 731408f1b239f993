"""What went wrong: surprises are masked and logged once, a caller's mistakes are told and not logged."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.errors import CATALOGUE, BadRequest, InvalidAttribute, ServiceUnavailable, TesseraError
from schema import query as queries
from schema.app import build_graphql_app
from schema.failure import PARSE_FAILED, VALIDATION_FAILED, message_of
from tests.graphql.world import Caller, World

SECRET = "ada@example.com and SELECT * FROM member"


async def test_a_surprise_is_masked_and_logged_once(
    world: World, server: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(queries, "get_program", broken)
    with capture_logs() as logs:
        answer = await server.send({"query": "{ours: program {name} members {totalCount}}"}, **{"x-request-id": "r-1"})
    assert answer.status == 200
    assert answer.body["data"] == {"ours": None, "members": {"totalCount": 0}}
    (error,) = answer.errors
    assert error == {
        "message": "Unexpected error",
        "locations": [{"line": 1, "column": 2}],
        "path": ["ours"],
        "extensions": {
            "code": "INTERNAL_SERVER_ERROR",
            "reason": "UNEXPECTED_FAILURE",
            "v1Code": "997",
            "httpStatus": 500,
            "field": None,
            "requestId": "r-1",
        },
    }
    (log,) = logs
    assert (log["log_level"], log["event"], log["request_id"]) == ("error", "request failed", "r-1")
    assert (log["exception"], log["path"]) == ("RuntimeError", "ours")
    assert any("broken" in frame for frame in log["frames"])
    assert SECRET not in str(log)


async def test_a_callers_mistakes_are_not_logged(world: World, server: Caller) -> None:
    with capture_logs() as logs:
        await server.ask('{member(reference: "nobody") {id}}')
        await server.ask("{nothing}")
        await server.ask("{")
        await server.ask("query($i: ID!) {node(id: $i) {id}}")
        await server.send(b"{")
        await world.redeem(server, "nobody", 1)
    assert logs == []


def test_the_documentation_has_every_code_that_is_sent() -> None:
    text = (Path(__file__).parents[2] / "docs" / "graphql.md").read_text()
    told = re.search(r"\n`code` is one that clients and tools know: (.*?)`field` is the input", text, re.DOTALL)
    assert told
    sent = {code for error in CATALOGUE.values() for code in error.graphql_codes}
    assert {PARSE_FAILED, VALIDATION_FAILED} < sent
    assert set(re.findall(r"`([A-Z_]+)`", told[1])) == sent


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            BadRequest("card_number or sub_relation_identifier is needed", field="card_number"),
            "cardNumber or subRelationIdentifier is needed",
        ),
        (
            BadRequest("RelationReference and ExternalReference are needed", field="external_reference"),
            "relationReference and externalReference are needed",
        ),
        (
            BadRequest("relation_reference: either it or member_id", field="relation_reference"),
            "relationReference: either it or memberId",
        ),
        # What the caller or the program named itself stays as it is.
        (InvalidAttribute("my_key: not product_code", field="my_key"), "my_key: not product_code"),
        (
            BadRequest("product_code: unknown: 'product_code'", field="product_code"),
            "productCode: unknown: 'product_code'",
        ),
    ],
)
def test_a_message_has_the_names_of_the_callers_inputs(error: TesseraError, told: str) -> None:
    assert message_of(error) == f"{error.message} ({told})"


async def test_a_surprise_outside_the_fields_is_masked_too(server: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("schema.execution.open_context", broken)
    with capture_logs() as logs:
        answer = await server.ask("{program {name}}")
    assert answer.status == 500
    assert answer.refusal == ("INTERNAL_SERVER_ERROR", "UNEXPECTED_FAILURE", "997", None)
    assert SECRET not in str(answer.body)
    assert [(log["event"], log["exception"]) for log in logs] == [("request failed", "RuntimeError")]
    assert SECRET not in str(logs)


async def test_a_database_that_is_away_is_said_to_be(
    world: World, server: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = await world.member(server, 10)

    async def away(*_: Any) -> None:
        raise ServiceUnavailable

    for way in ("read", "ask"):
        monkeypatch.setattr(world.services.db, way, away)
    answer = await server.ask("query($r: String!) {member(reference: $r) {id}}", r=reference)
    assert answer.refusal == ("SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", "503", None)
    assert answer.body["data"] == {"member": None}


async def test_a_request_that_takes_too_long_is_ended(
    world: World, server: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(*_: Any) -> None:
        await asyncio.sleep(30)

    monkeypatch.setattr(queries, "get_program", slow)
    app = build_graphql_app(introspection=True, timeout_s=0.2)
    async with world.client_of(app) as client:
        answer = await Caller(client, server.token).ask("{program {name}}")
    assert answer.status == 503
    assert answer.refusal == ("SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", "503", None)
    assert (answer.headers["retry-after"], answer.errors[0]["extensions"]["retryAfter"]) == ("1", 1)


async def test_parts_of_an_answer_survive_the_refusal_of_another(world: World, server: Caller) -> None:
    reference = await world.member(server, 10)
    query = 'query($r: String!) {good: member(reference: $r) {relationReference} bad: member(reference: "x") {id}}'
    answer = await server.ask(query, r=reference)
    assert answer.body["data"] == {"good": {"relationReference": reference}, "bad": None}
    assert answer.errors[0]["path"] == ["bad"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (r'{"query": "query($r: String) {member(reference: $r) {id}}", "variables": {"r": "a\u0000"}}', "r"),
        (r'{"query": "{__typename}", "variables": {"i": {"fullName": "\ud800"}}}', "fullName"),
        (r'{"query": "{__typename}", "variables": {"i": {"attributes": [{"key": "\udfff"}]}}}', "attributes[0].key"),
        (r'{"query": "{__typename}", "variables": {"i": ["a", "\u0000"]}}', "i[1]"),
        (r'{"query": "{__typename}", "variables": {"\u0000": 1}}', None),
        (r'{"query": "{__typename \u0000}"}', "query"),
        (r'{"query": "{member(reference: \"\\u0000\") {id}}"}', "reference"),
        (r'{"query": "mutation {memberUpdate(input: {fullName: \"\\u0000\"}) {replayed}}"}', "fullName"),
    ],
)
async def test_a_text_that_no_database_stores_is_named(server: Caller, body: str, field: str | None) -> None:
    answer = await server.send(body.encode())
    assert answer.refusal == ("BAD_USER_INPUT", "BAD_REQUEST", "999", field)
    assert "character that is not accepted" in answer.errors[0]["message"]


async def test_refusals_say_what_to_do_in_the_words_of_this_api(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    hold = "mutation($i: HoldCreateInput!) {holdCreate(input: $i) {replayed}}"
    update = "mutation($i: MemberUpdateInput!) {memberUpdate(input: $i) {replayed}}"
    link = "mutation($i: SessionStartByLinkInput!) {sessionStartByLink(input: $i) {replayed}}"
    holding = {"relationReference": reference, "points": 1}
    both = {"merchantName": "Shop", "until": "2026-03-01T00:00:00Z", "validityDays": 2}
    app = Caller(world.client, key=world.ours.publishable_key)
    for caller, document, given, field, told in (
        (server, hold, holding | both, "validityDays", "validityDays: cannot stand beside until"),
        (server, hold, holding | {"merchantName": "x" * 201}, "merchantName", "merchantName: longer than 200"),
        (server, hold, holding | {"merchantName": "a\tb"}, "merchantName", "merchantName: control characters"),
        (server, update, {"relationReference": reference, "gender": "X"}, "gender", "must be one of M, F, O"),
        (server, update, {"relationReference": reference}, None, "at least one field or attribute"),
        (app, link, {"token": "tl_used"}, "token", "token: the link was used, has lapsed or was replaced"),
    ):
        answer = await caller.ask(document, i=given)
        assert answer.refusal[3] == field
        assert told in answer.errors[0]["message"]
