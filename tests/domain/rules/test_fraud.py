"""Thresholds that hold transactions: what a file may say of them, and what they decide."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.fraud_terms import EarningThreshold, FraudTerms, RedemptionThreshold, postable
from domain.rules.parse import ConfigurationInvalid, parse
from domain.rules.render import to_document

DOCUMENT: dict[str, Any] = {
    "program": {"points_decimals": 1},
    "product_codes": [{"code": "MUSIC"}],
    "fraud": {
        "earning": [
            {"product_code": "MUSIC", "max_points": "10.5", "action": "hold_excess"},
            {"max_transactions": 2, "per": "month"},
        ],
        "redemption": {"max_points": 100, "max_per_day": 3},
    },
}


def test_thresholds_are_read_and_written_back() -> None:
    read = parse(DOCUMENT)
    assert read.fraud == FraudTerms(
        earning=(
            EarningThreshold(product_code="MUSIC", max_points=Decimal("10.5"), action="hold_excess"),
            EarningThreshold(max_transactions=2, per="month"),
        ),
        redemption=RedemptionThreshold(max_points=Decimal(100), max_per_day=3),
    )
    assert parse(to_document(read)) == read
    assert parse({"fraud": None}).fraud == parse({}).fraud == FraudTerms()


@pytest.mark.parametrize(
    ("change", "path", "told"),
    [
        (lambda f: f["earning"][0].update(product_code="NONE"), "fraud.earning[0].product_code", "not one of"),
        (lambda f: f["earning"][0].update(max_points="10.55"), "fraud.earning[0].max_points", ""),
        (lambda f: f["earning"][0].update(max_points=0), "fraud.earning[0].max_points", "or 0"),
        (lambda f: f["earning"][0].update(action="ban"), "fraud.earning[0].action", "one of"),
        (lambda f: f["earning"].append({"per": "day"}), "fraud.earning[2]", "needs"),
        (lambda f: f["earning"].append({"max_transactions": 1, "action": "hold_excess"}), "max_points", "missing"),
        (lambda f: f["earning"][1].update(max_transactions=-1), "fraud.earning[1].max_transactions", "at least"),
        (lambda f: f["redemption"].update(max_points="0.01"), "fraud.redemption.max_points", ""),
        (lambda f: f["redemption"].update(per="month"), "fraud.redemption.per", "unknown"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(change: Callable[[Any], Any], path: str, told: str) -> None:
    fraud = {"earning": [dict(one) for one in DOCUMENT["fraud"]["earning"]], "redemption": {"max_points": 100}}
    change(fraud)
    with pytest.raises(ConfigurationInvalid) as refused:
        parse({**DOCUMENT, "fraud": fraud})
    assert path in str(refused.value)
    assert told in str(refused.value)


TODAY = date(2026, 3, 31)


def allowed(
    *thresholds: EarningThreshold, points: int = 50, before: Any = (), code: str | None = "MUSIC"
) -> int | None:
    return postable(thresholds, product_code=code, day=TODAY, points=points, places=0, before=before)


def test_points_up_to_the_threshold_are_posted_and_one_more_is_held() -> None:
    whole = EarningThreshold(max_points=Decimal(50))
    assert (allowed(whole), allowed(whole, points=51)) == (None, 0)
    excess = EarningThreshold(max_points=Decimal(50), action="hold_excess")
    assert (allowed(excess), allowed(excess, points=51)) == (None, 50)
    lower = EarningThreshold(max_points=Decimal(20), action="hold_excess")
    assert allowed(excess, lower, points=51) == 20
    assert allowed(excess, whole, points=51) == 0


def test_a_threshold_of_a_product_code_is_about_no_other() -> None:
    music = EarningThreshold(product_code="MUSIC", max_points=Decimal(1), max_transactions=1)
    assert allowed(music, code="BOOK", before=[("BOOK", TODAY)]) is None
    assert allowed(music, code=None) is None
    assert allowed(music, points=1, before=[("BOOK", TODAY), (None, TODAY)]) is None
    assert allowed(music, points=1, before=[("MUSIC", TODAY)]) == 0


def test_transactions_are_counted_in_the_window_of_their_date() -> None:
    daily = EarningThreshold(max_transactions=2)
    monthly = EarningThreshold(max_transactions=2, per="month")
    before = [("MUSIC", TODAY), ("BOOK", date(2026, 3, 1)), ("MUSIC", date(2026, 4, 1)), ("MUSIC", date(2025, 3, 31))]
    assert (allowed(daily, before=before), allowed(monthly, before=before)) == (None, 0)
    assert allowed(daily, before=[*before, (None, TODAY)]) == 0
    assert allowed(EarningThreshold(max_transactions=0)) == 0
