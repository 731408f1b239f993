"""The audit trail: found, checked, taken away; what was changed behind its back shows."""

from sqlalchemy import Connection, text

from resolvers.member import EnrollMember, enroll_member
from resolvers.watch import ACCOUNTS_AT_ONCE, digest_days, verify_some
from tests.portal.world import Browser, World


async def test_entries_are_filtered_and_paged(world: World, ada: Browser) -> None:
    page = (await ada.get("audit")).text
    assert "configuration.apply" in page
    assert "credential.create" in page
    only = (await ada.get("audit?action=credential.create")).text
    assert "configuration:2" not in only
    assert "Nothing fits" in (await ada.get("audit?actor=nobody")).text
    assert "Nothing fits" in (await ada.get("audit?until=2020-01-01")).text
    wrong = await ada.get("audit?since=yesterday")
    assert (wrong.status, "998" in wrong.text) == (400, True)


async def test_as_a_file_nothing_in_it_is_run(world: World, ada: Browser) -> None:
    await ada.post("credentials/reset", {}, **{"user-agent": "=cmd()"})
    shown = await ada.get("audit.csv?action=credential.reset")
    assert shown.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    head, line = shown.source.splitlines()
    assert head == "seq,at,actor,action,subject,before,after,address,browser"
    assert line.endswith(",'=cmd()")


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
