"""Reads the thresholds that hold transactions, whose shape the schema has checked."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from domain.fraud_terms import EarningThreshold, FraudTerms, RedemptionThreshold
from domain.points import to_minor
from domain.rules.parse_program import read_amount, settled
from domain.rules.problem import Problems


def read_fraud(given: dict[str, Any], products: Collection[str], places: int, problems: Problems) -> FraudTerms:
    """The thresholds; notes one without a limit, an unknown product code, and an excess of nothing."""
    earning = [
        _read_earning(one, f"fraud.earning[{index}]", products, places, problems)
        for index, one in enumerate(given.get("earning") or [])
    ]
    redemption = given.get("redemption") or {}
    return FraudTerms(
        earning=tuple(earning),
        redemption=RedemptionThreshold(
            max_points=_points(redemption, "fraud.redemption", places, problems),
            max_per_day=settled(redemption.get("max_per_day")),
        ),
    )


def _read_earning(
    given: dict[str, Any], path: str, products: Collection[str], places: int, problems: Problems
) -> EarningThreshold:
    one = EarningThreshold(
        product_code=given.get("product_code"),
        max_points=_points(given, path, places, problems),
        max_transactions=settled(given.get("max_transactions")),
        per=given.get("per") or "day",
        action=given.get("action") or "hold",
    )
    if one.product_code is not None and one.product_code not in products:
        problems.add(f"{path}.product_code", "is not one of the product codes")
    if one.max_points is None and one.max_transactions is None:
        problems.add(path, "needs max_points or max_transactions")
    if one.action == "hold_excess" and not one.max_points:
        problems.add(f"{path}.max_points", "is missing for the action hold_excess, or 0")
    return one


def _points(given: dict[str, Any], path: str, places: int, problems: Problems) -> Decimal | None:
    """A limit in points, which smallest units can tell."""
    if given.get("max_points") is None:
        return None
    limit = read_amount(given["max_points"], f"{path}.max_points", problems)
    problems.check(lambda: to_minor(limit, places), f"{path}.max_points", 0)
    return limit
