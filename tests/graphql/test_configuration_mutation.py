"""Mutations of one part of a configuration: what each changes, and each refusal with nothing written."""

from typing import Any

import pytest

from tests.graphql.world import Answer, Caller, World

RULE = {"name": "Three", "award": {"type": "flat", "points": 3}}

SAVED: dict[str, tuple[str, dict[str, Any]]] = {
    "attributeSave": (
        "AttributeSaveInput",
        {"entity": "MEMBER", "item": {"key": "colour", "name": "Colour", "type": "string"}},
    ),
    "attributeImport": (
        "AttributeImportInput",
        {"format": "CSV", "content": "entity,key,name,data_type\nmember,colour,Colour,string\n"},
    ),
    "productCodeSave": ("ConfigurationItemSaveInput", {"item": {"code": "FOOD", "sub_codes": ["FRUIT"]}}),
    "ruleGroupSave": ("ConfigurationItemSaveInput", {"item": {"name": "More", "rules": [RULE]}}),
    "ruleSave": ("RuleSaveInput", {"group": "Base", "item": RULE}),
    "exampleSave": (
        "ConfigurationItemSaveInput",
        {"item": {"name": "ten", "transaction": {"amount": "10"}, "points": 5}},
    ),
    "catalogItemSave": (
        "ConfigurationItemSaveInput",
        {"item": {"code": "MUG", "name": "Mug", "kind": "merchandise", "points": 5, "fulfilment": "manual"}},
    ),
    "programSettingsSave": ("ConfigurationItemSaveInput", {"item": {"redemption_minimum": "2.5"}}),
    "expirySave": ("ConfigurationItemSaveInput", {"item": {"period_end": "month"}}),
    "fileSettingsSave": ("ConfigurationItemSaveInput", {"item": {"delimiter": "pipe"}}),
}
"""What changes the configuration of the world."""

REMOVED: dict[str, tuple[str, dict[str, Any]]] = {
    "attributeRemove": ("AttributeRemoveInput", {"entity": "MEMBER", "key": "height"}),
    "productCodeRemove": ("ConfigurationItemRemoveInput", {"name": "SHOP"}),
    "ruleGroupRemove": ("ConfigurationItemRemoveInput", {"name": "Web bonus"}),
    "ruleRemove": ("RuleRemoveInput", {"group": "Web bonus", "name": "Five on the web"}),
}

OTHER: dict[str, tuple[str, dict[str, Any]]] = {
    "exampleRemove": ("ConfigurationItemRemoveInput", {"name": "ten"}),
    "catalogItemRemove": ("ConfigurationItemRemoveInput", {"name": "MUG"}),
    "aggregateSave": ("ConfigurationItemSaveInput", {"item": {"key": "spent"}}),
    "aggregateRemove": ("ConfigurationItemRemoveInput", {"name": "spent"}),
    "tierSave": ("ConfigurationItemSaveInput", {"item": {"assessment": "off"}}),
    "tierLevelSave": ("ConfigurationItemSaveInput", {"item": {"name": "Gold"}}),
    "tierLevelRemove": ("ConfigurationItemRemoveInput", {"name": "Gold"}),
    "segmentSave": ("ConfigurationItemSaveInput", {"item": {"name": "New"}}),
    "segmentRemove": ("ConfigurationItemRemoveInput", {"name": "New"}),
    "campaignSave": ("ConfigurationItemSaveInput", {"item": {"name": "May"}}),
    "campaignRemove": ("ConfigurationItemRemoveInput", {"name": "May"}),
    "referralSave": ("ConfigurationItemSaveInput", {"item": {"enabled": False}}),
}

EVERY = SAVED | REMOVED | OTHER

REFUSED = ("BAD_USER_INPUT", "CONFIGURATION_REFUSED", "1300", None)
CHANGED = ("CONFLICT", "CONFIGURATION_CHANGED", "1305", "expectedVersion")

HISTORY = """query($f: Int, $a: String) {configurationVersions(first: $f, after: $a) {
    edges {cursor node {version appliedAt appliedBy digest}} pageInfo {hasNextPage hasPreviousPage}}}"""


def document_of(name: str) -> str:
    """The mutation as a document."""
    return f"mutation($i: {EVERY[name][0]}!) {{{name}(input: $i) {{changed configuration {{version document}}}}}}"


