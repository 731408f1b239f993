"""A rule is built by a form without code, or as text; nothing that it says is lost."""

import pytest

from resolvers.configuration import apply_configuration
from tests.portal.form import form_of, forms_of
from tests.portal.rule import NEW_RULE, ODD_RULES, document_of, reviewed
from tests.portal.world import Browser, World


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"points": ""}, "is missing"),
        ({"points": "-1"}, "points-error"),
        ({"name": ""}, "name-error"),
        ({"cap": "0"}, "cap-error"),
        ({"valid_to": "2025-01-01"}, "valid_to-error"),
        ({"when-0.1.0-value": "many"}, "must be a whole number"),
        ({"when-0.0-value": "9"}, "must be from 1 to 7"),
        ({"name": "One for one"}, "is a duplicate"),
        ({"type": "every_nth", "n": "5"}, "is missing"),
        ({"type": "nothing"}, "type-error"),
    ],
)
async def test_faults_stand_at_their_fields(world: World, ada: Browser, changed: dict[str, str], told: str) -> None:
    before = await world.contents()
    shown = await reviewed(ada, **changed)
    assert shown.status == 400
    assert told in shown.source
    assert "1300" in shown.text
    form = form_of(shown.source, "rules/edit")
    kept = {**NEW_RULE, **changed}
    assert {key: form.fields[key][-1] for key in ("name", "valid_from", "when-0.1.0-value")} == {
        key: kept[key] for key in ("name", "valid_from", "when-0.1.0-value")
    }
    assert await world.contents() == before


@pytest.mark.parametrize("name", ["Everything", 'A <b>bold</b> & "quoted" one/two', "Twice", "Tenth"])
async def test_a_form_that_nobody_touches_loses_nothing(world: World, ada: Browser, name: str) -> None:
    await apply_configuration(world.contexts[0], ODD_RULES)
    stands = await document_of(world)
    page = await ada.client.get(f"{ada.base}/rules/edit", params={"group": "Odd", "rule": name})
    assert page.status_code == 200
    for do in ("text", "refresh"):
        form = form_of(page.text, "rules/edit")
        again = await ada.post("rules/edit", form.with_(do=do))
        assert again.status == 200
        again = await ada.post("rules/edit", form_of(again.source, "rules/edit").with_(do="review"))
        [rule] = [one for one in stands["rule_groups"][1]["rules"] if one["name"] == name]
        # The review activates: that is all that it says.
        expected = "Nothing changes" if rule["enabled"] else "Enabled no yes"
        assert (again.status, expected in again.text) == (200, True), again.text
    applied = await ada.post("rules/review", forms_of(again.source, "rules/review")[-1].with_(do="apply"))
    assert applied.status == 303
    following = await document_of(world)
    for group in (stands, following):
        group["rule_groups"][1]["rules"][0]["enabled"] = True
    assert following == stands


async def test_the_condition_grows_and_shrinks_by_buttons(world: World, ada: Browser) -> None:
    form = form_of((await ada.get("rules/edit?group=Base")).source, "rules/edit")
    for button in ("add-row:0", "add-group:0", "add-row:0.1"):
        shown = await ada.post("rules/edit", form.with_(do=button))
        assert shown.status == 200
        form = form_of(shown.source, "rules/edit")
    assert {key for key in form.fields if key.endswith("-kind")} == {
        f"when-{place}-kind" for place in ("0", "0.0", "0.1", "0.1.0", "0.1.1")
    }
    shown = await ada.post("rules/edit", form.with_(**{"when-0.1.1-attribute": "segments"}, do="remove:0.0"))
    form = form_of(shown.source, "rules/edit")
    assert form.fields["when-0.0.1-attribute"] == ["segments"]
    assert form.fields["when-0.0.1-op"] == ["contains"]
    assert "when-0.1-kind" not in form.fields


async def test_a_rule_as_text_says_what_is_wrong_and_is_kept(world: World, ada: Browser) -> None:
    before = await world.contents()
    fields = {"expected_version": "2", "group": "Base", "was": "One for one", "from_group": "Base", "do": "review"}
    broken = await ada.post("rules/edit", {**fields, "text": "name: [unclosed"})
    assert (broken.status, "not readable as YAML or JSON" in broken.text, "[unclosed" in broken.text) == (
        400,
        True,
        True,
    )
    wrong = await ada.post("rules/edit", {**fields, "text": "name: X\naward: {type: flat, points: 0}\nfoo: 1"})
    assert (wrong.status, "foo: unknown key" in wrong.text, "foo: 1" in wrong.text) == (400, True, True)
    assert await world.contents() == before
    right = await ada.post("rules/edit", {**fields, "text": "name: X\naward: {type: flat, points: 1.50}"})
    assert (right.status, "1.5 points" in right.text) == (200, True)
