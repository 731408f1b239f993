"""The documents that several tests start from."""

import copy
from typing import Any

import pytest

from domain.rules.document import load_document
from domain.rules.parse import parse
from domain.rules.problem import ConfigurationInvalid

PUBLISHED = """
version: 1
program: {time_zone: America/New_York, currency: USD, points_decimals: 0, rounding: half_up,
          redemption_rate: 100, redemption_minimum: 1}
expiry: {policy: months, months: 24, period_end: quarter}
product_codes: [{code: MUSIC, sub_codes: [CD, VINYL]}]
transaction_attributes: [{key: quantity, name: Quantity, type: int, mandatory: false}]
member_attributes: [{key: favourite_genre, name: Favourite genre, type: selection, values: [jazz, rock],
                     mandatory: false, unique: false, pi: false}]
rule_groups:
  - name: Principal
    stop_at_first: false
    caps: {transaction: null, day: null, month: null, lifetime: null}
    rules:
      - name: One point per dollar
        when: {all: [{attribute: transaction.product_code, op: eq, value: MUSIC}]}
        award: {type: per_unit, of: transaction.amount, points: 1, per: 1}
      - name: Five or more
        when: {attribute: transaction.quantity, op: gte, value: 5}
        award: {type: flat, points: 10}
        cap: 10
examples:
  - {name: base and bonus, points: 39,
     transaction: {product_code: MUSIC, amount: "29.33", quantity: 5, transaction_type: DR}}
  - {name: base only, points: 29,
     transaction: {product_code: MUSIC, amount: 29.33, quantity: 4, transaction_type: DR}}
"""

ATTRIBUTES: dict[str, Any] = {
    "transaction_attributes": [
        {"key": "quantity", "name": "Quantity", "type": "int"},
        {"key": "weight", "name": "Weight", "type": "decimal"},
        {"key": "online", "name": "Online", "type": "boolean"},
        {"key": "stay", "name": "Stay", "type": "date"},
        {"key": "until", "name": "Until", "type": "date"},
        {"key": "city", "name": "City", "type": "string"},
        {"key": "home", "name": "Home", "type": "string"},
        {"key": "channel", "name": "Channel", "type": "selection", "values": ["web", "shop"]},
    ],
    "member_attributes": [{"key": "club", "name": "Club", "type": "string"}],
}


def published() -> dict[str, Any]:
    """A fresh copy of the published document."""
    return copy.deepcopy(_PUBLISHED)


def with_rules(*rules: dict[str, Any], program: dict[str, Any] | None = None, **group: Any) -> dict[str, Any]:
    """A document with one group of these rules, and an attribute of every type."""
    named = [{"name": f"rule {index}"} | rule for index, rule in enumerate(rules)]
    return copy.deepcopy(
        ATTRIBUTES | {"version": 1, "program": program or {}, "rule_groups": [{"name": "G", "rules": named} | group]}
    )


def flat(points: Any, **rule: Any) -> dict[str, Any]:
    """A rule that gives a fixed number of points."""
    return {"award": {"type": "flat", "points": points}} | rule


def problems_of(document: Any) -> dict[str, str]:
    """The faults of a document, by path."""
    with pytest.raises(ConfigurationInvalid) as caught:
        parse(document)
    return {problem.path: problem.message for problem in caught.value.problems}


_PUBLISHED: Any = load_document(PUBLISHED)