async def change(caller: Caller, name: str, **given: Any) -> dict[str, Any]:
    """Run a mutation with its usual input, or with another; the configuration that it gave."""
    answer = await caller.ask(document_of(name), i=EVERY[name][1] | given)
    document: dict[str, Any] = answer.data[name]["configuration"]["document"]
    return document | {"changed": answer.data[name]["changed"]}


@pytest.mark.parametrize("name", SAVED)
async def test_what_is_saved_is_in_force_once(name: str, world: World, server: Caller) -> None:
    saved = (await server.ask(document_of(name), i=EVERY[name][1] | {"expectedVersion": 2})).data[name]
    assert (saved["changed"], saved["configuration"]["version"]) == (True, 3)
    async with world.nothing_written():
        again = (await server.ask(document_of(name), i=EVERY[name][1])).data[name]
        assert (again["changed"], again["configuration"]["version"]) == (False, 3)
    assert again["configuration"] == saved["configuration"] == (await _in_force(server))


@pytest.mark.parametrize("name", REMOVED)
async def test_what_is_removed_is_there_no_longer(name: str, world: World, server: Caller) -> None:
    removed = (await server.ask(document_of(name), i=EVERY[name][1] | {"expectedVersion": 2})).data[name]
    assert (removed["changed"], removed["configuration"]) == (True, await _in_force(server))
    assert removed["configuration"]["version"] == 3
    assert (await world.contents())["audit_entry"][-1].count("configuration.apply") == 1
    await world.refused(server, document_of(name), EVERY[name][1], *REFUSED)


@pytest.mark.parametrize("name", EVERY)
async def test_a_part_is_changed_by_those_only_who_may(name: str, world: World, server: Caller) -> None:
    app = await world.caller(member=await world.member(server))
    for caller in (app, await world.administrator("customer-executive", program=1)):
        await world.refused(caller, document_of(name), EVERY[name][1], "FORBIDDEN", "FORBIDDEN", "403", None)


@pytest.mark.parametrize("name", SAVED | REMOVED)
async def test_a_change_made_from_another_version_is_refused(name: str, world: World, server: Caller) -> None:
    for version in (1, 3, 0, -1):
        await world.refused(server, document_of(name), EVERY[name][1] | {"expectedVersion": version}, *CHANGED)


