"""The review: what changes, a sample, last month; then it is put in force, by one or by two."""

import asyncio
import re

from resolvers.configuration import apply_configuration, get_configuration
from tests.portal.form import form_of, forms_of
from tests.portal.rule import NEW_WHEN, buy, document_of, reviewed, rules_of
from tests.portal.world import Browser, World


async def test_a_rule_is_built_reviewed_and_put_in_force(world: World, ada: Browser) -> None:
    before = await world.contents()
    shown = await reviewed(ada)
    assert shown.status == 200
    assert "None of this is active yet" in shown.text
    assert (
        "weekday is one of Saturday, Sunday and (quantity is at least 5 or member's shirt size is given)" in shown.text
    )
    assert await world.contents() == before
    apply = forms_of(shown.source, "rules/review")[-1]
    done = await ada.post("rules/review", apply.with_(do="apply"))
    assert (done.status, done.target) == (303, "/portal/p/1/sandbox/rules")
    assert "Version 3 is in force" in (await ada.get("rules")).text
    [_, rule] = await rules_of(world)
    assert rule == {
        "name": "Weekends",
        "enabled": True,
        "valid_from": "2026-01-01",
        "valid_to": None,
        "award": {"type": "flat", "points": 10, "expires": None, "release_after_days": None},
        "cap": 50,
        "when": NEW_WHEN,
    }


async def test_a_draft_is_tried_out_before_it_goes_live(world: World, ada: Browser) -> None:
    trial = forms_of((await reviewed(ada)).source, "rules/review")[0]
    before = await world.contents()
    sample = {"s-amount": "20.00", "s-date": "2026-02-28", "s-t-quantity": "5"}
    shown = await ada.post("rules/review", trial.with_(**sample, do="try"))
    assert shown.status == 200
    assert "In force now 20 points With this change 30 points Difference +10" in shown.text
    assert "Weekends gave 10" in shown.text
    assert await world.contents() == before
    refused = await ada.post("rules/review", trial.with_(**{**sample, "s-amount": "much"}, do="try"))
    assert (refused.status, refused.values("s-t-quantity")) == (400, ["5"])
    assert "must be a number" in refused.text
    assert await world.contents() == before


async def test_last_months_purchases_are_replayed(world: World, ada: Browser) -> None:
    await buy(world, "M1", ("2026-02-07", "10"), ("2026-02-10", "10"))
    await buy(world, "M2", ("2026-02-10", "7"))
    forms = forms_of((await reviewed(ada)).source, "rules/review")
    replay = next(one for one in forms if "first_day" in one.fields)
    assert (replay.fields["first_day"], replay.fields["last_day"]) == (["2026-02-01"], ["2026-02-28"])
    before = await world.contents()
    shown = await ada.post("rules/review", replay.with_(do="replay"))
    assert "Given 27 With this change 37 Difference +10" in shown.text
    assert "3 transactions. 1 member would have more, 0 less, 1 the same." in shown.text
    assert await world.contents() == before
    backwards = await ada.post("rules/review", replay.with_(first_day="2026-03-01", do="replay"))
    assert (backwards.status, "lies before the first" in backwards.text) == (400, True)


async def test_a_draft_of_an_older_version_is_told_kindly_and_written_nowhere(world: World, ada: Browser) -> None:
    apply = forms_of((await reviewed(ada)).source, "rules/review")[-1]
    await apply_configuration(world.contexts[0], b"{version: 1, program: {park_days: 10}}")
    before = await world.contents()
    shown = await ada.post("rules/review", apply.with_(do="apply"))
    assert shown.status == 409
    assert "Somebody else changed the configuration" in shown.text
    assert "versions/compare?before=2&amp;after=3" in shown.source
    assert await world.contents() == before
    again = await ada.post("rules/review", forms_of(shown.source, "rules/review")[-1].with_(do="apply"))
    assert again.status == 303
    document = await document_of(world)
    assert (document["program"]["park_days"], len(document["rule_groups"][0]["rules"])) == (10, 2)


async def test_two_who_activate_at_once_do_not_both_succeed(world: World, ada: Browser) -> None:
    bob = await world.administrator(email="bob@shop.example")
    forms = []
    for one, name in ((ada, "A"), (bob, "B")):
        forms.append(forms_of((await reviewed(one, name=name)).source, "rules/review")[-1])
    ended = await asyncio.gather(
        ada.post("rules/review", forms[0].with_(do="apply")),
        bob.post("rules/review", {**forms[1].fields, "do": "apply"}),
    )
    assert sorted(one.status for one in ended) == [303, 409]
    assert len(await rules_of(world)) == 2


async def test_a_second_administrator_approves_where_the_program_wants_it(world: World, ada: Browser) -> None:
    await apply_configuration(world.contexts[0], b"{version: 1, program: {approvals: [configuration]}}")
    apply = forms_of((await reviewed(ada)).source, "rules/review")[-1]
    before = await world.contents()
    alone = await ada.post("rules/review", apply.with_(do="apply"))
    assert (alone.status, "1391" in alone.text) == (403, True)
    assert await world.contents() == before
    asked = await ada.post("rules/review", apply.with_(do="apply", reason="Spring"))
    assert asked.status == 303
    assert len(await rules_of(world)) == 1
    bob = await world.administrator(email="bob@shop.example")
    waiting = await bob.get("approvals")
    assert "Spring" in waiting.text
    [path] = set(re.findall(r"approvals/changes/[0-9]+", waiting.source))
    assert (await bob.post(path, {"what": "approve"})).status == 303
    assert len(await rules_of(world)) == 2


