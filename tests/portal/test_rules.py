"""Rules at the portal: listed, switched, moved, and who may."""

import pytest

from resolvers.configuration import apply_configuration
from tests.portal.form import form_of, forms_of
from tests.portal.rule import ODD_RULES, document_of, reviewed
from tests.portal.world import Browser, World


async def test_the_list_says_what_each_rule_does(ada: Browser) -> None:
    shown = await ada.get("rules")
    assert shown.status == 200
    assert "One for one" in shown.text
    assert "If always then 1 point for every 1 of amount" in shown.text
    assert "Version 2 is in force" in shown.text


async def test_buttons_pause_move_copy_and_remove(world: World, ada: Browser) -> None:
    await apply_configuration(world.contexts[0], ODD_RULES)
    version = {"expected_version": "3"}
    one = {"name": "Twice", "group": "Odd"}
    assert (await ada.post("rules/change", {**version, **one, "what": "pause"})).status == 303
    assert (await ada.post("rules/change", {"expected_version": "4", **one, "what": "up"})).status == 303
    assert (await ada.post("rules/change", {"expected_version": "5", "name": "Odd", "what": "up"})).status == 303
    document = await document_of(world)
    assert [group["name"] for group in document["rule_groups"]] == ["Odd", "Base"]
    rules = {rule["name"]: rule["enabled"] for rule in document["rule_groups"][0]["rules"]}
    assert list(rules)[1] == "Twice"
    assert rules["Twice"] is False
    review = await ada.post("rules/change", {"expected_version": "6", **one, "what": "activate"})
    assert (review.status, "Enabled no yes" in review.text) == (200, True)
    copied = form_of((await ada.get("rules/edit?group=Odd&rule=Twice&copy=yes")).source, "rules/edit")
    assert (copied.fields["name"], copied.fields["was"]) == (["Twice (copy)"], [""])
    kept = await ada.post("rules/edit", copied.with_(do="paused"))
    assert kept.status == 303
    assert (await ada.post("rules/change", {"expected_version": "7", **one, "what": "remove"})).status == 303
    names = [rule["name"] for rule in (await document_of(world))["rule_groups"][0]["rules"]]
    assert ("Twice" in names, names[-1]) == (False, "Twice (copy)")


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"name": "One for one", "group": "Base", "what": "pause", "expected_version": "1"}, 409, "1305"),
        ({"name": "Nobody", "group": "Base", "what": "pause", "expected_version": "2"}, 400, "998"),
        ({"name": "Nobody", "group": "Base", "what": "remove", "expected_version": "2"}, 400, "1300"),
        ({"name": "One for one", "group": "Base", "what": "explode", "expected_version": "2"}, 400, "999"),
        ({"name": "One for one", "group": "Base", "what": "up"}, 400, "999"),
    ],
)
async def test_refused_buttons_change_nothing(
    world: World, ada: Browser, form: dict[str, str], status: int, code: str
) -> None:
    before = await world.contents()
    shown = await ada.post("rules/change", form)
    assert (shown.status, code in shown.text) == (status, True)
    assert await world.contents() == before


@pytest.mark.parametrize("path", ["rules/change", "rules/edit", "rules/group", "rules/review", "rules/simulate"])
async def test_who_may_not_configure_changes_nothing(world: World, ada: Browser, path: str) -> None:
    forms = forms_of((await reviewed(ada)).source, "rules/review")
    eve = await world.administrator("customer-executive", email="eve@shop.example")
    before = await world.contents()
    shown = await eve.post(path, {**forms[-1].fields, "form_token": eve.form_token, "do": "apply", "what": "remove"})
    assert shown.status == 403
    assert await world.contents() == before
    listed = await eve.get("rules")
    assert (listed.status, "One for one" in listed.text) == (200, True)
    assert forms_of(listed.source, "rules/change") == []


async def test_a_group_is_made_and_its_limits_are_shown(world: World, ada: Browser) -> None:
    form = form_of((await ada.get("rules/group")).source, "rules/group")
    shown = await ada.post("rules/group", form.with_(**{"name": "Extra", "category": "bonus", "caps.day": "none"}))
    assert (shown.status, "caps.day-error" in shown.source) == (400, True)
    shown = await ada.post("rules/group", form.with_(**{"name": "Extra", "category": "bonus", "caps.day": "20"}))
    assert shown.status == 200
    assert (await ada.post("rules/review", forms_of(shown.source, "rules/review")[-1].with_(do="apply"))).status == 303
    assert "at most 20 a day" in (await ada.get("rules")).text
    edited = form_of((await ada.get("rules/group?name=Base")).source, "rules/group")
    shown = await ada.post("rules/group", edited.with_(stop_at_first="yes"))
    await ada.post("rules/review", forms_of(shown.source, "rules/review")[-1].with_(do="apply"))
    [base, _] = (await document_of(world))["rule_groups"]
    assert (base["stop_at_first"], len(base["rules"])) == (True, 1)
