"""Hostile documents are refused fast, and good ones are prepared once."""

import time
from itertools import product
from typing import Any

import pytest
from graphql import get_introspection_query

from domain.errors import BadRequest, QueryTooComplex
from schema.build import schema
from schema.cost import default_size
from schema.document import CACHED_DOCUMENTS, MAX_CACHED_LENGTH, Documents
from schema.failure import DocumentRefused
from schema.limit import MAX_ALIASES, MAX_DEPTH, MAX_FIELDS
from tests.graphql.test_query import HOME_SCREEN
from tests.graphql.world import Caller

# In processor time, because a busy machine says nothing; the work itself takes some milliseconds.
FAST_S = 0.5


@pytest.fixture
def documents() -> Documents:
    """A fresh cache."""
    return Documents(schema, introspection=True)


def _doubling(levels: int, innermost: str) -> str:
    steps = (f"fragment F{one} on Member {{...F{one + 1} ...F{one + 1}}}" for one in range(levels))
    return f"{{me {{...F0}}}} {' '.join(steps)} fragment F{levels} on Member {{{innermost}}}"


def _nested(levels: int) -> str:
    return "{me {" + "ledger {edges {node {member {" * levels + "id" + "}}}}" * levels + "}}"


HOSTILE = {
    "2^80 fields": _doubling(80, "id"),
    "2^80 empty fragments": _doubling(80, ""),
    "deep": _nested(4),
    "many aliases": "{" + " ".join(f"a{one}: __typename" for one in range(MAX_ALIASES + 1)) + "}",
    "many fields": "{me {" + "id " * (MAX_FIELDS + 1) + "}}",
    "many directives at one place": "{me {id " + "@include(if: true) " * 5 + "}}",
    "many directives": "{me {" + "id @include(if: true) " * 51 + "}}",
    "many operations": " ".join(f"query Q{one} {{__typename}}" for one in range(11)),
    "many tokens": "{me {" + "id, " * 3000 + "}}",
    "many comments": "#\n" * 3000 + "{__typename}",
    "the same field again and again": "{" + "me {id} " * 100 + "}",
    "the same field in fragments": "{" + "...on Query {me {balance {available}}} " * 90 + "}",
}
REFUSED = {
    "too deep to parse": "{a" * 5000 + "}" * 5000,
    "a fragment in itself": "{me {...A}} fragment A on Member {id ...A}",
    "fragments in each other": """{me {...A}} fragment A on Member {ledger {edges {node {member {...B}}}}}
        fragment B on Member {...A}""",
    "what is not counted": "{me {id}} fragment A on Query {" + "me {id} " * 190 + "}",
    "two fragments of one name": "{me {...A}} fragment A on Member {id} fragment A on Member {status}",
    "a chain of fragments": "{me {...F0}} "
    + " ".join(f"fragment F{one} on Member {{...F{one + 1}}}" for one in range(250))
    + " fragment F250 on Member {id}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused_fast(documents: Documents, name: str) -> None:
    start = time.process_time()
    with pytest.raises(QueryTooComplex):
        documents.prepare(HOSTILE[name])
    assert time.process_time() - start < FAST_S


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_document_is_refused_fast(documents: Documents, name: str) -> None:
    start = time.process_time()
    with pytest.raises((DocumentRefused, QueryTooComplex)):
        documents.prepare(REFUSED[name])
    assert time.process_time() - start < FAST_S


@pytest.mark.parametrize("length", [65, 4301])
@pytest.mark.parametrize("form", ["%s", "-%s", "%s.5", "0.%s", "1e%s"])
def test_a_long_number_is_refused_in_our_own_words(documents: Documents, form: str, length: int) -> None:
    number = form % ("7" * length)
    for document in (
        "{me {ledger(first: %s) {edges {node {id}}}}}",
        "query($n: Int = %s) {me {ledger(first: $n) {edges {node {id}}}}}",
        "mutation {pointsRedeem(input: {points: %s}) {replayed}}",
    ):
        with pytest.raises(BadRequest) as refused:
            documents.prepare(document % number)
        assert refused.value.detail == "a number is too long"
    documents.prepare('{member(reference: "%s") {id}}' % ("7" * length))


async def test_a_long_number_in_a_variable_is_refused(server: Caller) -> None:
    for length in (65, 4301):
        answer = await server.send(b'{"query": "{__typename}", "variables": {"a": %b}}' % (b"7" * length))
        assert (answer.status, answer.refusal[2]) == (400, "999")
        assert answer.errors[0]["message"].endswith("(not valid JSON)")


def test_what_tools_and_apps_ask_for_is_within_the_limits(documents: Documents) -> None:
    documents.prepare(get_introspection_query(specified_by_url=True, input_value_deprecation=True))
    documents.prepare(HOME_SCREEN)
    # Colocated fragments repeat a field here and there.
    parts = " ".join(f"fragment P{one} on Member {{__typename id status}}" for one in range(20))
    documents.prepare("{me {" + " ".join(f"...P{one}" for one in range(20)) + "}} " + parts)


def test_the_last_level_that_is_allowed_is_allowed(documents: Documents) -> None:
    levels = "{me " + "{ledger {edges {node {member " * 3 + "{balance {available}}" + "}}}}" * 3 + "}"
    assert levels.count("{") == MAX_DEPTH
    documents.prepare(levels)
    with pytest.raises(QueryTooComplex, match="deeper"):
        documents.prepare(levels.replace("balance {available}", "ledger {edges {cursor}}"))


def test_a_document_is_parsed_and_validated_once(documents: Documents) -> None:
    for _ in range(5):
        documents.prepare(HOME_SCREEN)
    counts = documents.cached.cache_info()
    assert (counts.hits, counts.misses, counts.maxsize) == (4, 1, CACHED_DOCUMENTS)


def test_the_cache_is_bounded(documents: Documents) -> None:
    documents.prepare("{__typename}" + " " * MAX_CACHED_LENGTH)
    assert documents.cached.cache_info().currsize == 0
    for first, second in product(range(30), range(20)):
        documents.prepare(f"{{__typename}} # {first} {second}")
    assert documents.cached.cache_info().currsize == CACHED_DOCUMENTS


@pytest.mark.parametrize(
    ("document", "variables", "cost"),
    [
        ("{__typename}", {}, 0),
        ("{me {id}}", {}, 1),
        ("{me {id balance {available}}}", {}, 2),
        ("{me {ledger {edges {node {id}}}}}", {}, 21),
        ("{me {ledger(first: 5) {edges {node {id}}}}}", {}, 6),
        ("{me {ledger(first: 5) {edges {node {member {id}}}}}}", {}, 11),
        ("{members(first: 10) {edges {node {ledger(last: 3) {edges {node {id}}}}}}}", {}, 40),
        ("query($n: Int) {members(first: $n) {edges {node {id}}}}", {"n": 7}, 7),
        ("query($n: Int = 9) {members(first: $n) {edges {node {id}}}}", {}, 9),
        ("query($n: Int) {members(first: $n) {edges {node {id}}}}", {}, 20),
        ("query($n: Int) {members(first: $n) {edges {node {id}}}}", {"n": 10**9}, 100),
        ("query($n: Int) {members(first: $n) {edges {node {id}}}}", {"n": -5}, 0),
        ("{me {...A ...A}} fragment A on Member {ledger(first: 5) {edges {cursor}}}", {}, 11),
        ("query($i: [ID!]!) {nodes(ids: $i) {id}}", {"i": ["a", "b", "c"]}, 3),
        ('{nodes(ids: ["a", "b"]) {... on Member {balance {available}}}}', {}, 4),
        ("{me {statement {entries {id}}}}", {}, 101),
        ("{me {expiring {available}}}", {}, 13),
        ("query($n: Int = 7) {me {expiring(first: $n) {available}}}", {}, 8),
        ("query($n: Int!) {me {statement(first: $n) {entries {id}}}}", {"n": 3}, 4),
        ("{node(id: 1) {... on Member {statement {count}}}}", {}, 100),
        ("{__schema {types {name}}}", {}, 0),
    ],
)
def test_pages_multiply_what_is_inside_them(
    documents: Documents, document: str, variables: dict[str, Any], cost: int
) -> None:
    assert documents.prepare(document).operation(None).cost(variables) == cost


PAGED = {
    "Query.members": "{members%s {edges {cursor}}}",
    "Query.configurationVersions": "{configurationVersions%s {edges {cursor}}}",
    "Query.membersBySubRelation": "{membersBySubRelation%s {edges {cursor}}}",
    "Query.segmentMembers": '{segmentMembers(segment: "S"%s) {edges {cursor}}}',
    "Query.pointsRequests": "{pointsRequests%s {edges {cursor}}}",
    "Query.batches": "{batches%s {edges {cursor}}}",
    "Member.ledger": "{me {ledger%s {edges {cursor}}}}",
    "Member.holds": "{me {holds%s {edges {cursor}}}}",
    "Member.subRelations": "{me {subRelations%s {edges {cursor}}}}",
    "Member.transactions": "{me {transactions%s {edges {cursor}}}}",
    "Member.campaigns": "{me {campaigns%s {name}}}",
    "Member.statement": "{me {statement%s {entries {id}}}}",
    "Member.tierHistory": "{me {tierHistory%s {tier}}}",
    "Member.expiring": "{me {expiring%s {available}}}",
    "Query.heldTransactions": "{heldTransactions%s {edges {cursor}}}",
    "TransactionBatch.results": (
        '{transactionBatch(batchId: "6f9619ff-8b86-4011-b42d-00cf4fc964ff") {results%s {edges {cursor}}}}'
    ),
    "Query.programs": "{programs%s {name}}",
    "Query.credentials": "{credentials%s {clientId}}",
    "Member.lots": "{me {lots%s {edges {cursor}}}}",
    "Member.pending": "{me {pending%s {points}}}",
    "Transaction.entries": "{node(id: 1) {... on Transaction {entries%s {id}}}}",
    "Batch.rows": "{node(id: 1) {... on Batch {rows%s {edges {cursor}}}}}",
}


def test_leaving_out_an_argument_costs_as_much_as_giving_its_default(documents: Documents) -> None:
    sized = {
        f"{name}.{field}": default_size(definition)
        for name, one in schema._schema.type_map.items()
        for field, definition in getattr(one, "fields", {}).items()
        if "first" in getattr(definition, "args", {})
    }
    assert sized.keys() == PAGED.keys()
    for name, document in PAGED.items():
        without = documents.prepare(document % "").operation(None).cost({})
        # Behind another argument it needs no parentheses of its own.
        argument = ", first: %d" if '"%s' in document else "(first: %d)"
        given = documents.prepare(document % (argument % sized[name])).operation(None).cost({})
        more = documents.prepare(document % (argument % (sized[name] - 1))).operation(None).cost({})
        assert without == given == more + 1, name
    assert (sized["Member.statement"], sized["Member.expiring"], sized["Member.ledger"]) == (100, 12, 20)


def test_an_escape_brings_in_nothing_that_a_text_may_not_hold(documents: Documents) -> None:
    documents.prepare('{member(reference: "\\u0041") {id}}')
    for text in ("\\u0000", "e\\u0301"):
        with pytest.raises(BadRequest):
            documents.prepare(f'{{member(reference: "{text}") {{id}}}}')
