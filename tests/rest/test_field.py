"""How fields are found and read: names, kinds, and which of 999 and 998 it is."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import BadRequest, InvalidRequest
from rest_compat.field import Field, FieldTable, Need, Reading
from rest_compat.value import Kind, choice, guid, integer, members, moment, number, scalar, text

TABLE = FieldTable(
    Field(name="Reference", kind=text(5), need=Need.UNLESS_BOUND, aliases=("memberId",), description="Who."),
    Field(name="Points", kind=integer(1), need=Need.REQUIRED, description="How many."),
    Field(name="Type", kind=integer(), default=30, description="Which."),
)


def read(given: dict[str, Any], *, bound: bool = False) -> Reading:
    return TABLE.fill(TABLE.match(given), bound=bound)


@pytest.mark.parametrize(
    "given",
    [
        {"Reference": "a", "Points": 1},
        {"reference": "a", "POINTS": "1"},
        {"memberId": "a", "points": 1},
        {"Reference": "a", "reference": "b", "memberId": "c", "Points": 1},
        {"Reference": None, "memberid": "a", "Points": Decimal("1.0")},
    ],
)
def test_a_name_is_found_exactly_then_in_any_case_then_by_alias(given: dict[str, Any]) -> None:
    assert read(given).values == {"Reference": "a", "Points": 1, "Type": 30}


def test_what_no_field_claims_is_extra() -> None:
    reading = read({"Reference": "a", "reference": "b", "memberId": "c", "Points": 1, "Else": 2})
    assert reading.extra == {"reference": "b", "memberId": "c", "Else": 2}
    assert reading.aliased == set()


def test_the_short_form_is_noticed() -> None:
    assert read({"memberId": "a", "points": 1}).aliased == {"Reference"}


def test_two_spellings_of_one_field_are_refused() -> None:
    with pytest.raises(BadRequest, match="Points: is given twice"):
        read({"Reference": "a", "points": 1, "POINTS": 2})


@pytest.mark.parametrize("given", [{"Points": 1}, {"Reference": "", "Points": 1}, {"Reference": None, "Points": 1}])
def test_a_bound_token_names_the_member(given: dict[str, Any]) -> None:
    assert read(given, bound=True).values["Reference"] is None
    with pytest.raises(BadRequest, match="Reference: is missing"):
        read(given)


def test_what_is_missing_wins_over_what_is_not_allowed() -> None:
    with pytest.raises(BadRequest, match="Points: is missing"):
        read({"Reference": "too long", "Points": None})
    reading = read({"Reference": "too long", "Points": 0})
    assert reading.refusal is not None
    assert reading.refusal.field == "Reference"


READABLE: list[tuple[Kind, Any, Any]] = [
    (text(), "a", "a"),
    (text(), 5, "5"),
    (text(), Decimal("1.50"), "1.50"),
    (choice("DEFAULT"), "DEFAULT", "DEFAULT"),
    (integer(), "19", 19),
    (integer(), Decimal("19.00"), 19),
    (integer(), " 7 ", 7),
    (number(), "1.5", Decimal("1.5")),
    (number(), 3, Decimal(3)),
    (number(), Decimal("0.000001"), Decimal("0.000001")),
    (moment(), "2026-02-03", date(2026, 2, 3)),
    (moment(), "2026-02-03T11:16", datetime(2026, 2, 3, 11, 16)),  # noqa: DTZ001 - local time of the program
    (
        moment(),
        "2026-02-03 11:16:03.7035+05:30",
        datetime(2026, 2, 3, 11, 16, 3, 703500, timezone(timedelta(hours=5, minutes=30))),
    ),
    (scalar(), True, True),
    (members(), {"a": 1}, {"a": 1}),
]


@pytest.mark.parametrize(("kind", "given", "expected"), READABLE)
def test_what_can_be_read(kind: Kind, given: Any, expected: Any) -> None:
    assert kind.read("Field", given) == expected


UNREADABLE: list[tuple[Kind, list[Any]]] = [
    (text(), [True, [], {}, ["a"]]),
    (integer(), ["1.5", "x", Decimal("1.5"), True, [], "١"]),
    (number(), ["1e5", "x", "NaN", "Infinity", False, {}, "1,5"]),
    (moment(), ["03/02/2026", "2026-02-30", "2026-W01-1", 20260203, "20260203", []]),
    (moment(), ["2026-02-03T25:00", "2026-02-03T11:16:03+99:99"]),
    (guid(), [5]),
    (scalar(), [[], {}]),
    (members(), [[], "a", {}, 1]),
]


@pytest.mark.parametrize(("kind", "given"), UNREADABLE)
def test_what_cannot_be_parsed_or_is_of_the_wrong_type_is_999(kind: Kind, given: list[Any]) -> None:
    for value in given:
        with pytest.raises(BadRequest) as refusal:
            kind.read("Field", value)
        assert refusal.value.field == "Field"


NOT_ALLOWED: list[tuple[Kind, list[Any]]] = [
    (text(3), ["abcd"]),
    (text(), ["secret\n", "secret\x7f"]),
    (choice("DEFAULT"), ["default"]),
    (integer(0, 5), [666]),
    (integer(), [2**63]),
    (number(0), [Decimal("-0.01")]),
    (number(), [Decimal("1E+16"), "9" * 30]),
    (moment(), ["1899-12-31", "2201-01-01"]),
    (guid(), ["secret", "9E107D9D372B4A818C6B3542A419D6E1", "{9E107D9D-372B-4A81-8C6B-3542A419D6E1}"]),
]


@pytest.mark.parametrize(("kind", "given"), NOT_ALLOWED)
def test_what_parses_and_is_not_allowed_is_998_and_not_repeated(kind: Kind, given: list[Any]) -> None:
    for value in given:
        with pytest.raises(InvalidRequest) as refusal:
            kind.read("Field", value)
        assert refusal.value.field == "Field"
        assert str(value) not in refusal.value.text


def test_what_is_too_long_is_not_taken_for_missing() -> None:
    table = FieldTable(
        Field(name="Reference", kind=text(5), description="Who."),
        Field(name="Card", kind=text(5), description="What."),
        one_of=("Reference", "Card"),
    )
    for name in table.one_of:
        refusal = table.fill(table.match({name: "x" * 6})).refusal
        assert refusal is not None
        assert name in str(refusal)
    with pytest.raises(BadRequest):
        table.fill(table.match({"Reference": "", "Card": None}))
