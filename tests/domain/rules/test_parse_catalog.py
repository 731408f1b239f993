"""The catalogue in a file: what is wrong is named with its path."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.catalog_terms import CatalogItem
from domain.rules.parse import parse
from tests.domain.rules.documents import problems_of
from tests.domain.rules.full import full

Change = Callable[[dict[str, Any]], Any]


def test_items_are_read() -> None:
    card, choir, bowl = parse(full()).catalog
    assert card == CatalogItem(
        code="CARD-25",
        name="Gift card",
        kind="gift_card",
        money=Decimal("25.50"),
        fulfilment="pool",
        pool="CARDS",
        low_stock=10,
        limit=2,
        limit_period="month",
        segments=("New", "Staff"),
        description="One line\nand another",
    )
    assert (choir.points, choir.tiers, choir.answer_days, choir.pool_name) == (Decimal(500), ("Gold",), 30, "CHOIR")
    assert (bowl.valid_from, bowl.valid_to) == (date(2026, 3, 1), datetime.fromisoformat("2026-05-31T12:00"))
    assert (bowl.points, bowl.partner, bowl.stock, bowl.loyalty_txn_type) == (Decimal(250), "Potter", "counted", 5)
    assert not bowl.enabled


@pytest.mark.parametrize(
    ("index", "change", "path", "told"),
    [
        (0, {"code": "CHOIR"}, "catalog[1].code", "duplicate"),
        (0, {"code": "no blanks"}, "catalog[0].code", "not allowed"),
        (0, {"name": "a\tb"}, "catalog[0].name", "control"),
        (0, {"description": "a\tb"}, "catalog[0].description", "control"),
        (0, {"points": 5}, "catalog[0]", "either points or money"),
        (0, {"money": None}, "catalog[0]", "either points or money"),
        (0, {"money": "0"}, "catalog[0].money", "more than 0"),
        (0, {"money": "0.001"}, "catalog[0].money", "smallest unit"),
        (1, {"points": "500.55"}, "catalog[1].points", "multiple"),
        (1, {"points": "0.0"}, "catalog[1].points", "more than 0"),
        (1, {"points": -1}, "catalog[1].points", "at least 0"),
        (0, {"kind": "present"}, "catalog[0].kind", "one of"),
        (1, {"kind": "code_pool"}, "catalog[1].fulfilment", "must be pool"),
        (1, {"pool": "X"}, "catalog[1].pool", "no meaning"),
        (1, {"partner": "X"}, "catalog[1].partner", "no meaning"),
        (2, {"partner": None}, "catalog[2].partner", "is missing"),
        (0, {"stock": "counted"}, "catalog[0].stock", "no meaning"),
        (0, {"answer_days": 3}, "catalog[0].answer_days", "no meaning"),
        (1, {"answer_days": 0}, "catalog[1].answer_days", "at least 1"),
        (0, {"limit": None}, "catalog[0].limit_period", "no meaning"),
        (0, {"limit": 0}, "catalog[0].limit", "at least 1"),
        (0, {"segments": ["New", "Nobody"]}, "catalog[0].segments[1]", "unknown segment: 'Nobody'"),
        (1, {"tiers": ["Lead"]}, "catalog[1].tiers[0]", "unknown tier: 'Lead'"),
        (2, {"valid_to": "2026-02-01"}, "catalog[2].valid_to", "before valid_from"),
        (2, {"loyalty_txn_type": 7}, "catalog[2].loyalty_txn_type", "redemption types"),
        (0, {"colour": "red"}, "catalog[0].colour", "unknown key"),
    ],
)
def test_what_is_wrong_is_named(index: int, change: dict[str, Any], path: str, told: str) -> None:
    document = full()
    document["catalog"][index].update(change)
    found = problems_of(document)
    assert path in found, found
    assert told in found[path]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda d: d["segments"].pop(1), "catalog[0].segments[1]"),
        (lambda d: d["tiers"]["levels"].pop(1), "catalog[1].tiers[0]"),
        (lambda d: d.update(catalog=d["catalog"] * 400), "catalog"),
    ],
)
def test_what_an_item_names_cannot_be_taken_away(change: Change, path: str) -> None:
    document = full()
    change(document)
    assert path in problems_of(document)