async def test_a_whole_document_may_name_the_version_it_was_made_from(world: World, server: Caller) -> None:
    apply = "mutation($i: ConfigurationApplyInput!) {configurationApply(input: $i) {changed}}"
    document = "version: 1\nprogram: {redemption_minimum: 7}\n"
    await world.refused(server, apply, {"document": document, "expectedVersion": 1}, *CHANGED)
    answer = await server.ask(apply, i={"document": document, "expectedVersion": 2})
    assert answer.data == {"configurationApply": {"changed": True}}


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("attributeSave", {"item": {"key": "a b", "name": "A", "type": "int"}}, "member_attributes[3].key"),
        ("attributeSave", {"item": {"key": "a", "name": "A", "type": "selection"}}, "member_attributes[3].values"),
        ("attributeSave", {"item": {"key": "points", "name": "A", "type": "int"}}, "member_attributes[3].key"),
        ("attributeRemove", {"entity": "TRANSACTION", "key": "channel"}, "rule_groups[1].rules[0].when.attribute"),
        ("attributeRemove", {"key": "nobody"}, "member_attributes: nothing here is named 'nobody'"),
        ("attributeImport", {"content": "entity,key\nmember,a\n"}, "no column name"),
        ("attributeImport", {"content": "entity,key,name,data_type\nmember,a,A,float\n"}, "member_attributes[0].type"),
        ("attributeImport", {"format": "JSON", "content": '{"program": {}}'}, "'program'"),
        ("productCodeSave", {"item": {"sub_codes": []}}, "product_codes[1].code: is missing"),
        ("productCodeSave", {"item": {"code": 7}}, "product_codes[1].code"),
        ("productCodeSave", {"item": {"code": "A\u0001"}}, "product_codes.code: control characters"),
        ("productCodeSave", {"item": ["FOOD"]}, "product_codes: the item must be an object"),
        ("productCodeSave", {"item": "FOOD"}, "product_codes: the item must be an object"),
        ("ruleGroupSave", {"item": {"name": "Base", "caps": {"transaction": 0}}}, "rule_groups[0].caps.transaction"),
        ("ruleGroupSave", {"item": {"name": "New", "rules": None}}, "rule_groups[2].rules"),
        ("ruleSave", {"item": {"name": "R", "award": {"type": "flat", "points": -1}}}, "rules[1].award.points"),
        ("ruleSave", {"item": RULE | {"unknown": 1}}, "rule_groups[0].rules[1].unknown: unknown key"),
        ("ruleSave", {"group": "Nobody"}, "rule_groups: nothing here is named 'Nobody'"),
        ("ruleRemove", {"group": "Nobody"}, "rule_groups: nothing here is named 'Nobody'"),
        ("ruleRemove", {"group": "Base"}, "rules: nothing here is named 'Five on the web'"),
        ("exampleSave", {"item": {"name": "x", "transaction": {"amount": "1"}, "points": 9}}, "expected 9, got 0.5"),
        ("fileSettingsSave", {"item": {"delimiter": ";"}}, "files.delimiter"),
        ("programSettingsSave", {"item": {"time_zone": "Nowhere/Land"}}, "program.time_zone"),
        ("programSettingsSave", {"item": {"redemption_minimum": 0.001}}, "program.redemption_minimum"),
        ("programSettingsSave", {"item": {"token_minutes": 1.5}}, "program.token_minutes"),
        ("expirySave", {"item": {"policy": "fixed_date"}}, "expiry.date: is missing"),
        ("expirySave", {"item": {"date": "2030-01-01"}}, "expiry.date: has no meaning"),
    ],
)
async def test_what_does_not_hold_is_refused_with_its_place(
    name: str, given: dict[str, Any], told: str, world: World, server: Caller
) -> None:
    async with world.nothing_written():
        answer = await server.ask(document_of(name), i=EVERY[name][1] | given)
        assert answer.refusal == REFUSED, answer.body
        assert told in answer.errors[0]["message"]
        assert answer.body["data"] == {name: None}


async def test_an_item_replaces_the_one_of_its_name_where_that_stands(server: Caller) -> None:
    groups = (await change(server, "ruleGroupSave", item={"name": "Base", "caps": {"transaction": 9}}))["rule_groups"]
    assert [group["name"] for group in groups] == ["Base", "Web bonus"]
    assert groups[0]["caps"]["transaction"] == 9
    assert [rule["name"] for rule in groups[0]["rules"]] == ["Half a point for a unit"]
    groups = (await change(server, "ruleGroupSave", item={"name": "Base"}))["rule_groups"]
    assert groups[0]["caps"]["transaction"] is None


async def test_expiry_is_given_whole_with_its_policy_only(server: Caller) -> None:
    months = (await change(server, "expirySave", item={"months": 6}))["expiry"]
    assert (months["policy"], months["months"], months["period_end"]) == ("months", 6, "quarter")
    none = (await change(server, "expirySave", item={"policy": "none"}))["expiry"]
    assert (none["policy"], none["months"], none["period_end"]) == ("none", None, "day")


async def test_numbers_keep_their_digits(server: Caller) -> None:
    rule = {"name": "Exact", "award": {"type": "per_unit", "of": "transaction.amount", "points": 0.1, "per": 3.0}}
    saved = (await change(server, "ruleSave", item=rule))["rule_groups"][0]["rules"][1]["award"]
    assert (saved["points"], saved["per"]) == ("0.1", 3)


async def test_an_item_may_be_written_into_the_document(world: World, server: Caller) -> None:
    document = """mutation($points: JSON, $group: String!) {ruleSave(input: {group: $group, item: {
        name: "Written", enabled: true, cap: null, award: {type: "flat", points: $points},
        when: {all: [{attribute: "transaction.amount", op: "gte", value: 2.50}]}}}) {changed}}"""
    assert (await server.ask(document, points=4, group="Base")).data == {"ruleSave": {"changed": True}}
    rule = (await _in_force(server))["document"]["rule_groups"][0]["rules"][1]
    assert (rule["award"]["points"], rule["cap"]) == (4, None)
    assert rule["when"]["all"][0]["value"] == "2.5"
    async with world.nothing_written():
        for item in ("{code: FOOD}", "{code: 1e999999999}", "[" * 40 + "]" * 40, f"{{code: {'9' * 60}}}"):
            answer = await server.ask(f"mutation {{productCodeSave(input: {{item: {item}}}) {{changed}}}}")
            assert answer.errors[0]["extensions"]["code"] in {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}, item


