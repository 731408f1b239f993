"""Campaigns, segments, tiers, attributes, codes and figures at the portal: made, changed and taken away by form."""

from collections.abc import Mapping
from typing import Any

import pytest

from resolvers.configuration import apply_configuration
from resolvers.member import EnrollMember, enroll_member
from tessera.portal.configuring.kind import KINDS, Kind
from tests.portal.form import form_of, forms_of
from tests.portal.rule import ODD_RULES, document_of
from tests.portal.world import Browser, Shown, World

MORE = b"""
version: 1
segments:
  - {name: "Press & friends", kind: frozen}
  - {name: Big, kind: frozen, when: {any: [{attribute: aggregate.spent, op: gt, value: "10.5"}, {attribute: tier, op: eq, value: Gold}]}}
campaigns:
  - {name: May, starts: "2026-05-01T08:00", ends: 2026-05-31, segment: Big, award: {type: flat, points: 5}, message: Hello}
  - {name: March, starts: 2026-03-01, ends: 2026-03-31, award: {type: multiplier, factor: "1.25"}}
aggregates: [{key: records, function: count, period: rolling_365, when: {attribute: transaction.product_code, op: eq, value: MUSIC}}]
catalog:
  - {code: MUG, name: Mug, description: Blue, kind: merchandise, money: "4.5", fulfilment: manual, stock: counted, low_stock: 3, limit: 2, limit_period: year, valid_from: 2026-01-01, valid_to: "2026-12-31T08:00", tiers: [Gold], segments: [Big], answer_days: 9, enabled: false}
messages: [{name: One, event: LINK, channel: email, subject: "A \\"link\\"", body: "Two lines:\\n{link}", language: de}]
"""  # noqa: E501

NEW: Mapping[str, tuple[dict[str, str], dict[str, Any]]] = {
    "campaigns": (
        {
            "name": "New",
            "starts": "2026-04-01",
            "ends": "2026-04-02",
            "award.type": "multiplier",
            "award.factor": "1.5",
        },
        {"segment": None, "award": {"type": "multiplier", "factor": "1.5"}},
    ),
    "catalog": (
        {
            "code": "New",
            "name": "A mug",
            "kind": "merchandise",
            "points": "40",
            "fulfilment": "manual",
            "enabled": "yes",
        },
        {"points": 40, "money": None, "stock": "unlimited", "enabled": True},
    ),
    "segments": (
        {
            "name": "New",
            "when-0-kind": "all",
            "when-0.0-kind": "row",
            "when-0.0-attribute": "member.purchases",
            "when-0.0-op": "gte",
            "when-0.0-value": "3",
        },
        {"kind": "dynamic", "when": {"all": [{"attribute": "member.purchases", "op": "gte", "value": 3}]}},
    ),
    "levels": ({"name": "New", "multiplier": "3"}, {"multiplier": 3, "from": None}),
    "transaction_attributes": (
        {"key": "New", "name": "Shop", "type": "selection", "values": "north\r\nsouth\r\n"},
        {"values": ["north", "south"], "mandatory": False},
    ),
    "member_attributes": ({"key": "New", "name": "Tall", "type": "boolean", "pi": "yes"}, {"pi": True}),
    "product_codes": ({"code": "New", "sub_codes": "A\r\nB"}, {"sub_codes": ["A", "B"]}),
    "aggregates": ({"key": "New", "function": "max", "of": "amount", "period": "qtd"}, {"of": "amount"}),
    "messages": ({"name": "New", "event": "OTP", "body": "{code}"}, {"channel": "email"}),
    "examples": ({"text": "name: New\ntransaction: {amount: 10, product_code: MUSIC}\npoints: 10"}, {"points": 10}),
}


def _items(document: Mapping[str, Any], kind: Kind) -> list[dict[str, Any]]:
    return list(document["tiers"]["levels"] if kind.section == "levels" else document[kind.section])


def _name(item: Mapping[str, Any]) -> str:
    return str(item.get("key") or item.get("code") or item.get("name"))


async def _form(ada: Browser, kind: Kind, name: str = "") -> Any:
    shown = await ada.client.get(f"{ada.base}/{kind.path}", params={"name": name} if name else {})
    assert shown.status_code == 200
    return form_of(shown.text, kind.path)


async def _activate(ada: Browser, kind: Kind, shown: Shown) -> None:
    assert shown.status == 200, shown.text
    done = await ada.post(f"{kind.area}/review", forms_of(shown.source, f"{kind.area}/review")[-1].with_(do="apply"))
    assert (done.status, done.target) == (303, f"/portal/p/1/sandbox/{kind.area}")


