"""Scalars: exact, in range, and never a surprise."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLError

from schema.scalar import parse_attribute, parse_date, parse_moment, parse_number, parse_uuid
from tests.graphql.world import Caller, World


@pytest.mark.parametrize(
    ("given", "expected"),
    [("12.50", "12.50"), ("-3", "-3"), (7, "7"), (0, "0"), (10**17, "1" + "0" * 17), (Decimal("0.1"), "0.1")],
)
def test_numbers_are_exact(given: object, expected: str) -> None:
    assert str(parse_number(given)) == expected


@pytest.mark.parametrize(
    "given",
    ["", " 1", "1.", ".5", "+1", "1e3", "NaN", "Infinity", "١", "1,5", "9" * 19, "1." + "0" * 21]
    + [True, None, 1.5, 10**18, -(10**18), Decimal("1E+30"), [], {}],
)
def test_what_is_no_number_is_refused(given: object) -> None:
    with pytest.raises(GraphQLError):
        parse_number(given)


def test_moments_have_an_offset() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    assert parse_moment("2026-02-03T11:16:03.703+05:30") == datetime(2026, 2, 3, 11, 16, 3, 703_000, tzinfo=india)
    assert parse_moment("2026-02-03t11:16:03z") == datetime(2026, 2, 3, 11, 16, 3, tzinfo=UTC)
    for given in (
        "2026-02-03T11:16:03",
        "2026-02-03",
        "2026-02-30T00:00:00Z",
        "2026-02-03T25:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        1_770_000_000,
        None,
    ):
        with pytest.raises(GraphQLError):
            parse_moment(given)


def test_dates_are_calendar_days() -> None:
    assert parse_date("2024-02-29") == date(2024, 2, 29)
    for given in ("2026-02-29", "20260203", "2026-2-3", "0001-01-01", "9999-12-31", "2026-02-03T00:00:00Z", 1, None):
        with pytest.raises(GraphQLError):
            parse_date(given)


def test_uuids_are_read_in_one_notation() -> None:
    text = "6F9619FF-8B86-4011-B42D-00CF4FC964FF"
    assert parse_uuid(text) == UUID(text)
    for given in (text.replace("-", ""), f"{{{text}}}", "", "x" * 36, 1, None):
        with pytest.raises(GraphQLError):
            parse_uuid(given)


def test_attributes_are_texts_numbers_and_truth_values() -> None:
    values: list[Any] = ["text", "", 1, True, Decimal("1.5")]
    assert [parse_attribute(one) for one in values] == values
    refused: list[Any] = [None, [], {}, 1.5]
    for given in refused:
        with pytest.raises(GraphQLError):
            parse_attribute(given)


async def test_extreme_values_are_refused_and_never_a_surprise(world: World, server: Caller) -> None:
    reference = await world.member(server, 10)
    huge, far = "9" * 18, "7" * 18
    for field in (
        f'redemptionByReference(clientReference: "{"k" * 5000}") {{id}}',
        f'member(reference: "{"r" * 5000}") {{id}}',
        f'member(reference: "{reference}") {{statement(skip: 2147483647, types: [2147483647]) {{count}}}}',
        f'member(reference: "{reference}") {{statement(skip: 2147483647) {{count}}}}',
        f'member(reference: "{reference}") {{statement(from: "8999-12-31", to: "1801-01-01") {{count}}}}',
        f'member(reference: "{reference}") {{categorizedStatement(from: "9000-12-31") {{points}}}}',
        f'member(reference: "{reference}") {{expirySchedule(year: 2147483647) {{period}}}}',
        f'member(reference: "{reference}") {{attribute(key: "{"k" * 5000}") {{key}}}}',
    ):
        _assert_no_surprise(await server.ask(f"{{{field}}}"))
    for points in (huge, f"-{huge}", far, "0.00000000000000000001", "1000000000000000.01"):
        async with world.nothing_written():
            _assert_no_surprise(await world.redeem(server, reference, points), refused=True)
    submit = "mutation($i: TransactionSubmitInput!) {transactionSubmit(input: $i) {points}}"
    for change in (
        {"amount": huge},
        {"amount": "0.00000000000000000001"},
        {"transactionDate": "9000-12-31T23:59:59Z"},
        {"transactionDate": "1800-01-01T00:00:00+14:00"},
        {"transactionId": "\t"},
        {"memberRelationReference": "x" * 5000},
        {"attributes": [{"key": "channel", "value": 10**30}]},
    ):
        _assert_no_surprise(await server.ask(submit, i=world.purchase(reference) | change))


def _assert_no_surprise(answer: Any, *, refused: bool = False) -> None:
    codes = [one["extensions"]["code"] for one in answer.body.get("errors", ())]
    assert "INTERNAL_SERVER_ERROR" not in codes, answer.body
    assert codes or not refused
