"""Versions and promotion at the portal: compared, put back, taken from one environment to another."""

import pytest
import yaml

from domain.access import system_principal
from resolvers.attribute_proposal import list_attribute_proposals
from resolvers.configuration import apply_configuration
from resolvers.context import Context
from resolvers.program import go_live, list_environment_programs
from tests.portal.form import form_of, forms_of
from tests.portal.rule import ODD_RULES, document_of
from tests.portal.world import Browser, World


async def test_versions_are_listed_compared_and_put_back(world: World, ada: Browser) -> None:
    first = await document_of(world)
    await apply_configuration(world.contexts[0], ODD_RULES)
    shown = await ada.get("versions")
    assert ("Version 3 in force" in shown.text, "Version 1" in shown.text) == (True, True)
    difference = await ada.get("versions/compare?before=2&after=3")
    assert "Rule groups Odd" in difference.text
    assert "1.5 % of amount as points" in difference.text
    assert "No difference" in (await ada.get("versions/compare?before=2&after=2")).text
    assert "name: One for one" in (await ada.get("versions/2")).source
    before = await world.contents()
    back = await ada.post("versions/put-back", {"number": "2", "expected_version": "3"})
    assert (back.status, "Restore version 2" in back.text, "removed" in back.text) == (200, True, True)
    assert await world.contents() == before
    done = await ada.post("versions/review", forms_of(back.source, "versions/review")[-1].with_(do="apply"))
    assert (done.status, done.target) == (303, "/portal/p/1/sandbox/versions")
    assert await document_of(world) == first
    assert "Version 4 in force" in (await ada.get("versions")).text


async def test_many_versions_are_paged(world: World, ada: Browser) -> None:
    for number in range(1, 30):
        await apply_configuration(world.contexts[0], b"{version: 1, program: {park_days: %d}}" % number)
    first = await ada.get("versions")
    assert ("versions?before=7" in first.source, "Version 7 " in first.text, "Version 6 " in first.text) == (
        True,
        True,
        False,
    )
    second = await ada.get("versions?before=7")
    assert ("Version 6 " in second.text, "Version 1 " in second.text, "Newest" in second.text) == (True, True, True)


@pytest.mark.parametrize(
    "path",
    ["versions/99", "versions/compare?before=1&after=99", "versions/compare?before=x&after=1", "versions?before=-1"],
)
async def test_versions_that_there_are_not_are_refused(ada: Browser, path: str) -> None:
    assert (await ada.get(path)).status == 400


async def test_a_version_that_no_longer_holds_is_not_put_back(world: World, ada: Browser) -> None:
    before = await world.contents()
    assert (await ada.post("versions/put-back", {"number": "99"})).status == 400
    shown = await ada.post("versions/review", {"draft": '{"section":"version","name":"99"}', "do": "apply"})
    assert (shown.status, forms_of(shown.source, "versions/review")) == (400, [])
    assert await world.contents() == before


async def test_the_file_that_is_taken_out_comes_back_in(world: World, ada: Browser) -> None:
    await apply_configuration(world.contexts[0], ODD_RULES)
    taken = await ada.get("promote/download")
    assert taken.headers["content-disposition"] == 'attachment; filename="program-1-sandbox-version-3.yaml"'
    assert yaml.safe_load(taken.source)["rule_groups"][1]["name"] == "Odd"
    bob = await world.administrator(email="bob@shop.example", program=2)
    bob.base = "/portal/p/2/sandbox"
    fields = form_of((await bob.get("promote")).source, "promote/file").fields
    before = await world.contents()
    shown = await bob.post(
        "promote/file", {**fields, "prune": "yes"}, files={"file": ("c.yaml", taken.source.encode())}
    )
    assert (shown.status, "Rule groups Odd" in shown.text) == (200, True), shown.text
    assert await world.contents() == before
    await bob.post("promote/review", forms_of(shown.source, "promote/review")[-1].with_(do="apply"))
    assert await document_of(world, 1) == await document_of(world)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"version: 1\nrule_groups: [{name: X}]", "rule_groups[0].rules: is missing"),
        (b"\xff\xfe", "not UTF-8"),
        (b"x" * (1024 * 1024 + 1), "larger than 1 MiB"),
        (b"a: [", "not readable as YAML or JSON"),
    ],
)
async def test_files_that_do_not_hold_are_refused(world: World, ada: Browser, body: bytes, told: str) -> None:
    before = await world.contents()
    shown = await ada.post("promote/file", {"expected_version": "2"}, files={"file": ("c.yaml", body)})
    assert (shown.status, told in shown.text) == (400, True), shown.text
    assert (await ada.post("promote/file", {"expected_version": "2"})).status == 400
    assert await world.contents() == before