@pytest.mark.parametrize("kind", KINDS, ids=lambda one: one.section)
async def test_an_item_is_made_and_taken_away(world: World, ada: Browser, kind: Kind) -> None:
    await apply_configuration(world.contexts[0], ODD_RULES)
    before = await document_of(world)
    fields, expected = NEW[kind.section]
    written = await world.contents()
    shown = await ada.post(kind.path, (await _form(ada, kind)).with_(**fields, do="review"))
    assert await world.contents() == written
    await _activate(ada, kind, shown)
    document = await document_of(world)
    [made] = [one for one in _items(document, kind) if _name(one) == "New"]
    assert made == {**made, **expected}
    assert (await ada.get(kind.area)).status == 200
    await _activate(ada, kind, await ada.post(kind.path, (await _form(ada, kind, "New")).with_(do="remove")))
    assert await document_of(world) == before


@pytest.mark.parametrize("kind", KINDS, ids=lambda one: one.section)
async def test_forms_that_nobody_touches_lose_nothing(world: World, ada: Browser, kind: Kind) -> None:
    await apply_configuration(world.contexts[0], ODD_RULES)
    await apply_configuration(world.contexts[0], MORE)
    before = await world.contents()
    for item in _items(await document_of(world), kind):
        form = await _form(ada, kind, _name(item))
        for do in ("text", "form" if kind.fields else "text"):
            shown = await ada.post(kind.path, form.with_(do="review"))
            assert "Nothing changes" in shown.text, (do, shown.text)
            form = form_of((await ada.post(kind.path, form.with_(do=do))).source, kind.path)
        assert "Nothing changes" in (await ada.post(kind.path, form.with_(do="review"))).text
    assert await world.contents() == before


@pytest.mark.parametrize(
    ("section", "changed", "told"),
    [
        ("campaigns", {"name": "X", "starts": "2026-05-02", "ends": "2026-05-01", "award.points": "5"}, "ends-error"),
        ("campaigns", {"name": "X", "starts": "2026-05-01", "ends": "2026-05-02"}, "award.points-error"),
        ("segments", {"name": "X"}, "is missing"),
        ("segments", {"name": "At risk"}, "is a duplicate"),
        ("levels", {"name": "", "multiplier": "0"}, "multiplier-error"),
        ("member_attributes", {"key": "no spaces", "name": "X"}, "key-error"),
        ("member_attributes", {"key": "x", "name": "X", "type": "selection"}, "values-error"),
        ("product_codes", {"code": ""}, "code-error"),
        ("aggregates", {"key": "x", "function": "sum"}, "of-error"),
        ("messages", {"name": "X", "body": "no code"}, "body-error"),
        ("examples", {"text": "name: [X"}, "text-error"),
        ("examples", {"text": "transaction: {amount: 1}"}, "name: is missing"),
    ],
)
async def test_faults_of_items_are_told(
    world: World, ada: Browser, section: str, changed: dict[str, str], told: str
) -> None:
    [kind] = [one for one in KINDS if one.section == section]
    before = await world.contents()
    shown = await ada.post(kind.path, (await _form(ada, kind)).with_(**changed, do="review"))
    assert (shown.status, told in shown.source) == (400, True), shown.text
    assert "1300" in shown.text
    again = form_of(shown.source, kind.path)
    assert {key: again.fields[key] for key in changed} == {key: [value] for key, value in changed.items()}
    assert await world.contents() == before


async def test_what_is_in_use_is_not_taken_away(world: World, ada: Browser) -> None:
    await apply_configuration(world.contexts[0], ODD_RULES)
    [kind] = [one for one in KINDS if one.section == "aggregates"]
    before = await world.contents()
    shown = await ada.post(kind.path, (await _form(ada, kind, "visits")).with_(do="remove"))
    assert (shown.status, "rule_groups[1].rules[3].award.count" in shown.text) == (400, True)
    assert forms_of(shown.source, "attributes/review") == []
    assert await world.contents() == before


async def test_who_may_not_configure_has_no_forms(world: World, ada: Browser) -> None:
    eve = await world.administrator("customer-executive", email="eve@shop.example")
    before = await world.contents()
    for kind in KINDS:
        assert (await eve.get(kind.path)).status == 403
        assert (await eve.post(kind.path, {**NEW[kind.section][0], "do": "review"})).status == 403
        assert (await eve.post(f"{kind.area}/review", {"draft": "{}", "do": "apply"})).status == 403
    for area in ("attributes", "tiers", "segments", "campaigns", "catalog"):
        assert (await eve.get(area)).status == 200
    assert (await eve.post("tiers", {"assessment": "off"})).status == 403
    assert await world.contents() == before


