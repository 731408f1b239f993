"""The audit trail: found, checked, taken away; what was changed behind its back shows."""

import csv
import re

import pytest
from sqlalchemy import Connection, select, text, update

from domain.models import audit_entry, program_config
from domain.store.audit import record
from resolvers.configuration import apply_configuration
from resolvers.member import EnrollMember, enroll_member
from resolvers.watch import ACCOUNTS_AT_ONCE, digest_days, verify_some
from tests.portal.world import Browser, World


async def test_entries_are_filtered_and_paged(world: World, ada: Browser) -> None:
    page = (await ada.get("audit")).text
    assert "configuration.apply" in page
    assert "credential.create" in page
    only = (await ada.get("audit?action=credential.create")).text
    assert "configuration:2" not in only
    assert "No matching entries" in (await ada.get("audit?actor=nobody")).text
    assert "No matching entries" in (await ada.get("audit?until=2020-01-01")).text
    wrong = await ada.get("audit?since=yesterday")
    assert (wrong.status, "998" in wrong.text) == (400, True)


async def test_as_a_file_nothing_in_it_is_run(world: World, ada: Browser) -> None:
    await ada.post("credentials/reset", {}, **{"user-agent": "=cmd()"})
    shown = await ada.get("audit.csv?action=credential.reset")
    assert shown.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    head, line = shown.source.splitlines()
    assert head == "seq,at,actor,action,subject,before,after,version_before,version_after,address,browser"
    assert line.endswith(",'=cmd()")
    [applied] = csv.DictReader((await ada.get("audit.csv?action=configuration.apply")).source.splitlines())
    assert (applied["version_before"], applied["version_after"]) == ("1", "2")


async def _entry(world: World, action: str) -> int:
    query = select(audit_entry.c.seq).where(audit_entry.c.program_id == 1, audit_entry.c.action == action)
    rows = await world.services.db.read(lambda tx: tx.execute(query.order_by(audit_entry.c.seq)).all())
    return int(rows[-1].seq)


async def test_a_change_of_the_configuration_is_shown_value_by_value(world: World, ada: Browser) -> None:
    await apply_configuration(world.contexts[0], b"{version: 1, program: {park_days: 11}}")
    number = await _entry(world, "configuration.apply")
    assert f"audit/{number}" in (await ada.get("audit")).source
    shown = await ada.get(f"audit/{number}")
    assert "From version 2 to 3 Both versions are as the trail has sealed them." in shown.text
    assert re.search(r"changed Program Park days \d+ 11 ", shown.text)
    assert "versions/2" in shown.source

    def forge(tx: Connection) -> None:
        of = (program_config.c.program_id == 1) & (program_config.c.version == 2)
        row = tx.execute(select(program_config.c.document).where(of)).one()
        tx.execute(update(program_config).where(of).values(document={**row.document, "campaigns": []} | {"files": {}}))

    await world.services.db.write(forge)
    assert "somebody changed it in the database" in (await ada.get(f"audit/{number}")).text


async def test_any_entry_is_shown_with_before_and_after(world: World, ada: Browser) -> None:
    before = (await ada.get("credentials")).source
    await ada.post("credentials/reset", {})
    shown = await ada.get(f"audit/{await _entry(world, 'credential.reset')}")
    assert "changed Generation 1 2" in shown.text
    assert world.credentials[0].client_id in before
    assert world.credentials[0].client_id in shown.text
    assert (await ada.get("audit/99999")).status == 400
    owner = await world.administrator(email="root@shop.example", program=None)
    assert (await owner.get("/portal/audit/1")).status == 200


async def test_an_entry_that_leaves_something_out_fails_its_test(world: World) -> None:
    def write(tx: Connection) -> None:
        record(tx, 1, now=world.now, actor="test", action="catalog.stock", subject="-", after={"quantity": 1})

    with pytest.raises(AssertionError, match=r"catalog\.stock does not say what was before"):
        await world.services.db.write(write)


async def test_the_chain_holds_until_somebody_changes_an_entry(world: World, ada: Browser) -> None:
    await ada.post("audit/check")
    assert "The chain holds" in (await ada.get("audit")).text

    def forge(tx: Connection) -> None:
        for trigger in ("audit_entry_no_update", "audit_entry_append_only"):
            drop = f"DROP TRIGGER {trigger}" + (" ON audit_entry" if tx.dialect.name == "postgresql" else "")
            tx.execute(text(drop.replace("TRIGGER ", "TRIGGER IF EXISTS ", 1)))
        tx.execute(text("UPDATE audit_entry SET actor = 'nobody' WHERE program_id = 1 AND seq = 2"))

    await world.services.db.write(forge)
    await ada.post("audit/check")
    assert "The chain is broken at entry 2" in (await ada.get("audit")).text


async def test_the_books_are_shown_beside_it(world: World, ada: Browser) -> None:
    assert "The first are due within minutes" in (await ada.get("audit")).text
    await enroll_member(world.contexts[0], EnrollMember(values={"relation_reference": "M-1"}))
    world.later(days=1)
    await digest_days(world.services)
    for _ in range(2):
        await verify_some(world.services, accounts_per_minute=ACCOUNTS_AT_ONCE)
        world.later(minutes=1)
    page = await (await world.administrator(email="bob@shop.example")).get("audit")
    assert "Last whole check" in page.text
    assert "0 findings" in page.text
    assert "2026-03-01" in page.text
    owner = await world.administrator(email="root@shop.example", program=None)
    assert "The books" not in (await owner.get("/portal/audit")).text


async def test_sign_ins_stand_in_the_trail_of_the_deployment(world: World, ada: Browser) -> None:
    assert (await ada.get("/portal/audit")).status == 403
    owner = await world.administrator(email="root@shop.example", program=None)
    page = (await owner.get("/portal/audit")).text
    assert "administrator.second-factor" in page
    assert "192.0.2.7" in page