async def test_every_version_can_be_read(world: World, server: Caller) -> None:
    await change(server, "productCodeSave")
    edges = (await server.ask(HISTORY)).data["configurationVersions"]["edges"]
    assert [edge["node"]["version"] for edge in edges] == [3, 2, 1]
    assert edges[0]["node"]["appliedAt"] == "2026-02-03T11:46:03.703000+05:30"
    assert edges[0]["node"]["appliedBy"] != edges[1]["node"]["appliedBy"] == "test"
    assert len({edge["node"]["digest"] for edge in edges}) == 3
    page = (await server.ask(HISTORY, f=1, a=edges[0]["cursor"])).data["configurationVersions"]
    assert (page["edges"], page["pageInfo"]) == ([edges[1]], {"hasNextPage": True, "hasPreviousPage": True})
    query = "query($v: Int) {configuration(version: $v) {version productCodes {code subCodes}}}"
    old = (await server.ask(query, v=2)).data["configuration"]
    assert old == {"version": 2, "productCodes": [{"code": "SHOP", "subCodes": ["BOOKS"]}]}
    new = (await server.ask(query)).data["configuration"]
    assert new["productCodes"][1:] == [{"code": "FOOD", "subCodes": ["FRUIT"]}]
    for nothing in (0, 4, -1):
        assert (await server.ask(query, v=nothing)).data == {"configuration": None}
    theirs = await world.caller(world.theirs)
    assert (await theirs.ask(query, v=3)).data == {"configuration": None}


async def test_forms_are_told_what_attributes_there_are(server: Caller) -> None:
    await change(server, "attributeSave", item={"key": "gender", "name": "G", "type": "selection", "mandatory": True})
    query = """query($e: AttributeEntity) {configuration {attributeDefinitions(entity: $e) {
        entity key name type values mandatory unique personal maxLength hiddenOnProfile fixed}}}"""
    members = (await server.ask(query, e="MEMBER")).data["configuration"]["attributeDefinitions"]
    by_key = {one["key"]: one for one in members}
    assert {one["entity"] for one in members} == {"MEMBER"}
    gender = by_key["gender"]
    assert (gender["mandatory"], gender["fixed"], gender["values"]) == (True, True, ["M", "F", "O"])
    assert by_key["card_id"] == {
        "entity": "MEMBER",
        "key": "card_id",
        "name": "Card",
        "type": "STRING",
        "values": [],
        "mandatory": False,
        "unique": True,
        "personal": False,
        "maxLength": 500,
        "hiddenOnProfile": False,
        "fixed": False,
    }
    everything = (await server.ask(query)).data["configuration"]["attributeDefinitions"]
    assert len(everything) == 8 + 12
    channel = next(one for one in everything if one["key"] == "channel")
    assert (channel["entity"], channel["values"]) == ("TRANSACTION", ["web", "store"])


@pytest.mark.parametrize("written_as", ["JSON", "CSV"])
async def test_definitions_travel_to_another_program(written_as: str, world: World, server: Caller) -> None:
    await change(
        server, "attributeSave", item={"key": "n", "name": "=1+1", "type": "selection", "values": ["a;b", '"']}
    )
    export = "query($f: AttributeFormat!) {attributeExport(format: $f)}"
    content = (await server.ask(export, f=written_as)).data["attributeExport"]
    theirs = await world.caller(world.theirs)
    imported = await change(theirs, "attributeImport", format=written_as, content=content)
    ours = (await _in_force(server))["document"]
    assert imported["changed"]
    assert imported["member_attributes"] == ours["member_attributes"]
    assert imported["transaction_attributes"] == ours["transaction_attributes"]
    app = await world.caller(member=await world.member(server))
    refused: Answer = await app.ask(export, f=written_as)
    assert refused.refusal == ("FORBIDDEN", "FORBIDDEN", "403", None)


async def _in_force(caller: Caller) -> Any:
    return (await caller.ask("{configuration {version document}}")).data["configuration"]
