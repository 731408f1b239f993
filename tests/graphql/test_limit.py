"""Hostile documents are refused fast, and good ones are prepared once."""

import time
from collections import Counter
from typing import Any

import pytest
from graphql import Node, get_introspection_query, parse, validate

from domain.errors import BadRequest, QueryTooComplex
from schema import limit
from schema.build import schema
from schema.document import MAX_REPORTED, Counts, Documents
from schema.failure import DocumentRefused
from schema.limit import MAX_ALIASES, MAX_DEPTH, MAX_FIELDS, Meter
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
    "2^80 inline fragments": _doubling(80, "... on Member {}"),
    "deep": _nested(4),
    "10,000 aliases": "{" + " ".join(f"a{one}: __typename" for one in range(10_000)) + "}",
    "many aliases": "{" + " ".join(f"a{one}: __typename" for one in range(MAX_ALIASES + 1)) + "}",
    "many fields": "{me {" + "id " * (MAX_FIELDS + 1) + "}}",
    "many fields in all operations": " ".join(f"query Q{one} {{me {{{' '.join(['...F'] * 20)}}}}}" for one in range(10))
    + " fragment F on Member {id ledger {edges {cursor}} status}",
    "many directives at one place": "{me {id " + "@include(if: true) " * 5 + "}}",
    "many directives of a fragment": "{me {...F}} fragment F on Member " + "@skip(if: false) " * 5 + "{id}",
    "many directives of a variable": "query($a: Int " + "@skip(if: false) " * 5 + ") {me {id}}",
    "many directives of an operation": "query " + "@skip(if: false) " * 5 + " {me {id}}",
    "many directives": "{me {" + "id @include(if: true) " * 51 + "}}",
    "directives in doubling fragments": _doubling(80, "id @include(if: true)"),
    "many operations": " ".join(f"query Q{one} {{__typename}}" for one in range(11)),
    "many fragments": "{me {"
    + " ".join(f"...F{one}" for one in range(101))
    + "}}"
    + " ".join(f"fragment F{one} on Member {{}}" for one in range(101)),
    "many variables": "query(" + " ".join(f"$v{one}: Int" for one in range(101)) + ") {__typename}",
    "many arguments": "{member(" + 'reference: "a" ' * 51 + ") {id}}",
    "many tokens": "{me {" + "id, " * 3000 + "}}",
    "many comments": "#\n" * 3000 + "{__typename}",
    "many values": "{nodes(ids: [" + '"a" ' * 2000 + "]) {id}}",
    "values in values": "{nodes(ids: " + "[" * 33 + "]" * 33 + ") {id}}",
    "objects in objects": "mutation {pointsSimulate(input: " + "{a: " * 33 + "1" + "}" * 33 + ") {points}}",
    "values in a default": "query($a: [ID!]! = " + "[" * 33 + "]" * 33 + ") {nodes(ids: $a) {id}}",
    "a long text": '{member(reference: "' + "a" * 100_000 + '") {id}}',
    "a long comment": "{__typename} #" + "a" * 100_000,
    "many blanks": "{__typename" + " " * 100_000 + "}",
    "5 MB": "{me {" + "id " * 1_700_000 + "}}",
    "the same field again and again": "{" + "me {id} " * 100 + "}",
    "the same field in fragments": "{" + "...on Query {me {balance {available}}} " * 90 + "}",
    "fields to compare in fragments": "{" + "...F " * 65 + "} fragment F on Query {me {id}}",
}
REFUSED = {
    "too deep to parse": "{a" * 5000 + "}" * 5000,
    "fragments inside each other": "{" + "... on Query {" * 400 + "__typename" + "}" * 400 + "}",
    "values too deep to parse": "{nodes(ids: " + "[" * 900 + "]" * 900 + ") {id}}",
    "a fragment in itself": "{me {...A}} fragment A on Member {id ...A}",
    "fragments in each other": """{me {...A}} fragment A on Member {ledger {edges {node {member {...B}}}}}
        fragment B on Member {...A}""",
    "what is not counted": "{me {id}} fragment A on Query {" + "me {id} " * 190 + "}",
    "two fragments of one name": "{me {...A}} fragment A on Member {id} fragment A on Member {status}",
    "a chain of fragments": "{me {...F0}} "
    + " ".join(f"fragment F{one} on Member {{...F{one + 1}}}" for one in range(250))
    + " fragment F250 on Member {id}",
}
# What passes the count, and is refused by GraphQL's own rules, which stop at a few errors.
INVALID = {
    "types of types of types": "{__schema {types {fields {type {fields {type {fields {name}}}}}}}}",
    "types of types in fragments": """{__schema {types {...A}}} fragment A on __Type {fields {type {...B}}}
        fragment B on __Type {fields {type {...C}}} fragment C on __Type {fields {type {name}}}""",
    "unknown fields": "{" + " ".join(f"membr{one}" for one in range(390)) + "}",
    "an unknown field with a long name": "{" + "member" * 15_000 + "}",
    "unknown types": "{" + " ".join(f"...on Membr{one} {{id}}" for one in range(60)) + "}",
    "fields that differ": "{" + " ".join(f'member(reference: "{one}") {{id}}' for one in range(40)) + "}",
    "directives for parts": "{me @defer {id}}",
    "directives for lists": "{members @stream(initialCount: 0) {totalCount}}",
    "types in place of operations": " ".join(f"type T{one} {{a: Int}}" for one in range(250)),
}


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the count looked at a node, and how often GraphQL's rules were begun."""
    counted: Counter[str] = Counter()
    visit = Meter.visit

    def counting(meter: Meter, node: Node) -> None:
        counted["nodes"] += 1
        visit(meter, node)

    def validating(*given: Any, **named: Any) -> Any:
        counted["validated"] += 1
        return validate(*given, **named)

    monkeypatch.setattr(Meter, "visit", counting)
    monkeypatch.setattr("schema.document.validate", validating)
    return counted


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused_after_few_looks_and_before_validation(
    documents: Documents, looks: Counter[str], name: str
) -> None:
    start = time.process_time()
    with pytest.raises(QueryTooComplex):
        documents.prepare(HOSTILE[name])
    assert time.process_time() - start < FAST_S
    assert looks["nodes"] <= 10_000
    assert looks["validated"] == 0


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_document_is_refused_before_validation_too(
    documents: Documents, looks: Counter[str], name: str
) -> None:
    start = time.process_time()
    with pytest.raises((DocumentRefused, QueryTooComplex)):
        documents.prepare(REFUSED[name])
    assert time.process_time() - start < FAST_S
    assert looks["nodes"] <= 10_000
    assert looks["validated"] == 0


