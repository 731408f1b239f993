"""The parts of a configuration as types, which go back as they come."""

from tests.graphql.test_segment import SEGMENTS
from tests.graphql.test_tier import under
from tests.graphql.world import Caller, World

PARTS = """
version: 1
aggregates: [{key: spent, function: sum, of: amount, period: ytd}]
rule_groups:
  - name: Base
    caps: {month: 500}
    rules:
      - name: Half a point for a unit
        valid_to: 2027-12-31
        cap: 40
        award: {type: per_unit, of: transaction.amount, points: 0.5, per: 1}
"""
QUERY = """{configuration {version document
    ruleGroups {name enabled category stopAtFirst caps {transaction day month lifetime}
        rules {name enabled cap validFrom validTo definition} definition}
    segments {name kind definition} aggregates {key function period of definition}}}"""
SAVE = {
    "ruleGroups": "mutation($i: ConfigurationItemSaveInput!) {saved: ruleGroupSave(input: $i) {changed}}",
    "segments": "mutation($i: ConfigurationItemSaveInput!) {saved: segmentSave(input: $i) {changed}}",
    "aggregates": "mutation($i: ConfigurationItemSaveInput!) {saved: aggregateSave(input: $i) {changed}}",
}


async def test_parts_are_typed_and_go_back_as_they_come(world: World, server: Caller) -> None:
    await under(server, SEGMENTS)
    await under(server, PARTS)
    found = (await server.ask(QUERY)).data["configuration"]
    base, web = found["ruleGroups"]
    assert (base["name"], base["category"], base["enabled"], base["stopAtFirst"]) == ("Base", "SPEND", True, False)
    assert base["caps"] == {"transaction": None, "day": None, "month": "500", "lifetime": None}
    (rule,) = base["rules"]
    assert (rule["cap"], rule["validFrom"], rule["validTo"]) == ("40", None, "2027-12-31")
    assert (web["name"], web["category"]) == ("Web bonus", "BONUS")
    assert [one["name"] for one in found["segments"]] == [one["name"] for one in found["document"]["segments"]]
    assert {one["kind"] for one in found["segments"]} == {"DYNAMIC", "FROZEN"}
    (spent,) = found["aggregates"]
    assert (spent["key"], spent["function"], spent["period"], spent["of"]) == (
        "spent",
        "SUM",
        "YTD",
        "amount",
    )
    async with world.nothing_written():
        for name, mutation in SAVE.items():
            for one in found[name]:
                answer = await server.ask(mutation, i={"item": one["definition"]})
                assert answer.data == {"saved": {"changed": False}}, one
        save = "mutation($i: RuleSaveInput!) {ruleSave(input: $i) {changed}}"
        for group in found["ruleGroups"]:
            for one in group["rules"]:
                given = {"group": group["name"], "item": one["definition"]}
                assert (await server.ask(save, i=given)).data == {"ruleSave": {"changed": False}}, one


FILES = """{configuration {files {delimiter encoding rejectLimitPercent parkUnknownMembers parkDays retentionDays
    personalDataInExports}}}"""


async def test_the_settings_of_files_are_typed(world: World, server: Caller) -> None:
    assert (await server.ask(FILES)).data["configuration"]["files"] == {
        "delimiter": "AUTO",
        "encoding": "UTF_8",
        "rejectLimitPercent": None,
        "parkUnknownMembers": False,
        "parkDays": 7,
        "retentionDays": 30,
        "personalDataInExports": False,
    }
    await under(
        server, "version: 1\nfiles: {delimiter: pipe, encoding: latin-1, reject_limit_percent: 12.5, park_days: 3}"
    )
    found = (await server.ask(FILES)).data["configuration"]["files"]
    assert (found["delimiter"], found["encoding"], found["parkDays"]) == ("PIPE", "LATIN_1", 3)
    assert found["rejectLimitPercent"] == "12.5"


async def test_parts_of_the_configuration_are_not_for_members(world: World, server: Caller) -> None:
    app = await world.caller(member=await world.member(server))
    assert (await app.ask(QUERY)).refusal == ("FORBIDDEN", "FORBIDDEN", "403", None)
