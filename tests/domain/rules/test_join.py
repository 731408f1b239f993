"""Faults of a file that says a part: the true ones, with the file's own paths."""

import pytest

from domain.rules.document import load_document
from domain.rules.join import parse_joined
from domain.rules.parse import ConfigurationInvalid, parse
from domain.rules.render import to_document

STORED = b"""
version: 1
product_codes: [{code: MUSIC}, {code: BOOK}]
transaction_attributes: [{key: quantity, name: Quantity, type: int}]
aggregates: [{key: spent, of: amount, function: sum, period: lifetime}]
tiers: {levels: [{name: Silver, from: 10}, {name: Gold, from: 100}]}
segments: [{name: VIP, when: {attribute: aggregate.spent, op: gt, value: 5}}]
rule_groups:
  - name: Base
    rules: [{name: One, when: {attribute: transaction.quantity, op: gt, value: 3}, award: {type: flat, points: 5}}]
  - name: Other
    rules: [{name: Two, when: {attribute: aggregate.spent, op: gt, value: 3}, award: {type: flat, points: 5}}]
"""
STANDS = " (it stands in the configuration in force, and the file leaves it there)"


@pytest.mark.parametrize(
    ("part", "told"),
    [
        # What stands is known to the part, and what a rule leaves out it has.
        (
            "rule_groups: [{name: New, rules: [{name: R, award: {type: flat, points: 5},"
            " when: {all: [{attribute: aggregate.spent, op: gt, value: 3}, {attribute: x.y, op: gt, value: 3}]}}]}]",
            ["rule_groups[0].rules[0].when.all[1].attribute: unknown attribute: 'x.y'"],
        ),
        (
            "rule_groups: [{name: New}, {name: Other, rules: [{name: Two, when: {attribute: x.y, op: eq, value: 1}}]}]",
            ["rule_groups[0].rules: is missing"],
        ),
        (
            "rule_groups: [{name: Other, rules: [{name: Two, when: {attribute: x.y, op: eq, value: 1}}]}]",
            ["rule_groups[0].rules[0].when.attribute: unknown attribute: 'x.y'"],
        ),
        # One that stands twice does not hide what stands besides.
        ("product_codes: [{code: A}, {code: A}]", ["product_codes[1].code: is a duplicate"]),
        (
            "segments: [{name: VIP, when: {attribute: segments, op: contains, value: None}},"
            " {name: VIP, kind: frozen}]",
            ["segments[1].name: is a duplicate", "segments[0].when.value: 'None' is not one of the values of segments"],
        ),
        # Levels are ordered, so that their places are others.
        (
            "tiers: {levels: [{name: Platinum, from: 1000, multiplier: x}, {name: Iron, from: 5, multiplier: 0}]}",
            ["tiers.levels[1].multiplier: must be more than 0", "tiers.levels[0].multiplier: 'x' is not allowed here"],
        ),
        # What the file leaves alone and no longer fits.
        (
            "transaction_attributes: [{key: quantity, name: Quantity, type: string}]",
            ["rule_groups[0].rules[0].when.op: gt does not fit a text" + STANDS],
        ),
        ("tiers: []", ["tiers: must be an object or null, not '[]'"]),
        ("rules: []", ["rules: unknown key"]),
        ("rule_groups: {name: X}", ["rule_groups: must be an array, not \"{'name': 'X'}\""]),
        ("rule_groups: [5]", ["rule_groups[0]: must be an object, not '5'"]),
        ("tiers: {basis: aggregate, aggregate: none, levels: []}", ["tiers.aggregate: unknown aggregate: 'none'"]),
    ],
)
def test_the_faults_of_a_part_are_its_own(part: str, told: list[str]) -> None:
    stored = to_document(parse(load_document(STORED)))
    with pytest.raises(ConfigurationInvalid) as refusal:
        parse_joined(load_document(part), stored)
    found = [str(one) for one in refusal.value.problems]
    assert found[: len(told)] == told
    assert all(one.endswith(STANDS) for one in found[len(told) :])
