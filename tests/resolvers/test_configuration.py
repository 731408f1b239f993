"""Applying configuration: joined with what stands, versioned, refused whole."""

import pytest

from domain.errors import ConfigurationRefused, Forbidden
from domain.rules.join import join_documents
from resolvers.program import apply_configuration, get_configuration
from tests.resolvers.conftest import RULES, Shop


async def test_the_same_file_again_changes_nothing(shop: Shop) -> None:
    before = await get_configuration(shop.contexts[0])
    again = await apply_configuration(shop.contexts[0], RULES)
    assert (again.changed, again.version) == (False, before.version)


async def test_what_a_file_leaves_out_stays_unless_pruned(shop: Shop) -> None:
    more = b"rule_groups: [{name: More, rules: [{name: Flat, award: {type: flat, points: 5}}]}]\nversion: 1"
    joined = await apply_configuration(shop.contexts[0], more)
    assert [group["name"] for group in joined.document["rule_groups"]] == ["Base", "More"]
    assert joined.document["program"]["time_zone"] == "Europe/Berlin"
    pruned = await apply_configuration(shop.contexts[0], more, prune=True)
    assert [group["name"] for group in pruned.document["rule_groups"]] == ["More"]
    assert pruned.version == joined.version + 1


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (b"version: 1\nrule_groups: [{name: A, rules: [{name: R, award: {type: flat, points: -1}}]}]", "award.points"),
        (b"version: 1\nprogram: {time_zone: Nowhere/Land}", "program.time_zone"),
        (b"version: 1\nexamples: [{name: wrong, transaction: {amount: '3'}, points: 4}]", "wrong: expected 4, got 3"),
        (b"version: 1\nprogram: {redemption_types: {'2': lounge}}", "program.redemption_types"),
        (b"program: {redemption_minimum: 1e99999999999999999999}", "out of range"),
        (
            b"segments: [{name: A, when: {attribute: member.passport, op: gt, value: 1}}]",
            "refused (segments[0].when.op: gt does not fit a text)",
        ),
        (b"version: [", ""),
        (b"version: 1\nrule_groups: [{name: [1]}]", "rule_groups[0].name"),
        (b"version: 1\nproduct_codes: [{code: {a: 1}}]", "product_codes[0].code"),
        (b"a: &x 1\nb: *x", ""),
        (b"a: " + b"9" * 2_000_000, "larger than 1 MiB"),
        (b"version: 1\nsegments: [{name: A, when: " + b"{not: " * 17 + b"{}" + b"}" * 17 + b"}]", "segments[0].when"),
        (b"version: 1\nsegments: [{name: A, when: {attribute: segments, op: contains, value: A}}]", "builds on itself"),
    ],
)
async def test_a_bad_file_is_refused_and_stores_nothing(shop: Shop, source: bytes, told: str) -> None:
    before = await get_configuration(shop.contexts[0])
    with pytest.raises(ConfigurationRefused) as refusal:
        await apply_configuration(shop.contexts[0], source)
    assert told in refusal.value.text
    assert await get_configuration(shop.contexts[0]) == before


async def test_only_who_may_write_configuration_applies_it(shop: Shop) -> None:
    context = shop.contexts[0]
    weak = context.principal.__class__(kind=context.principal.kind, actor="x", program_id=context.principal.program_id)
    with pytest.raises(Forbidden):
        await apply_configuration(
            context.__class__(services=context.services, principal=weak, source="t", request_id="-"), RULES
        )


def test_documents_are_joined_by_name() -> None:
    stored = {"product_codes": [{"code": "A"}, {"code": "B", "sub_codes": ["X"]}], "program": {"a": 1, "b": 2}}
    given = {"product_codes": [{"code": "B", "sub_codes": ["Y"]}, {"code": "C"}], "program": {"b": 3}}
    for section, name in (("aggregates", "key"), ("segments", "name"), ("campaigns", "name")):
        kept, replaced = {name: "a", "when": {"x": 1}}, {name: "b", "when": {"y": 2}}
        assert join_documents({section: [kept, {name: "b"}]}, {section: [replaced]}) == {section: [kept, replaced]}
    assert join_documents(stored, given) == {
        "product_codes": [{"code": "A"}, {"code": "B", "sub_codes": ["Y"]}, {"code": "C"}],
        "program": {"a": 1, "b": 3},
    }
