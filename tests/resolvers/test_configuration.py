"""Applying configuration: joined with what stands, versioned, refused whole."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from domain.errors import ConfigurationChanged, ConfigurationRefused, Forbidden
from domain.rules.join import join_documents
from domain.rules.model import Configuration
from domain.store.program import ProgramCache
from resolvers.configuration import NextConfiguration, joined, make_current, preview_configuration, read_source
from resolvers.context import Context
from resolvers.program import apply_configuration, get_configuration
from tests.resolvers.conftest import RULES, Shop
from tests.resolvers.desk import nothing_written


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


def overtaken(context: Context, times: int) -> tuple[list[int], NextConfiguration]:
    """A change that another overtakes so often while it is made, with the versions that it was made of."""
    loop, made_of = asyncio.get_running_loop(), list[int]()

    def following(stored: Mapping[str, Any]) -> Configuration:
        made_of.append(len(stored["segments"]))
        if len(made_of) <= times:
            other = apply_configuration(context, b"segments: [{name: Other %d, kind: frozen}]" % len(made_of))
            # Neither the event loop nor the writer may be what waits here: they have to serve the other one.
            asyncio.run_coroutine_threadsafe(other, loop).result(10)
        return joined(read_source("segments: [{name: Own, kind: frozen}]"), stored)

    return made_of, following


@pytest.mark.parametrize("times", [0, 1, 5])
async def test_a_change_is_made_beside_all_others_and_anew_where_one_overtook_it(shop: Shop, times: int) -> None:
    context = shop.contexts[0]
    before = await get_configuration(context)
    made_of, following = overtaken(context, times)
    applied = await make_current(context, following, expected_version=None, change={})
    there = len(before.document["segments"])
    assert made_of == list(range(there, there + times + 1))
    assert applied.version == before.version + times + 1
    now = await get_configuration(context)
    assert [one["name"] for one in now.document["segments"]][there:] == [
        *(f"Other {n + 1}" for n in range(times)),
        "Own",
    ]
    # What the process keeps is what any other reads.
    other = await context.read(lambda tx: ProgramCache().current(tx, context.principal.program))
    kept = context.services.programs.peek(context.principal.program)
    assert kept is not None
    told = "id", "name", "config_version", "configuration", "document", "zone", "created_at", "asks_for_purchases"
    assert [getattr(kept, one) for one in told] == [getattr(other, one) for one in told]


async def test_a_change_of_one_version_is_refused_where_another_overtook_it(shop: Shop) -> None:
    context = shop.contexts[0]
    before = await get_configuration(context)
    made_of, following = overtaken(context, 1)
    with pytest.raises(ConfigurationChanged):
        await make_current(context, following, expected_version=before.version, change={})
    now = await get_configuration(context)
    assert (len(made_of), now.version) == (1, before.version + 1)
    assert "Own" not in [one["name"] for one in now.document["segments"]]


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


async def test_a_last_day_that_is_past_is_refused_where_it_is_new(shop: Shop) -> None:
    ctx = shop.contexts[0]
    until = b"version: 1\nexpiry: {policy: fixed_date, date: 2026-03-01}"
    over = until.replace(b"03-01", b"02-28")
    for refused in (apply_configuration(ctx, over), preview_configuration(ctx, over)):
        async with nothing_written(shop):
            with pytest.raises(ConfigurationRefused, match="expiry.date: 2026-02-28 is past"):
                await refused
    # Good until the end of today, on the clocks of Berlin; a day later it goes on being in force.
    assert (await apply_configuration(ctx, until)).changed
    shop.later(hours=11)
    assert not (await apply_configuration(ctx, until)).changed
    changed = await apply_configuration(ctx, b"version: 1\nproduct_codes: [{code: BOOK}]")
    assert (changed.changed, changed.document["expiry"]["date"]) == (True, "2026-03-01")
    # Once it is in force no longer it does not come back.
    await apply_configuration(ctx, b"version: 1\nexpiry: {policy: none}")
    with pytest.raises(ConfigurationRefused, match="expiry.date"):
        await apply_configuration(ctx, until)
