"""Settings at the portal: each part of the terms by form, reviewed and put in force; nothing unseen is lost."""

from typing import Any

import pytest

from resolvers.configuration import apply_configuration, get_configuration
from tessera.portal.configuring.schema_form import object_schema
from tessera.portal.configuring.section import PARTS
from tests.portal.form import form_of, forms_of
from tests.portal.rule import ODD_RULES, document_of
from tests.portal.world import Browser, World

EVERYTHING = b"""
version: 1
program:
  currency: USD
  redemption_rate: "12.5"
  allowed_origins: ["https://shop.example", "http://localhost:5173"]
  redemption_types: {50: books}
  approvals: [member_status]
  rate_limit_per_second: 10
  accrue_cancelled: true
  adjustment_approval_from: "99"
expiry: {policy: inactivity, months: 18, period_end: quarter}
referrals: {enabled: true, reward_on: first_transaction, referrer_points: 10, max_per_referrer: 3}
fraud:
  earning:
    - {product_code: MUSIC, max_points: 500}
    - {max_transactions: 3, per: month, action: hold_excess, max_points: 9}
  redemption: {max_per_day: 4}
files:
  delimiter: pipe
  reject_limit_percent: "2.5"
  exports: [{kind: members, every: hourly, at: "00:30", gzip: true}, {kind: lots, since_last: false}]
"""


async def _put_in_force(ada: Browser, path: str, area: str = "settings", **changed: Any) -> None:
    form = form_of((await ada.get(path)).source, path)
    shown = await ada.post(path, form.with_(**changed))
    assert (shown.status, "None of this is active yet" in shown.text) == (200, True), shown.text
    done = await ada.post(f"{area}/review", forms_of(shown.source, f"{area}/review")[-1].with_(do="apply"))
    assert (done.status, done.target) == (303, f"/portal/p/1/sandbox/{area}")


@pytest.mark.parametrize("part", [one.key for one in PARTS])
async def test_a_part_that_nobody_touches_changes_nothing(world: World, ada: Browser, part: str) -> None:
    await apply_configuration(world.contexts[0], EVERYTHING)
    before = await world.contents()
    path = f"settings/part/{part}"
    shown = await ada.post(path, form_of((await ada.get(path)).source, path).fields)
    assert (shown.status, "Nothing changes" in shown.text) == (200, True), shown.text
    assert forms_of(shown.source, "settings/review") == []
    assert await world.contents() == before


async def test_the_parts_are_told_in_words(world: World, ada: Browser) -> None:
    await apply_configuration(world.contexts[0], EVERYTHING)
    shown = await ada.get("settings")
    assert "end of the quarter that is 18 months after the last purchase that earned some" in shown.text
    for said in ("12.5", "https://shop.example", "member_status", "pipe"):
        assert said in shown.text


async def test_terms_are_changed_by_form(world: World, ada: Browser) -> None:
    before = await document_of(world)
    changed = {"currency": "GBP", "redemption_rate": "33.5", "accrual_cap_per_month": "900"}
    await _put_in_force(ada, "settings/part/points", **changed)
    program = (await document_of(world))["program"]
    expected = {"currency": "GBP", "redemption_rate": "33.5", "accrual_cap_per_month": 900}
    assert program == {**before["program"], **expected}
    await _put_in_force(ada, "settings/part/points", accrual_cap_per_month="")
    assert (await document_of(world))["program"]["accrual_cap_per_month"] is None


async def test_expiry_takes_only_what_its_policy_has(world: World, ada: Browser) -> None:
    await _put_in_force(ada, "settings/part/expiry", policy="fixed_date", months="12", date="2027-01-31")
    expiry = (await document_of(world))["expiry"]
    assert (expiry["policy"], expiry["months"], expiry["date"]) == ("fixed_date", None, "2027-01-31")
    await _put_in_force(ada, "settings/part/expiry", policy="none")
    assert (await document_of(world))["expiry"]["date"] is None


async def test_rows_are_added_changed_and_removed(world: World, ada: Browser) -> None:
    await apply_configuration(world.contexts[0], EVERYTHING)
    changed = {
        "earning[0].remove": "yes",
        "earning[1].max_transactions": "5",
        "earning[2].product_code": "MUSIC",
        "earning[2].max_points": "77",
    }
    await _put_in_force(ada, "settings/part/thresholds", **changed)
    first, second = (await document_of(world))["fraud"]["earning"]
    assert (first["max_transactions"], first["action"], first["max_points"]) == (5, "hold_excess", 9)
    assert (second["product_code"], second["max_points"], second["per"]) == ("MUSIC", 77, "day")
    more = {"exports[2].kind": "postings", "exports[2].at": "04:00"}
    await _put_in_force(ada, "settings/part/files", **more)
    assert [one["kind"] for one in (await document_of(world))["files"]["exports"]][:2] == ["members", "lots"]


