"""`pointsSimulate` and `rulesBackTest`: what would come of it, over GraphQL, and nothing written."""

from typing import Any

import pytest

from schema.mutations import simulation
from tests.graphql.test_explanation import EXPLAINED
from tests.graphql.world import Caller, World

SIMULATE = """mutation($i: PointsSimulateInput!) {pointsSimulate(input: $i) {
    points isParked isDraft configurationVersion ignoredKeys refusal {reason v1Code field}
    entries {kind bucket points explanation {configurationVersion group exact rounding points spoilage message loss
        tier tierLevels
        rules {rule sequence inputs {attribute value} gave cap kept share factor expiresMonths expiresOn
            releaseAfterDays}
        factors {kind name factor} caps {window isProgram limit used left cut} lots {points expiresAt availableAt}}}
    fruitless {group} caps {group window start limit used added left}}}"""

BACK_TEST = """mutation($i: RulesBackTestInput!) {rulesBackTest(input: $i) {
    configurationVersion transactions warmedUp refused total {actual draft points money}
    groups {group difference {actual draft points money}} membersGained membersLost membersUnchanged
    largest {relationReference difference {points money}}}}"""

SUBMIT = "mutation($i: TransactionSubmitInput!) {transactionSubmit(input: $i) {points}}"

DRAFT = {"version": 1, "rule_groups": [{"name": "Base", "caps": {"month": 8}, "rules": []}]}


async def _simulated(caller: Caller, transaction: Any, **given: Any) -> Any:
    return (await caller.ask(SIMULATE, i={"transaction": transaction} | given)).data["pointsSimulate"]


async def test_a_simulated_transaction_is_explained_as_a_real_one_will_be(world: World, server: Caller) -> None:
    reference = await world.member(server)
    given = world.purchase(reference, "29.34", attributes=[{"key": "channel", "value": "web"}])
    async with world.nothing_written():
        found = await _simulated(server, given)
        without_id = await _simulated(server, {key: one for key, one in given.items() if key != "transactionId"})
    assert without_id == found
    assert (found["points"], found["refusal"], found["isDraft"]) == ("19.67", None, False)
    assert (await server.ask(SUBMIT, i=given)).data == {"transactionSubmit": {"points": "19.67"}}
    edges = (await server.ask(EXPLAINED, r=reference)).data["member"]["ledger"]["edges"]
    assert [one["node"]["explanation"] for one in reversed(edges)] == [one["explanation"] for one in found["entries"]]
    assert (await _simulated(server, given))["refusal"] == {
        "reason": "DUPLICATE_RECORD",
        "v1Code": "1201",
        "field": "transactionId",
    }


async def test_a_draft_is_tried_out_as_json_and_as_the_text_of_a_file(world: World, server: Caller) -> None:
    given = world.purchase(await world.member(server), 40)
    text = "version: 1\nrule_groups: [{name: Base, caps: {month: 8}, rules: []}]"
    async with world.nothing_written():
        found = await _simulated(server, given, draft=DRAFT)
        assert await _simulated(server, given, draft=text) == found
    assert (found["points"], found["isDraft"]) == ("8", True)
    assert found["caps"] == [
        {
            "group": "Base",
            "window": "MONTH",
            "start": "2026-02-01",
            "limit": 8,
            "used": "0",
            "added": "8",
            "left": "0",
        }
    ]
    wrong = {"transaction": given, "draft": {"version": 1, "rule_groups": [{"name": 3}]}}
    await world.refused(server, SIMULATE, wrong, "BAD_USER_INPUT", "CONFIGURATION_REFUSED", "1300", None)


async def test_anybody_may_be_the_one_who_buys(world: World, server: Caller) -> None:
    given = world.purchase("", 40) | {"memberRelationReference": None}
    somebody = {"attributes": [{"key": "shirt_size", "value": 44}], "enrolledAt": "2025-01-01T00:00:00Z"}
    async with world.nothing_written():
        assert (await _simulated(server, given))["points"] == "20"
        assert (await _simulated(server, given, member=somebody))["points"] == "20"
        cancelled = {"attributes": [{"key": "status", "value": 4}]}
        assert (await _simulated(server, given, member=cancelled))["refusal"]["reason"] == "MEMBER_CANCELLED"


async def test_who_may_not_submit_may_not_try_out_rules(world: World, server: Caller) -> None:
    reference = await world.member(server)
    app = await world.caller(member=reference)
    sample = {"transaction": world.purchase(reference)}
    await world.refused(app, SIMULATE, sample, "FORBIDDEN", "FORBIDDEN", "403", None)
    nobody = Caller(world.client)
    await world.refused(nobody, SIMULATE, sample, "UNAUTHENTICATED", "UNAUTHORIZED", "401", None)
    executive = await world.administrator("customer-executive", program=1)
    await world.refused(executive, SIMULATE, sample, "FORBIDDEN", "FORBIDDEN", "403", None)


async def test_a_period_is_replayed_under_a_draft(
    world: World, server: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await world.member(server, 30), await world.member(server, 5)
    given = {"draft": DRAFT, "firstDay": "2026-02-03", "lastDay": "2026-02-03"}
    async with world.nothing_written():
        answer = (await server.ask(BACK_TEST, i=given)).data["rulesBackTest"]
    difference = {"actual": "35", "draft": "13", "points": "-22", "money": "-0.22"}
    assert answer == {
        "configurationVersion": 2,
        "transactions": 2,
        "warmedUp": 0,
        "refused": 0,
        "total": difference,
        "groups": [{"group": "Base", "difference": difference}],
        "membersGained": 0,
        "membersLost": 1,
        "membersUnchanged": 1,
        "largest": [{"relationReference": first, "difference": {"points": "-22", "money": "-0.22"}}],
    }
    monkeypatch.setattr(simulation, "MAX_REPLAYED", 1)
    await world.refused(server, BACK_TEST, given, "BAD_USER_INPUT", "INVALID_REQUEST", "998", "lastDay")
    app = await world.caller(member=second)
    await world.refused(app, BACK_TEST, given, "FORBIDDEN", "FORBIDDEN", "403", None)
    nobody = Caller(world.client)
    await world.refused(nobody, BACK_TEST, given, "UNAUTHENTICATED", "UNAUTHORIZED", "401", None)
