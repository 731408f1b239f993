"""Points arithmetic: exact, bounded, rounded in one place."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.points import (
    MAX_POINTS,
    NotAMultiple,
    cut,
    from_minor,
    plain_text,
    redeemable_minor,
    round_half_up,
    to_minor,
)

PLACES = st.integers(0, 2)
AMOUNTS = st.decimals(-(10**9), 10**9, allow_nan=False, places=9)


@given(st.integers(-MAX_POINTS, MAX_POINTS), PLACES)
def test_minor_units_survive_the_way_out_and_back(minor: int, places: int) -> None:
    assert to_minor(from_minor(minor, places), places) == minor


@given(AMOUNTS, PLACES)
def test_rounding_loses_nothing_and_stays_within_half_a_unit(value: Decimal, places: int) -> None:
    minor, spoilage = round_half_up(value, places)
    assert Fraction(minor, 10**places) + Fraction(spoilage) == Fraction(value)
    assert abs(Fraction(spoilage)) <= Fraction(1, 2 * 10**places)


@pytest.mark.parametrize(
    ("value", "places", "minor"),
    [
        ("0.5", 0, 1),
        ("0.49999999999999999999", 0, 0),
        ("29.335", 2, 2934),
        ("-0.5", 0, -1),
        ("1e3", 1, 10000),
    ],
)
def test_a_tie_is_rounded_away_from_zero(value: str, places: int, minor: int) -> None:
    assert round_half_up(Decimal(value), places)[0] == minor


@pytest.mark.parametrize("text", ["0", "10", "100", "1200", "0.1", "-5", "12.05"])
def test_figures_have_no_exponent_and_no_trailing_zeros(text: str) -> None:
    assert plain_text(Decimal(text) * Decimal("1.000")) == text
    assert str(from_minor(to_minor(Decimal(text), 2), 2)) == text


@given(AMOUNTS)
def test_cutting_drops_towards_zero(value: Decimal) -> None:
    kept = cut(value)
    assert abs(kept) <= abs(value)
    assert abs(value - kept) < Decimal("0.00001")


@pytest.mark.parametrize(
    ("asked", "places", "minor"), [("10", 0, 10), ("10.000009", 0, 10), ("10.5", 1, 105), ("-3", 0, -3)]
)
def test_a_redemption_is_cut_to_five_decimals(asked: str, places: int, minor: int) -> None:
    assert redeemable_minor(Decimal(asked), places) == minor


@pytest.mark.parametrize(("asked", "places"), [("10.5", 0), ("10.00001", 0), ("0.001", 2)])
def test_a_redemption_beyond_the_precision_is_refused_not_rounded(asked: str, places: int) -> None:
    with pytest.raises(NotAMultiple):
        redeemable_minor(Decimal(asked), places)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999999", "1e-999999", "1e16", "1" * 200])
def test_figures_out_of_range_are_refused_without_effort(value: str) -> None:
    for read in (lambda number: to_minor(number, 0), cut, lambda number: round_half_up(number, 0)):
        if read is cut and value == "1e16":
            continue
        with pytest.raises(ValueError, match="out of range"):
            read(Decimal(value))
