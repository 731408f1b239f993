"""Documents that are asked for by id: Apollo's protocol, and lists of trusted ones."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import pytest

from domain.errors import DocumentNotTrusted
from schema.app import build_graphql_app
from schema.build import schema
from schema.document import MAX_CACHED_LENGTH, Counts, Documents
from schema.request import GraphQLRequest
from schema.trusted import TrustedRefused
from tests.graphql.live import live
from tests.graphql.world import Answer, Caller, World

STRICT = "application/graphql-response+json"
QUERY = "query Which {__typename}"
NOT_FOUND = ("PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_FOUND", "1350", None)
NOT_TRUSTED = ("FORBIDDEN", "DOCUMENT_NOT_TRUSTED", "1351", None)
LIST = {"sha256:abc": QUERY, "named": "query Named($r: String!) {member(reference: $r) {id}}"}
PLAIN_LIST = {name.removeprefix("sha256:"): text for name, text in LIST.items()}


@pytest.fixture(scope="session")
def dialect() -> str:
    """What is tested here is the same on every database."""
    return "sqlite"


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _persisted(text: str, **more: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": _hash(text)}}, **more}


async def _get(caller: Caller, **params: str) -> Answer:
    answer = await caller.client.get("/graphql", params=params, headers=caller.headers)
    return Answer(answer.status_code, answer.headers, answer.json())


async def test_a_document_is_sent_once_and_then_asked_for_by_its_hash(server: Caller) -> None:
    for accept, status in ((STRICT, 404), ("application/json", 200)):
        unknown = await server.send(_persisted(QUERY), accept=accept)
        assert (unknown.status, unknown.refusal) == (status, NOT_FOUND)
        # Some clients look for the code, others for the message.
        assert unknown.errors[0]["message"] == "PersistedQueryNotFound"
        assert "data" not in unknown.body
    assert (await server.send(_persisted(QUERY, query=QUERY))).data == {"__typename": "Query"}
    assert (await server.send(_persisted(QUERY))).data == {"__typename": "Query"}
    extensions = json.dumps(_persisted(QUERY)["extensions"])
    assert (await _get(server, extensions=extensions, operationName="Which")).data == {"__typename": "Query"}
    assert (await server.send({"documentId": f"sha256:{_hash(QUERY)}"})).data == {"__typename": "Query"}


async def test_a_hash_of_another_text_is_refused_and_nothing_is_kept(world: World, server: Caller) -> None:
    documents = Documents(schema, introspection=True)
    async with world.client_of(build_graphql_app(introspection=True, documents=documents)) as client:
        caller = Caller(client, server.token)
        wrong = await caller.send(_persisted(QUERY, query="{other: __typename}"))
        assert wrong.refusal == ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "extensions")
        assert documents.counts == Counts(hits=0, misses=0)
        assert (await caller.send(_persisted(QUERY))).refusal == NOT_FOUND
        assert (await caller.send(_persisted("{other: __typename}"))).refusal == NOT_FOUND


@pytest.mark.parametrize(
    "text", ["{", "{nothing}", "{" + "a: __typename " * 40 + "}", "{__typename}" + " " * MAX_CACHED_LENGTH]
)
async def test_what_does_not_hold_or_is_long_is_not_kept(server: Caller, text: str) -> None:
    await server.send(_persisted(text, query=text))
    assert (await server.send(_persisted(text))).refusal == NOT_FOUND


@pytest.mark.parametrize(
    "given",
    [
        {"extensions": {"persistedQuery": 1}},
        {"extensions": {"persistedQuery": {}}},
        {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "a"}}},
        {"extensions": {"persistedQuery": {"version": True, "sha256Hash": "a"}}},
        {"extensions": {"persistedQuery": {"version": 1}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 1}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": ""}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "a" * 201}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "a"}}, "query": 1},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "a"}}, "query": ""},
        {"documentId": 1},
        {"documentId": ""},
        {"documentId": "a" * 201},
        {"documentId": "a", "query": QUERY},
        _persisted(QUERY, documentId="a"),
    ],
)
async def test_what_names_no_document_is_refused(server: Caller, given: Mapping[str, Any]) -> None:
    answer = await server.send(dict(given))
    assert answer.status == 400
    assert answer.refusal[:3] == ("BAD_USER_INPUT", "BAD_REQUEST", "999")


async def test_a_mutation_by_hash_needs_a_post(world: World, server: Caller) -> None:
    text = 'mutation {memberEnroll(input: {relationReference: "C-1"}) {replayed}}'
    assert (await server.send(_persisted(text, query=text))).data
    async with world.nothing_written():
        answer = await _get(server, extensions=json.dumps(_persisted(text)["extensions"]))
        assert (answer.status, answer.refusal[1]) == (405, "METHOD_NOT_ALLOWED")


async def test_documents_are_asked_for_by_hash_over_a_websocket_too(world: World, server: Caller) -> None:
    async with live(world) as served, served.connection(server) as talk:
        await talk.send(type="subscribe", id="1", payload=_persisted(QUERY))
        assert await talk.refusal() == ("PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_FOUND", None)
        for payload in (_persisted(QUERY, query=QUERY), _persisted(QUERY)):
            await talk.send(type="subscribe", id="1", payload=payload)
            assert await talk.data() == "Query"
            assert (await talk.receive())["type"] == "complete"


@pytest.mark.parametrize("only", [False, True])
async def test_documents_of_the_list_are_known_by_every_form_of_their_ids(
    world: World, server: Caller, only: bool
) -> None:
    documents = Documents(schema, introspection=True, trusted=PLAIN_LIST, only_trusted=only)
    async with world.client_of(build_graphql_app(introspection=True, documents=documents)) as client:
        caller = Caller(client, server.token)
        for given in (
            {"documentId": "sha256:abc"},
            {"documentId": "abc"},
            {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "abc"}}},
            {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "abc"}}, "query": QUERY},
            {"query": QUERY},
        ):
            assert (await caller.send(given)).data == {"__typename": "Query"}
        assert (await _get(caller, documentId="abc")).data == {"__typename": "Query"}
        named = await caller.send({"documentId": "named", "variables": {"r": "x"}})
        assert named.body["data"] == {"member": None}


async def test_beside_a_list_others_run_unless_it_is_the_only_one(world: World, server: Caller) -> None:
    other = "{other: __typename}"
    for only in (False, True):
        documents = Documents(schema, introspection=True, trusted=PLAIN_LIST, only_trusted=only)
        async with world.client_of(build_graphql_app(introspection=True, documents=documents)) as client:
            caller = Caller(client, server.token)
            for given in ({"query": other}, _persisted(other, query=other), _persisted(other), {"query": "{"}):
                answer = await caller.send(given, accept=STRICT)
                if only:
                    assert (answer.status, answer.refusal) == (403, NOT_TRUSTED)
                elif given.get("query") != "{":
                    assert answer.data == {"other": "Query"}
            unknown = await caller.send({"documentId": "unknown"})
            assert unknown.refusal == (NOT_TRUSTED if only else NOT_FOUND)
            assert documents.counts.misses == (0 if only else 2)
            # Nothing that somebody types into GraphiQL would run.
            page = await client.get("/graphql", headers={"accept": "text/html"})
            assert page.headers["content-type"].startswith("application/json" if only else "text/html")
            assert (await client.get("/graphql/assets/start.js")).status_code == (404 if only else 200)


def test_nothing_else_is_even_parsed_where_only_the_list_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = Documents(schema, introspection=True, trusted=PLAIN_LIST, only_trusted=True)
    monkeypatch.setattr("schema.document.parse_text", None)
    with pytest.raises(DocumentNotTrusted):
        documents.find(GraphQLRequest("{other: __typename}"))


def test_a_document_of_the_list_that_would_not_run_is_named() -> None:
    for text, fault in (("{", "Syntax Error"), ("{nothing}", "Cannot query field"), ("{" + "id " * 401 + "}", "400")):
        with pytest.raises(TrustedRefused, match=rf"document 'bad'.*{fault}"):
            Documents(schema, introspection=True, trusted=PLAIN_LIST | {"bad": text})
