"""What an operation costs: known before it runs, from the document and its variables."""

from typing import Any

import pytest

from domain.errors import QueryTooComplex
from schema.build import schema
from schema.cost import default_size
from schema.document import Documents


@pytest.fixture
def documents() -> Documents:
    """A fresh cache."""
    return Documents(schema, introspection=True)


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
        ('query($i: [ID!]! = ["a", "b", "c"]) {nodes(ids: $i) {id}}', {}, 3),
        ('query($i: [ID!]! = ["a", "b", "c"]) {nodes(ids: $i) {id}}', {"i": ["a"]}, 1),
        ('query($i: [ID!]! = "a") {nodes(ids: $i) {id}}', {}, 1),
        ("{members(first: null, last: 100) {edges {node {id}}}}", {}, 100),
        ("query($n: Int) {members(first: $n, last: 100) {edges {node {id}}}}", {"n": None}, 100),
        ("query($n: Int) {members(last: 100, first: $n) {edges {node {id}}}}", {}, 100),
        ("query($n: Int) {members(first: 3, last: $n) {edges {node {id}}}}", {"n": 90}, 90),
        ("query($n: Int = 7) {members(first: $n) {edges {node {id}}}}", {"n": None}, 20),
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


def test_values_multiply_too(documents: Documents) -> None:
    page = "{members(first: 100) {edges {node {ledger(first: %d) {edges {cursor node {%s}} pageInfo {endCursor}}}}}}"
    fields = "id points kind narration transactionDate processedAt expiresAt"
    documents.prepare(page % (37, fields)).operation(None).cost({})
    with pytest.raises(QueryTooComplex, match="30400 values"):
        documents.prepare(page % (38, fields)).operation(None).cost({})
    # The number of objects alone would do.
    assert documents.prepare(page % (38, "id")).operation(None).cost({}) == 3900


PAGED = {
    "Query.members": "{members%s {edges {cursor}}}",
    "Query.configurationVersions": "{configurationVersions%s {edges {cursor}}}",
    "Query.membersBySubRelation": "{membersBySubRelation%s {edges {cursor}}}",
    "Query.segmentMembers": '{segmentMembers(segment: "S"%s) {edges {cursor}}}',
    "Query.pointsRequests": "{pointsRequests%s {edges {cursor}}}",
    "Query.partnerServers": "{partnerServers%s {name}}",
    "Query.attributeProposals": "{attributeProposals%s {edges {cursor}}}",
    "Query.sftpLogins": "{sftpLogins%s {edges {cursor}}}",
    "Query.webhooks": "{webhooks%s {name}}",
    "Query.webhookDeadLetters": '{webhookDeadLetters(name: "Hook"%s) {edges {cursor}}}',
    "Query.exports": "{exports%s {edges {cursor}}}",
    "Query.catalog": "{catalog%s {edges {cursor}}}",
    "Query.orders": "{orders%s {edges {cursor}}}",
    "Query.voucherPools": "{voucherPools%s {pool}}",
    "Query.fulfilmentPartners": "{fulfilmentPartners%s {name}}",
    "Member.orders": "{me {orders%s {edges {cursor}}}}",
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