async def test_a_transaction_is_tried_under_the_rules_in_force(world: World, ada: Browser) -> None:
    form = form_of((await ada.get("rules/simulate")).source, "rules/simulate")
    before = await world.contents()
    shown = await ada.post("rules/simulate", form.with_(**{"s-amount": "12.4"}))
    assert ("Points 12" in shown.text, "Rounded: 12.4 to 12" in shown.text) == (True, True)
    unknown = await ada.post("rules/simulate", form.with_(**{"s-amount": "12", "s-member": "nobody"}))
    assert "It would be refused" in unknown.text
    assert await world.contents() == before


MADE_UP = (
    *("", "{", "[]", "7", "{}", '{"more": 1}', '{"section": 5, "name": "x"}', '{"section": "rules"}'),
    *('{"section": "version", "name": "x"}', '{"section": "version", "name": "99999999999999999999"}'),
    *(
        '{"section": "rules", "item": {}, "group": "Base"}',
        '{"section": "rules", "item": {"name": 5}, "group": "Base"}',
    ),
    *('{"section": "nothing", "item": {}}', '{"section": "rules", "item": {"name": "x"}, "group": "Nobody"}'),
    *('{"section": "rule_groups", "item": {"rules": 5}}', '{"section": "file", "item": {}}'),
    *('{"section": "rules", "name": "x", "group": "Base", "step": "up"}', '{"section": "segments", "name": "Nobody"}'),
    '{"section": "levels", "item": {"from": {}}}',
)


async def test_a_draft_that_somebody_made_up_is_refused(world: World, ada: Browser) -> None:
    before = await world.contents()
    for draft in MADE_UP:
        for do in ("", "apply", "try", "replay"):
            form = {"draft": draft, "do": do, "expected_version": "2", "s-amount": "1"}
            shown = await ada.post("rules/review", {**form, "first_day": "2026-01-01", "last_day": "2026-01-02"})
            assert shown.status == 400, (draft, do, shown.text)
    assert await world.contents() == before


async def test_what_a_draft_leaves_out_gives_nothing(world: World, ada: Browser) -> None:
    await buy(world, "M1", ("2026-02-07", "10"))
    back = await ada.post("versions/put-back", {"number": "1", "expected_version": "2"})
    carried = forms_of(back.source, "versions/review")[0]
    tried = await ada.post("versions/review", carried.with_(**{"s-amount": "20"}, do="try"))
    assert "In force now 20 points With this change 0 points Difference −20" in tried.text
    days = {"first_day": "2026-02-01", "last_day": "2026-02-28"}
    replayed = await ada.post("versions/review", carried.with_(**days, do="replay"))
    assert "Given 10 With this change 0 Difference −10" in replayed.text


EXAMPLES = b"""
version: 1
examples:
  - {name: A hundred, transaction: {amount: 100}, points: 100}
  - {name: A refund, transaction: {amount: 100, transaction_type: CR}, points: 0}
"""


async def test_a_rule_and_the_examples_that_it_breaks_change_together(world: World, ada: Browser) -> None:
    await apply_configuration(world.contexts[0], EXAMPLES)
    before = await world.contents()
    shown = await reviewed(ada, **{"when-0.0-attribute": "", "when-0.1.0-attribute": "", "when-0.1.1-attribute": ""})
    assert (shown.status, "1300" in shown.text) == (400, True)
    assert "1 example would give something else" in shown.text
    assert "A hundred 100 110" in shown.text
    assert "Activate" not in shown.text
    assert await world.contents() == before
    [accept] = forms_of(shown.source, "rules/review")
    accepted = await ada.post("rules/review", accept.fields)
    assert (accepted.status, "A hundred Points 100 110" in accepted.text) == (200, True)
    assert await world.contents() == before
    done = await ada.post("rules/review", forms_of(accepted.source, "rules/review")[-1].with_(do="apply"))
    assert done.status == 303
    document = await document_of(world)
    assert [str(one["points"]) for one in document["examples"]] == ["110", "0"]
    assert [one["name"] for one in document["rule_groups"][0]["rules"]] == ["One for one", "Weekends"]
    version = (await get_configuration(world.contexts[0])).version
    assert version == 4


async def test_a_button_that_breaks_an_example_shows_which(world: World, ada: Browser) -> None:
    await apply_configuration(world.contexts[0], EXAMPLES)
    before = await world.contents()
    pause = {"what": "pause", "name": "One for one", "group": "Base", "expected_version": "3"}
    shown = await ada.post("rules/change", pause)
    assert (shown.status, "A hundred 100 0" in shown.text) == (400, True)
    assert await world.contents() == before