@pytest.mark.parametrize("name", INVALID)
def test_what_graphql_itself_refuses_is_told_with_a_few_errors(
    documents: Documents, looks: Counter[str], name: str
) -> None:
    start = time.process_time()
    with pytest.raises(DocumentRefused) as refused:
        documents.prepare(INVALID[name])
    assert time.process_time() - start < FAST_S
    assert looks["nodes"] <= 10_000
    assert looks["validated"] == 1
    assert len(refused.value.errors) <= MAX_REPORTED


def test_the_count_itself_ends_after_ten_thousand_looks(monkeypatch: pytest.MonkeyPatch, looks: Counter[str]) -> None:
    monkeypatch.setitem(limit._LIMITS, "fields", 10**99)
    monkeypatch.setitem(limit._LIMITS, "fields_of_all", 10**99)
    monkeypatch.setattr(limit, "MAX_REPEATS", 10**99)
    with pytest.raises(QueryTooComplex, match="nodes to look at"):
        Meter(parse(_doubling(80, "id")))
    assert looks["nodes"] == 10_001


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
    assert documents.counts == Counts(hits=4, misses=1)


def test_an_escape_brings_in_nothing_that_a_text_may_not_hold(documents: Documents) -> None:
    documents.prepare('{member(reference: "\\u0041") {id}}')
    for text in ("\\u0000", "e\\u0301"):
        with pytest.raises(BadRequest):
            documents.prepare(f'{{member(reference: "{text}") {{id}}}}')
