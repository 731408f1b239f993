"""Aggregates: merged buckets give what the whole history gives, and a window holds what its period says."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.program_zone import local_date
from domain.rules.aggregate import (
    EMPTY,
    Stats,
    bucket_end,
    bucket_start,
    contributions,
    merge,
    value_of,
    window,
    with_value,
)
from domain.rules.cap import LIFETIME_START
from domain.rules.compile import compile_rules
from domain.rules.evaluate import Facts
from domain.rules.model import Aggregate
from domain.rules.parse import parse
from tests.domain.rules.full import full

AT = datetime(2026, 3, 1, 4, 30, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
VALUES = st.lists(st.decimals(-(10**6), 10**6, places=4), max_size=8)


def figure(function: Any) -> Aggregate:
    return Aggregate(key="x", of="amount", function=function, period="lifetime")


def stats_of(function: Any, values: list[Decimal]) -> Stats:
    return reduce(lambda stats, value: with_value(stats, figure(function), value), values, EMPTY)


@given(VALUES, VALUES)
def test_merged_buckets_have_the_values_of_the_whole_history(first: list[Decimal], second: list[Decimal]) -> None:
    values = first + second

    def value(function: Any) -> Decimal | None:
        return value_of(figure(function), merge(stats_of(function, first), stats_of(function, second)))

    assert value("sum") == sum(values)
    assert value("count") == len(values)
    assert value("min") == min(values, default=None)
    assert value("max") == max(values, default=None)
    average = value("average")
    if values:
        exact = Fraction(sum(values)) / len(values)
        assert average is not None
        assert abs(Fraction(average) - exact) <= Fraction(1, 2 * 10**10)
    else:
        assert average is None


@pytest.mark.parametrize(
    ("period", "zone", "start"),
    [
        ("lifetime", "UTC", LIFETIME_START),
        ("mtd", "UTC", date(2026, 3, 1)),
        ("mtd", "America/New_York", date(2026, 2, 1)),
        ("qtd", "UTC", date(2026, 1, 1)),
        ("ytd", "UTC", date(2026, 1, 1)),
        ("rolling_365", "UTC", date(2026, 3, 1)),
        ("rolling_365", "America/New_York", date(2026, 2, 28)),
    ],
)
def test_a_bucket_begins_on_the_programs_clocks(period: Any, zone: str, start: date) -> None:
    assert bucket_start(period, local_date(AT, ZoneInfo(zone))) == start


def test_the_last_365_days_are_365_buckets() -> None:
    day = local_date(AT, NEW_YORK)
    first, last = window("rolling_365", day)
    assert last - first == timedelta(days=364)
    assert window("qtd", day) == (date(2026, 1, 1), date(2026, 1, 1))


@given(st.sampled_from(["lifetime", "mtd", "qtd", "ytd", "rolling_365"]), st.integers(0, 2000))
def test_a_transactions_own_bucket_is_in_the_window_of_its_day(period: Any, days: int) -> None:
    day = AT.date() + timedelta(days=days)
    first, last = window(period, day)
    assert first <= bucket_start(period, day) == last


@given(st.sampled_from(["mtd", "qtd", "ytd", "rolling_365"]), st.integers(0, 2000))
def test_a_bucket_ends_where_the_next_begins(period: Any, days: int) -> None:
    start = bucket_start(period, AT.date() + timedelta(days=days))
    end = bucket_end(period, start)
    assert end is not None
    assert bucket_start(period, end) == end
    assert bucket_start(period, end - timedelta(days=1)) == start


def test_a_transaction_adds_to_the_aggregates_whose_filter_holds_and_whose_attribute_is_set() -> None:
    compiled = compile_rules(parse(full()))

    def added(**transaction: Any) -> dict[str, Decimal]:
        return contributions(compiled, Facts(transaction=transaction, at=AT, member={}))

    assert added(amount=Decimal("9.5"), shop="north") == {"spend_mtd": Decimal("9.5"), "visits": Decimal(1)}
    assert added(amount=Decimal(1), shop="south", quantity=3) == {"spend_mtd": Decimal(1), "best": Decimal(3)}
    assert added() == {}
    assert contributions(compile_rules(parse({})), Facts(transaction={}, at=AT, member={})) == {}
