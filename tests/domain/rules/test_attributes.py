"""Attributes of records: typed, bounded, and named when they are wrong."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules.attributes import (
    AttributeInvalid,
    AttributeMissing,
    by_key,
    index_products,
    is_product,
    read_attribute,
    storable,
    typed,
    validate_attributes,
)
from domain.rules.fixed import FIXED_MEMBER_ATTRIBUTES, FIXED_TRANSACTION_ATTRIBUTES, member_definitions
from domain.rules.model import AttributeDefinition, AttributeType, ProductCode
from domain.rules.parse import parse

FIRST, LAST = datetime(1801, 1, 1), datetime(8999, 1, 1)  # noqa: DTZ001 - Hypothesis adds the zone


def define(kind: AttributeType, **more: Any) -> AttributeDefinition:
    return AttributeDefinition(key=kind, name=kind, type=kind, **more)


DEFINITIONS = (
    define("string", max_length=5),
    define("int"),
    define("decimal"),
    define("selection", values=("jazz", "rock")),
    define("date"),
    define("boolean"),
)


@pytest.mark.parametrize(
    ("kind", "given_value", "value"),
    [
        ("string", "cafe\u0301", "café"),
        ("string", "a\u200cb", "a\u200cb"),
        ("string", 5, "5"),
        ("int", "12", 12),
        ("int", " -3 ", -3),
        ("int", 5.0, 5),
        ("int", Decimal("1E+3"), 1000),
        ("decimal", "29.33", Decimal("29.33")),
        ("decimal", 0.1, Decimal("0.1")),
        ("decimal", 7, Decimal(7)),
        ("selection", "jazz", "jazz"),
        ("date", "2026-02-28", date(2026, 2, 28)),
        ("date", "2026-02-28T10:11:12.5", datetime(2026, 2, 28, 10, 11, 12, 500000)),  # noqa: DTZ001
        ("date", "2026-02-28 10:11+02:00", datetime(2026, 2, 28, 8, 11, tzinfo=UTC)),
        ("boolean", "TRUE", True),
        ("boolean", 0, False),
        ("boolean", True, True),
    ],
)
def test_a_value_is_read_as_its_type(kind: AttributeType, given_value: Any, value: Any) -> None:
    definition = next(item for item in DEFINITIONS if item.type == kind)
    read = read_attribute(definition, given_value)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("kind", "given_value"),
    [
        ("string", "too long"),
        ("string", "a\0"),
        ("string", "a\nb"),
        ("string", "a\u202eb"),
        ("string", "\u2067a"),
        ("string", "a\u2028"),
        ("string", "\ud800"),
        ("string", True),
        ("string", ["x"]),
        ("int", "1.5"),
        ("int", True),
        ("int", "١"),
        ("int", 10**16),
        ("int", Decimal("1e999999999")),
        ("int", "9" * 5000),
        ("decimal", "1e3"),
        ("decimal", "NaN"),
        ("decimal", float("inf")),
        ("decimal", "0.00000000001"),
        ("decimal", {}),
        ("selection", "pop"),
        ("date", "2026-02-30"),
        ("date", "20260228"),
        ("date", "2026-02-28T25:00"),
        ("date", "0001-01-01"),
        ("date", 5),
        ("boolean", "yes"),
        ("boolean", 2),
    ],
)
def test_a_value_that_does_not_fit_names_the_attribute(kind: AttributeType, given_value: Any) -> None:
    with pytest.raises(AttributeInvalid) as caught:
        validate_attributes(by_key(DEFINITIONS), {kind: given_value}, ignore_unknown=False)
    assert caught.value.key == kind
    assert str(given_value) not in caught.value.message or len(str(given_value)) < 5


def test_unknown_attributes_are_refused_or_named_as_ignored() -> None:
    with pytest.raises(AttributeInvalid) as caught:
        validate_attributes(by_key(DEFINITIONS), {"int": 1, "colour": "red"}, ignore_unknown=False)
    assert (caught.value.key, caught.value.message) == ("colour", "unknown attribute")
    values = validate_attributes(by_key(DEFINITIONS), {"int": 1, "colour": "red"}, ignore_unknown=True)
    assert values == ({"int": 1}, ["colour"])


@pytest.mark.parametrize("absent", [{}, {"int": None}, {"int": ""}])
def test_a_mandatory_attribute_must_be_given(absent: dict[str, Any]) -> None:
    with pytest.raises(AttributeMissing) as caught:
        validate_attributes(by_key([define("int", mandatory=True)]), absent, ignore_unknown=False)
    assert caught.value.key == "int"
    update = validate_attributes(
        by_key([define("int", mandatory=True)]), absent, ignore_unknown=False, require_mandatory=False
    )
    assert update == ({}, [])


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "int": st.integers(-(10**15), 10**15),
            "decimal": st.decimals(-(10**14), 10**14, allow_nan=False, places=6),
            "date": st.dates(date(1800, 1, 1), date(9000, 12, 31))
            | st.datetimes(FIRST, LAST, timezones=st.sampled_from([None, UTC])),
            "boolean": st.booleans(),
            "selection": st.sampled_from(["jazz", "rock"]),
        },
    )
)
def test_values_survive_storage(values: dict[str, Any]) -> None:
    read, _ = validate_attributes(by_key(DEFINITIONS), values, ignore_unknown=False)
    assert typed(DEFINITIONS, storable(read)) == read == values


def test_a_stored_value_that_no_longer_fits_is_left_out() -> None:
    assert typed(DEFINITIONS, {"int": "many", "selection": "jazz", "gone": 1}) == {"selection": "jazz"}


def test_the_fixed_attributes_are_seven_and_nine() -> None:
    assert (len(FIXED_TRANSACTION_ATTRIBUTES), len(FIXED_MEMBER_ATTRIBUTES)) == (7, 9)


def test_a_program_may_make_a_fixed_attribute_mandatory() -> None:
    declared = {"key": "email_id", "name": "E-mail", "type": "string", "mandatory": True}
    definitions = {item.key: item for item in member_definitions(parse({"member_attributes": [declared]}))}
    email = definitions["email_id"]
    assert (email.mandatory, email.unique, email.pi, email.max_length) == (True, True, True, 254)
    assert len(definitions) == 9


@pytest.mark.parametrize(
    ("code", "sub_code", "accepted"),
    [("M", None, True), ("M", "CD", True), ("M", "X", False), ("B", None, False), (None, None, True),
     (None, "CD", False)],
)  # fmt: skip
def test_product_codes_are_a_pick_list(code: str | None, sub_code: str | None, accepted: bool) -> None:
    assert is_product(index_products([ProductCode(code="M", sub_codes=("CD",))]), code, sub_code) is accepted
    assert is_product({}, code, sub_code)