@pytest.mark.parametrize(
    ("part", "changed", "field"),
    [
        ("points", {"currency": "euro"}, "currency"),
        ("points", {"redemption_rate": "0"}, "redemption_rate"),
        ("points", {"time_zone": "Mars/Base"}, "time_zone"),
        ("points", {"points_decimals": "7"}, "points_decimals"),
        ("expiry", {"policy": "months", "months": ""}, "months"),
        ("expiry", {"policy": "fixed_date", "date": "2020-01-01"}, "date"),
        ("access", {"allowed_origins": "nowhere"}, "allowed_origins"),
        ("redemption", {"redemption_types": "1: mine"}, "redemption_types"),
        ("thresholds", {"earning[0].max_points": "many"}, "earning[0].max_points"),
        ("files", {"reject_limit_percent": "200"}, "reject_limit_percent"),
    ],
)
async def test_faults_stand_at_their_fields(
    world: World, ada: Browser, part: str, changed: dict[str, str], field: str
) -> None:
    before = await world.contents()
    path = f"settings/part/{part}"
    shown = await ada.post(path, form_of((await ada.get(path)).source, path).with_(**changed))
    assert (shown.status, f'id="{field}-error"' in shown.source) == (400, True), shown.text
    form = form_of(shown.source, path)
    assert {key: form.fields[key] for key in changed} == {key: [value] for key, value in changed.items()}
    assert await world.contents() == before


async def test_messages_and_examples_are_items(world: World, ada: Browser) -> None:
    fields = {"name": "Code", "event": "OTP", "channel": "sms", "body": "Your code\r\nis {code}"}
    await _put_in_force(ada, "settings/message", **fields, do="review")
    [message] = (await document_of(world))["messages"]
    assert (message["body"], message["channel"], message["language"]) == ("Your code\nis {code}", "sms", None)
    text = "name: Ten\ntransaction: {amount: 10}\npoints: 10"
    await _put_in_force(ada, "settings/example", text=text, do="review")
    assert "Ten" in (await ada.get("settings/examples")).text
    before = await world.contents()
    form = form_of((await ada.get("settings/part/points")).source, "settings/part/points")
    assert form.fields["currency"] == ["EUR"]
    rule = form_of((await ada.get("rules/edit?group=Base&rule=One%20for%20one")).source, "rules/edit")
    shown = await ada.post("rules/edit", rule.with_(points="2", do="review"))
    assert (shown.status, "1 example would give something else" in shown.text and "Ten 10 20" in shown.text) == (
        400,
        True,
    )
    assert await world.contents() == before


async def test_who_may_not_configure_sees_the_settings_and_changes_none(world: World, ada: Browser) -> None:
    eve = await world.administrator("customer-executive", email="eve@shop.example")
    before = await world.contents()
    for part in PARTS:
        assert (await eve.post(f"settings/part/{part.key}", {"currency": "USD"})).status == 403
        assert (await eve.get(f"settings/part/{part.key}")).status == 403
    shown = await eve.get("settings")
    assert (shown.status, "settings/part" in shown.source) == (200, False)
    assert await world.contents() == before


async def test_an_unknown_part_is_refused(world: World, ada: Browser) -> None:
    await apply_configuration(world.contexts[0], ODD_RULES)
    before = await world.contents()
    assert (await ada.get("settings/part/nothing")).status == 400
    assert (await ada.post("settings/part/nothing", {"currency": "USD"})).status == 400
    assert await world.contents() == before
    assert (await get_configuration(world.contexts[0])).version == 3


def test_every_term_of_a_program_stands_on_some_form() -> None:
    for section in ("program", "expiry", "referrals", "files", "fraud"):
        known = {path.partition(".")[0] for one in PARTS if one.section == section for path in one.fields}
        known |= {one.rows.key for one in PARTS if one.section == section and one.rows is not None}
        # Of the rounding there is one kind only.
        assert set(object_schema(section)["properties"]) - {"rounding"} == known
