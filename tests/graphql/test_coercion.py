"""Values that do not fit: the error says which input it is, where it stands, and nothing in the words of Python."""

from typing import Any

import pytest

from tests.graphql.world import Caller, World

REDEEM = "mutation($i: PointsRedeemInput!) {pointsRedeem(input: $i) {replayed}}"
ENROLL = "mutation($i: MemberEnrollInput!) {memberEnroll(input: $i) {replayed}}"
FILTER = "query($i: MembersFilter) {members(filter: $i) {totalCount}}"
NO_INT, NO_BOOLEAN = "Int cannot represent non-integer value", "Boolean cannot represent a non boolean value"
NO_DATE, NO_VALUE = "must be a calendar date: 2026-02-03", "Value 'AGE' does not exist in 'MemberOrderField' enum."
PLAIN = "must be a plain number with at most 18 digits before and 20 after the point"


@pytest.fixture(scope="session")
def dialect() -> str:
    """What is tested here is the same on every database."""
    return "sqlite"


@pytest.mark.parametrize(
    ("document", "given", "field", "reason"),
    [
        (REDEEM, {"points": "many"}, "points", PLAIN),
        (REDEEM, {"points": None}, "points", "must not be null"),
        (REDEEM, {}, "points", "is missing"),
        (REDEEM, None, "input", "must not be null"),
        (REDEEM, 5, "input", "Expected value of type 'PointsRedeemInput' to be an object"),
        (REDEEM, {"points": 1, "loyaltyTxnType": "x"}, "loyaltyTxnType", "Int cannot represent non-integer value"),
        (REDEEM, {"points": 1, "merchantName": 5}, "merchantName", "String cannot represent a non string value"),
        (
            REDEEM,
            {"points": 1, "merchantNam": {"a": None}},
            "merchantNam",
            "PointsRedeemInput has no such field. Did you mean 'merchantName'?",
        ),
        (ENROLL, {"relationReference": "x", "dob": "2026-02-30"}, "dob", "there is no such date"),
        (
            ENROLL,
            {"relationReference": "x", "attributes": [{"key": "a", "value": 1}, {"key": "b", "value": []}]},
            "attributes[1].value",
            "must be a text, a number or a truth value",
        ),
        (ENROLL, {"relationReference": "x", "attributes": [{"value": None}]}, "attributes[0].key", "is missing"),
        ("query($i: [ID!]!) {nodes(ids: $i) {id}}", ["a", None], "ids[1]", "must not be null"),
        (
            "query($i: Int) {members(first: $i) {edges {cursor}}}",
            1.5,
            "first",
            "Int cannot represent non-integer value",
        ),
        (FILTER, {"enrolledFrom": "2026-13-01"}, "enrolledFrom", "there is no such date"),
        ("query($i: Date) {members(filter: {enrolledFrom: $i}) {totalCount}}", "x", "enrolledFrom", NO_DATE),
        ("query($i: Date) {me {statement(from: $i) {count}}}", "2026-13-01", "from", "there is no such date"),
        # Of two arguments nobody knows which is meant.
        ("query($i: Int) {a: members(first: $i) {totalCount} b: members(last: $i) {totalCount}}", 1.5, "i", NO_INT),
        ("query($i: Boolean!) {members {totalCount @include(if: $i)}}", 1, "if", NO_BOOLEAN),
        ("query($i: Int) {...F} fragment F on Query {members(first: $i) {totalCount}}", 1.5, "first", NO_INT),
    ],
)
async def test_a_variable_that_does_not_fit_is_named(
    server: Caller, document: str, given: Any, field: str, reason: str
) -> None:
    (error,) = (await server.ask(document, i=given)).errors
    assert error["message"] == f"{field}: {reason}"
    assert error["extensions"]["field"] == field
    assert error["locations"]
    assert (error["extensions"]["code"], error["extensions"]["v1Code"]) == ("BAD_USER_INPUT", "999")


@pytest.mark.parametrize(
    ("document", "column", "field", "reason"),
    [
        ('mutation {pointsRedeem(input: {points: "many"}) {replayed}}', 40, "points", PLAIN),
        ("mutation {pointsRedeem(input: {points: null}) {replayed}}", 40, "points", "must not be null"),
        ("mutation {pointsRedeem(input: {}) {replayed}}", 31, "points", "is missing"),
        (
            "mutation {pointsRedeem(input: {points: 1, merchantNam: 2}) {replayed}}",
            43,
            "merchantNam",
            "PointsRedeemInput has no such field. Did you mean 'merchantName'?",
        ),
        ('{members(first: "x") {edges {cursor}}}', 17, "first", "Int cannot represent non-integer value"),
        ('{members(filter: {enrolledFrom: "2026-13-01"}) {totalCount}}', 33, "enrolledFrom", "there is no such date"),
        ("{members(orderBy: {field: AGE}) {totalCount}}", 27, "field", NO_VALUE),
        ('{me {statement(from: "2026-02-30") {count}}}', 22, "from", "there is no such date"),
        (
            'mutation {memberEnroll(input: {relationReference: "x", attributes: [{key: "a", value: []}]}) {replayed}}',
            87,
            "attributes[0].value",
            "must be a text, a number or a truth value",
        ),
        (
            "mutation {attributeSave(input: {entity: MEMBER, item: {a: [1, FOO]}}) {changed}}",
            55,
            "item",
            "must be a JSON value; a text stands in quotes",
        ),
    ],
)
async def test_a_literal_that_does_not_fit_is_named_and_located(
    server: Caller, document: str, column: int, field: str, reason: str
) -> None:
    (error,) = (await server.ask(document)).errors
    assert error["message"] == f"{field}: {reason}"
    assert error["extensions"]["field"] == field
    assert error["locations"] == [{"line": 1, "column": column}]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ("{member {id}}", "relationReference"),
        ('{member(reference: "M") {statement(skip: -1) {count}}}', "skip"),
        ('mutation {pointsRedeem(input: {relationReference: "M", points: "0.001"}) {replayed}}', "points"),
        ('mutation {pointsRedeem(input: {relationReference: "M", points: 1, amount: -1}) {replayed}}', "amount"),
        ("mutation {pointsRedeem(input: {points: 1}) {replayed}}", "relationReference"),
        ('mutation {memberEnroll(input: {relationReference: "X", emailId: "x"}) {replayed}}', "emailId"),
    ],
)
async def test_a_refusal_names_the_input_as_this_api_does(server: Caller, document: str, field: str) -> None:
    enrolled = 'mutation {memberEnroll(input: {relationReference: "M", status: ACTIVE}) {replayed}}'
    assert (await server.ask(enrolled)).data
    (error,) = (await server.ask(document)).errors
    assert error["extensions"]["field"] == field
    assert f"({field}: " in error["message"]


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ("query($b: Boolean = true) {program {name @include(if: $b)}}", "if"),
        ("query($b: Int = 3, $r: String) {member(reference: $r) {expiring(first: $b) {available}}}", "first"),
    ],
)
async def test_null_in_a_variable_with_a_default_is_told_as_null_elsewhere(
    world: World, server: Caller, document: str, field: str
) -> None:
    answer = await server.ask(document, b=None, r=await world.member(server))
    [error] = answer.errors
    assert (error["message"], error["extensions"]["field"]) == (f"{field}: must not be null", field)