async def test_sandbox_is_brought_to_live(world: World, ada: Browser) -> None:
    object.__setattr__(world.services, "environment", "production")
    await go_live(world.contexts[0])
    live = next(one for one in await list_environment_programs(world.services) if one.environment == "live")
    context = Context(
        services=world.services,
        principal=system_principal(live.id, live.public_id, "live", "test"),
        source="test",
        request_id="-",
    )
    await apply_configuration(context, b"{version: 1, program: {allowed_origins: ['https://live.example']}}")
    await apply_configuration(world.contexts[0], ODD_RULES)
    world.contexts.append(context)
    ada.base = "/portal/p/1/live"
    form = form_of((await ada.get("promote")).source, "promote/other")
    before = await world.contents()
    shown = await ada.post("promote/other", form.fields)
    assert (shown.status, "Rule groups Odd" in shown.text, "From sandbox" in shown.text) == (200, True, True)
    for changed in ({"environment": "nowhere"}, {"environment": "live"}):
        assert (await ada.post("promote/other", form.with_(**changed))).status == 400
    assert await world.contents() == before
    await ada.post("promote/review", forms_of(shown.source, "promote/review")[-1].with_(do="apply"))
    document = await document_of(world, len(world.contexts) - 1)
    assert document["rule_groups"] == (await document_of(world))["rule_groups"]
    assert document["program"]["allowed_origins"] == ["https://live.example"]


async def test_definitions_travel_as_files(world: World, ada: Browser) -> None:
    exported = await ada.get("attributes/export.csv")
    assert "transaction,quantity,Quantity,int" in exported.source
    assert (await ada.get("attributes/export.xml")).status == 400
    body = exported.source.encode() + b"member,size,Size,selection,false,false,false,S;M\r\n"
    before = await world.contents()
    shown = await ada.post("attributes/import", {"expected_version": "2"}, files={"file": ("a.csv", body)})
    assert (shown.status, "S; M" in shown.text) == (200, True), shown.text
    broken = await ada.post("attributes/import", {"expected_version": "2"}, files={"file": ("a.csv", b"key\nx")})
    assert (broken.status, "line 1" in broken.text) == (400, True)
    assert await world.contents() == before
    await ada.post("attributes/review", forms_of(shown.source, "attributes/review")[-1].with_(do="apply"))
    [_, size] = (await document_of(world))["member_attributes"]
    assert size["values"] == ["S", "M"]
    again = (await ada.get("attributes/export.json")).source.encode()
    shown = await ada.post("attributes/import", {"expected_version": "3"}, files={"file": ("a.json", again)})
    assert "Nothing changes" in shown.text


async def test_proposals_that_do_not_wait_are_refused(world: World, ada: Browser) -> None:
    before = await world.contents()
    for what in ("apply", "dismiss", "explode"):
        shown = await ada.post("attributes/proposals", {"what": what, "proposal": "7", "expected_version": "2"})
        assert shown.status in {400, 404}, shown.text
    assert await world.contents() == before
    assert await list_attribute_proposals(world.contexts[0], first=10) == []
