"""Bodies, variables and messages that are too much: refused before anything is made of them."""

import json
from typing import Any

import pytest

from domain.errors import BadRequest
from schema import request as reading
from schema.request import MAX_JSON_LIST, MAX_JSON_VALUES, read_json
from tests.graphql.live import live
from tests.graphql.world import Caller, World


@pytest.fixture(scope="session")
def dialect() -> str:
    """What is tested here is the same on every database."""
    return "sqlite"


FLOODS = {
    "numbers": b'{"query": "{__typename}", "variables": {"a": [' + b"1," * 400_000 + b"1]}}",
    "objects": b'{"query": "{__typename}", "variables": {"a": [' + b"{}," * 300_000 + b"{}]}}",
    "keys": b'{"query": "{__typename}", "variables": {' + b",".join(b'"%d":1' % one for one in range(80_000)) + b"}}",
    "brackets": b"[" * 500_000,
}


@pytest.mark.parametrize("name", FLOODS)
async def test_a_flood_of_values_is_refused_before_it_is_decoded(
    server: Caller, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(reading, "_DECODER", None)
    answer = await server.send(FLOODS[name])
    assert answer.status == 400
    assert answer.errors[0]["message"].endswith(f"(JSON has more than {MAX_JSON_VALUES} values)")


def test_a_text_full_of_commas_and_brackets_is_one_value() -> None:
    for text in ("," * 200_000, "[{" * 100_000, '\\",' * 100_000, "\\" * 99_999 + "," * 100_000):
        assert read_json(json.dumps({"a": text}).encode()) == {"a": text}
    with pytest.raises(BadRequest, match="not valid JSON"):
        read_json(b'{"a": "' + b"," * 200_000)


def test_the_largest_batch_is_no_flood() -> None:
    batch = [{f"key{one}": "value" for one in range(10)} for _ in range(5000)]
    assert read_json(json.dumps(batch).encode()) == batch


async def test_a_list_is_at_most_as_long_as_any_needs_to_be(server: Caller) -> None:
    query = "query($a: [ID!]!) {nodes(ids: $a) {id}}"
    longest = await server.send({"query": query, "variables": {"a": ["x"] * MAX_JSON_LIST}})
    assert longest.refusal[1] != "BAD_REQUEST" or "a list has" not in longest.errors[0]["message"]
    answer = await server.send({"query": query, "variables": {"a": ["x"] * (MAX_JSON_LIST + 1)}})
    assert (answer.status, answer.refusal[1]) == (400, "BAD_REQUEST")
    assert "a list has more than" in answer.errors[0]["message"]


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query($a: [ID!]!) {nodes(ids: $a) {id}}", {"a": [[["x"]]]}),
        ("query($a: [ID!]!) {nodes(ids: $a) {id}}", {"a": [{}] * 9000}),
        ("query($a: ID!) {node(id: $a) {id}}", {"a": {"b": {"c": 1}}}),
        ("query($a: Int) {members(first: $a) {totalCount}}", {"a": 2**31}),
        ("query($a: Int) {members(first: $a) {totalCount}}", {"a": True}),
        ("query($a: Boolean!) {__typename @skip(if: $a)}", {"a": "true"}),
        ("mutation($a: MemberEnrollInput!) {memberEnroll(input: $a) {replayed}}", {"a": {"nothing": 1}}),
        ("mutation($a: MemberEnrollInput!) {memberEnroll(input: $a) {replayed}}", {"a": [[]]}),
    ],
)
async def test_variables_of_wrong_types_are_refused_in_few_words(
    world: World, server: Caller, query: str, variables: dict[str, Any]
) -> None:
    async with world.nothing_written():
        answer = await server.send({"query": query, "variables": variables})
    assert "data" not in answer.body
    assert {one["extensions"]["code"] for one in answer.errors} == {"BAD_USER_INPUT"}
    assert len(json.dumps(answer.body)) < 20_000


@pytest.mark.parametrize("name", ["__proto__", "", " ", "Which ", "a" * 100_000, "query Which {__typename}"])
async def test_the_name_of_an_operation_is_one_of_the_document(server: Caller, name: str) -> None:
    answer = await server.send({"query": "query Which {__typename}", "operationName": name})
    assert (answer.status, answer.refusal[1], answer.refusal[3]) == (400, "BAD_REQUEST", "operationName")
    assert len(json.dumps(answer.body)) < 1000


async def test_a_fault_in_a_long_word_is_told_in_a_short_sentence(server: Caller) -> None:
    for query in (
        "{" + "member" * 15_000 + "}",
        "query($a: " + "Int" * 30_000 + ") {__typename}",
        "{a(" + "9" * 64 + ")}",
    ):
        answer = await server.send({"query": query})
        assert len(json.dumps(answer.body)) < 10_000


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"query": "{__typename}", "variables": {"a": "\xff"}}', 400),
        (b'{"query": "{__typename}", "variables": {"a": 1, "a": 2}}', 400),
        (b'{"query": "{__typename}", "variables": {"a": "\\u0000"}}', 400),
        (b'{"query": "{\\u0000__typename}"}', 400),
        (b'[{"query": "{__typename}"}, {"query": "{__typename}"}]', 400),
        (b'{"query": ["{__typename}"]}', 400),
        (b"\x00" * 1000, 400),
        (b"\xef\xbb\xbf" + b'{"query": "{__typename}"}', 200),
    ],
)
async def test_what_is_no_clean_json_is_refused(server: Caller, body: bytes, status: int) -> None:
    assert (await server.send(body)).status == status


async def test_a_flood_over_a_websocket_ends_the_connection(world: World, server: Caller) -> None:
    async with live(world) as served, served.connection(server) as talk:
        await talk.connection.send(FLOODS["numbers"].decode())
        assert (await talk.closed())[0] == 4400
