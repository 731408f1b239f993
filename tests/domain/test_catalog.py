"""Prices, and who may order what: pure."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalog import Customer, Refusal, Terms, is_open, period_start, price_of, refusal_to_order
from domain.catalog_errors import CatalogItemClosed, NotEligible, OrderLimitReached, OutOfStock
from domain.catalog_terms import CatalogItem
from domain.errors import BelowMinimum, HeldForReview, InsufficientPoints

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
ITEM = CatalogItem(code="A", name="A", kind="voucher", fulfilment="pool", points=Decimal(100))
RICH = Customer(available=1_000, tier="Gold", segments=("New",), ordered=0)


@pytest.mark.parametrize(
    ("money", "rate", "places", "price"),
    [
        ("25", "100", 0, 2500),
        ("0.005", "100", 0, 1),  # half up
        ("0.004", "100", 0, 0),
        ("9.99", "33.3", 2, 33267),  # 332.667
        ("12345678.91", "0.01", 0, 123457),
    ],
)
def test_a_price_in_money_is_rounded_once_half_up(money: str, rate: str, places: int, price: int) -> None:
    assert price_of(replace(ITEM, points=None, money=Decimal(money)), Decimal(rate), places) == price


@given(st.decimals(min_value=0, max_value=10**6, places=4), st.decimals(min_value="0.0001", max_value=1000, places=4))
def test_a_price_is_off_by_half_a_unit_at_most(money: Decimal, rate: Decimal) -> None:
    price = price_of(replace(ITEM, points=None, money=money), rate, 2)
    assert abs(Decimal(price) - money * rate * 100) <= Decimal("0.5")


def test_a_price_in_points_is_exact() -> None:
    assert price_of(replace(ITEM, points=Decimal("10.5")), Decimal(7), 1) == 105
    with pytest.raises(ValueError, match="multiple"):
        price_of(replace(ITEM, points=Decimal("10.5")), Decimal(7), 0)


def refusal(
    item: CatalogItem, customer: Customer = RICH, terms: Terms | None = None, stock: int | None = None
) -> Refusal:
    price = price_of(item, Decimal(100), 0)
    return refusal_to_order(item, price, customer, terms or Terms(), stock=stock, now=NOW, zone=BERLIN)


def test_whoever_may_order_is_refused_nothing() -> None:
    item = replace(ITEM, tiers=("Gold", "Lead"), segments=("Old", "New"), limit=1, valid_to=date(2026, 3, 15))
    assert refusal(item, replace(RICH, available=100), Terms(minimum=100, most_points=100, most_a_day=1), 1) is None


def test_the_first_thing_that_speaks_against_it_is_told() -> None:
    item = replace(ITEM, enabled=False, tiers=("Lead",), limit=1)
    customer = replace(RICH, ordered=1, available=99)
    terms = Terms(minimum=101, most_points=99)
    steps: list[tuple[dict[str, object], Refusal]] = [
        ({"enabled": True}, CatalogItemClosed),
        ({"tiers": ()}, NotEligible),
        ({"limit": 2}, OrderLimitReached),
    ]
    for change, expected in steps:
        assert refusal(item, customer, terms, 0) is expected
        item = replace(item, **change)  # type: ignore[arg-type]  # each of its own type
    assert refusal(item, customer, terms, 0) is OutOfStock
    assert refusal(item, customer, terms, 1) is BelowMinimum
    assert refusal(item, customer, Terms(most_points=99)) is HeldForReview
    assert refusal(item, replace(customer, redemptions=2), Terms(most_a_day=2)) is HeldForReview
    assert refusal(item, customer) is InsufficientPoints


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "opened"),
    [
        (None, None, True),
        (date(2026, 3, 15), date(2026, 3, 15), True),
        (date(2026, 3, 16), None, False),
        (None, date(2026, 3, 14), False),
        (datetime.fromisoformat("2026-03-15T13:00"), None, True),  # on the program's clocks
        (datetime.fromisoformat("2026-03-15T13:01"), None, False),
        (None, datetime.fromisoformat("2026-03-15T12:59"), False),
        (None, datetime(2026, 3, 15, 12, tzinfo=UTC), True),
    ],
)
def test_bounds_are_inclusive_and_on_the_clocks_of_the_program(
    valid_from: date | None, valid_to: date | None, opened: bool
) -> None:
    assert is_open(replace(ITEM, valid_from=valid_from, valid_to=valid_to), NOW, BERLIN) is opened


def test_periods_begin_at_midnight_of_the_program() -> None:
    late = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)  # 00:30 on 1 April
    midnight = datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert period_start("day", late, BERLIN) == midnight
    assert period_start("month", late, BERLIN) == midnight
    assert period_start("month", late - timedelta(hours=1), BERLIN) == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert period_start("year", late, BERLIN) == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert period_start("lifetime", late, BERLIN) is None
