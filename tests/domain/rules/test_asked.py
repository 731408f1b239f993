"""Which facts a purchase needs: what rules ask for, themselves or by segments and campaigns."""

import pytest

from domain.rules.asked import asked_by_rules, asked_by_segments
from domain.rules.parse import parse_file

SEGMENTS = """
version: 1
member_attributes: [{key: level, name: Level, type: int}]
segments:
  - {name: First, when: {attribute: member.purchases, op: eq, value: 0}}
  - {name: Newly first, when: {not: {attribute: segments, op: in, value: [First]}}}
  - {name: Once, kind: frozen, when: {attribute: member.purchases, op: eq, value: 1}}
"""
RULE = "rule_groups: [{name: G, rules: [{name: R, when: %s, award: {type: flat, points: 1}}]}]"
CAMPAIGN = "campaigns: [{name: C, starts: 2026-01-01, ends: 2026-01-31, segment: %s, award: {type: flat, points: 1}}]"
PER_PURCHASE = "rule_groups: [{name: G, rules: [{name: R, award: {type: per_unit, of: member.purchases, points: 1}}]}]"


@pytest.mark.parametrize(
    ("more", "asked"),
    [
        ("", False),
        (RULE % "{attribute: member.level, op: eq, value: 1}", False),
        (RULE % "{attribute: segments, op: contains, value: Once}", False),
        (CAMPAIGN % "Once", False),
        (RULE % "{any: [{attribute: member.level, op: gt, attribute_value: member.purchases}]}", True),
        (RULE % "{attribute: segments, op: contains, value: First}", True),
        (RULE % "{not: {attribute: segments, op: in, value: [Newly first]}}", True),
        (CAMPAIGN % "Newly first", True),
        (PER_PURCHASE, True),
    ],
)
def test_a_purchase_needs_what_decides_on_it(more: str, asked: bool) -> None:
    configuration = parse_file(SEGMENTS + more)
    assert ("member.purchases" in asked_by_rules(configuration)) is asked
    assert "member.purchases" in asked_by_segments(configuration)


AGGREGATES = """
version: 1
aggregates: [{key: bought, function: count, period: lifetime}, {key: other, function: count, period: lifetime}]
"""


@pytest.mark.parametrize(
    "award",
    [
        "{type: every_nth, count: bought, n: 2, points: 5}",
        "{type: per_unit, of: aggregate.bought, points: 1}",
        "{type: percent, of: aggregate.bought, percent: 1}",
    ],
)
def test_an_award_that_goes_by_an_aggregate_asks_for_it(award: str) -> None:
    configuration = parse_file(f"{AGGREGATES}rule_groups: [{{name: G, rules: [{{name: R, award: {award}}}]}}]")
    assert asked_by_rules(configuration) == {"aggregate.bought"}