async def test_tiers_are_assessed_as_the_form_says(world: World, ada: Browser) -> None:
    await apply_configuration(world.contexts[0], ODD_RULES)
    form = form_of((await ada.get("tiers")).source, "/tiers")
    refused = await ada.post("tiers", form.with_(assessment="automatic"))
    assert (refused.status, "is missing for the basis points" in refused.text) == (400, True)
    [kind] = [one for one in KINDS if one.section == "levels"]
    shown = await ada.post("tiers", form.with_(retention_days="30"))
    await _activate(ada, kind, shown)
    assert (await document_of(world))["tiers"]["retention_days"] == 30


async def test_members_of_segments_and_snapshots(world: World, ada: Browser) -> None:
    await apply_configuration(world.contexts[0], ODD_RULES)
    await apply_configuration(world.contexts[0], MORE)
    for reference in ("M1", "M2"):
        await enroll_member(world.contexts[0], EnrollMember(values={"relation_reference": reference}))
    live = await ada.get("segments/members?name=Never%20purchased")
    assert ("M1" in live.text, "M2" in live.text) == (True, True)
    assert "Nobody is in it" in (await ada.get("segments/members?name=Press%20%26%20friends")).text
    frozen = {"name": "Press & friends", "members": "M1\r\nM2", "how": "replace"}
    assert (await ada.post("segments/freeze", frozen)).status == 303
    assert "M2" in (await ada.get("segments/members?name=Press%20%26%20friends")).text
    before = await world.contents()
    for changed, status in (({"members": "M1 M9"}, 404), ({"members": ""}, 400), ({"name": "Nobody"}, 400)):
        shown = await ada.post("segments/freeze", {**frozen, **changed})
        assert shown.status == status, shown.text
    assert (await ada.get("segments/members?name=At%20risk&after=x")).status == 400
    assert await world.contents() == before
    eve = await world.administrator("customer-executive", email="eve@shop.example")
    before = await world.contents()
    assert (await eve.post("segments/freeze", frozen)).status == 403
    assert await world.contents() == before


async def test_forms_offer_the_names_that_there_are(world: World, ada: Browser) -> None:
    await apply_configuration(world.contexts[0], ODD_RULES)
    await apply_configuration(world.contexts[0], MORE)
    assert (await ada.post("catalog/codes", {"pool": "CARDS", "codes": "A-1"})).status == 303
    item = (await ada.get("catalog/edit?name=MUG")).source
    for name, value, how in (("tiers", "Gold", " checked"), ("tiers", "Platinum", ""), ("segments", "Big", " checked")):
        assert f'name="{name}" value="{value}"{how}>' in item
    assert '<datalist id="pool-known"><option value="CARDS">' in item
    row = (await ada.get("settings/part/thresholds")).source
    assert '<option value="MUSIC">MUSIC</option>' in row
    assert '<option value="Europe/Berlin">' in (await ada.get("settings/part/points")).source


async def test_weekdays_and_months_are_chosen_by_name(world: World, ada: Browser) -> None:
    form = form_of((await ada.get("rules/edit?group=Base")).source, "rules/edit")
    days = {"when-0.0-kind": "row", "when-0.0-attribute": "date.weekday", "when-0.0-op": "in", "when-0.0-value": ["6"]}
    months = {"when-0.1-kind": "row", "when-0.1-attribute": "date.month", "when-0.1-op": "between"}
    typed = {"name": "Summer", "type": "flat", "points": "1", "when-0.1-value": ["6", "8"]}
    shown = await ada.post("rules/edit", form.with_(**days, **months, **typed, do="refresh"))
    assert "checked> Saturday</label>" in shown.source
    assert '<option value="8" selected>August</option>' in shown.source
    review = await ada.post("rules/edit", form_of(shown.source, "rules/edit").with_(do="review"))
    assert "weekday is one of Saturday and month of the purchase is between June and August" in review.text
    assert (await ada.post("rules/review", forms_of(review.source, "rules/review")[-1].with_(do="apply"))).status == 303
    [_, rule] = (await document_of(world))["rule_groups"][0]["rules"]
    assert [one["value"] for one in rule["when"]["all"]] == [[6], [6, 8]]
