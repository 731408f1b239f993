"""Files at the portal: uploaded, followed, decided about; names and lines of theirs are text and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from ingestion.folder import program_folder
from ingestion.inbox import Inbox
from resolvers.batch import Batch, list_batches
from resolvers.configuration import apply_configuration
from tests.ingestion.mailroom import no_rest, yes
from tests.portal.world import Browser, World

MEMBERS = b"relation_reference,full_name,email_id\nM-1,Mo,mo@example.org\nM-2,<script>alert(1)</script>,bad\n"


async def _upload(
    browser: Browser, name: str = "new_CPD.csv", body: bytes = MEMBERS, type_: str = "CPD"
) -> tuple[int, str]:
    shown = await browser.post("files", {"type": type_}, files={"file": (name, body, "text/csv")})
    return shown.status, shown.text


@pytest.fixture
async def taken(world: World) -> tuple[Browser, Batch]:
    """A file of members that was uploaded and loaded, one of its lines rejected, and who uploaded it."""
    # Whether a file has been quiet is told by the machine's own clock.
    world.now = datetime.now(UTC)
    ada = await world.administrator()
    assert (await _upload(ada))[0] == 303
    await _take_all(world)
    [batch] = await list_batches(world.contexts[0])
    return ada, batch


async def test_a_file_is_taken_as_over_sftp(taken: tuple[Browser, Batch]) -> None:
    ada, batch = taken
    page = await ada.get(f"files/{batch.id}")
    assert "Accepted 1" in page.text
    assert "1 line" in page.text
    handback = await ada.get(f"files/{batch.id}/handback/rejects.csv")
    assert handback.headers["content-disposition"].startswith("attachment")
    assert "M-2" in handback.source
    assert (await ada.get(f"files/{batch.id}/handback/..%2f..%2fsecret.key")).status == 404
    assert "Finished" in (await ada.get("files?type=CPD&status=FINISHED")).text
    assert "No matching files" in (await ada.get("files?status=HELD")).text


async def test_lines_that_name_people_are_for_who_may_see_people(world: World, taken: tuple[Browser, Batch]) -> None:
    ada, batch = taken
    assert (await ada.post("roles", {"name": "files", "cell": ["Files:view"]})).status == 303
    fay = await world.administrator("files", email="fay@shop.example")
    page = await fay.get(f"files/{batch.id}")
    assert ("result.csv" in page.source, "rejects.csv" in page.source, "M-2" in page.source) == (True, False, False)
    assert (await fay.get(f"files/{batch.id}/handback/result.csv")).status == 200
    for name in ("rejects.csv", "parked.rejects.csv"):
        assert (await fay.get(f"files/{batch.id}/handback/{name}")).status == 403


FROM = b"program: {adjustment_approval_from: 100}"
PURCHASES = (
    b"transaction_id,transaction_type,transaction_date,member_relation_reference,amount\n1,DR,2026-01-02,M-1,10\n"
)


@pytest.mark.parametrize(
    ("name", "body", "terms"),
    [
        ("gift_BNS.csv", b"member_relation_reference,bonus_points\nM-1,5\n", FROM),
        ("day_TXN.csv", PURCHASES, FROM),
        ("new_CPD.csv", MEMBERS, b"program: {approvals: [member_status]}"),
    ],
)
async def test_a_file_by_hand_waits_for_somebody_else(world: World, name: str, body: bytes, terms: bytes) -> None:
    world.now = datetime.now(UTC)
    await apply_configuration(world.contexts[0], terms)
    ada = await world.administrator()
    form = {"email": "sock@x.example", "role": "program-admin"}
    sock = await world.through_link((await ada.post("administrators", form)).link_token, "sock@x.example")
    bob = await world.administrator(email="bob@shop.example")
    assert (await _upload(ada, name, body, name[-7:-4]))[0] == 303
    await _take_all(world)
    [batch] = await list_batches(world.contexts[0])
    assert (batch.status, batch.rows_read, batch.uploaded_by) == ("HELD", 0, ["admin:ada@shop.example"])
    assert "uploaded by hand" in (await ada.get(f"files/{batch.id}")).text
    before = await world.contents()
    for browser, code in ((ada, "403"), (sock, "1396")):
        shown = await browser.post(f"files/{batch.id}", {"what": "release"})
        assert (shown.status, code in shown.text) == (403, True), shown.text
    assert await world.contents() == before
    assert (await bob.post(f"files/{batch.id}", {"what": "release"})).status == 303
    await _take_all(world)
    [batch] = await list_batches(world.contexts[0])
    # Nobody has decided yet about lines that are rejected.
    assert (batch.status, batch.rows_read > 0, batch.released_at) == ("FINISHED", True, None)


async def test_whoever_tries_the_same_name_does_not_take_its_place(world: World) -> None:
    world.now = datetime.now(UTC)
    await apply_configuration(world.contexts[0], FROM)
    ada, bob = await world.administrator(), await world.administrator(email="bob@shop.example")
    assert (await _upload(ada, "day_TXN.csv", PURCHASES, "TXN"))[0] == 303
    assert (await _upload(bob, "day_TXN.csv", PURCHASES + b"2,DR,2026-01-02,M-1,9\n", "TXN"))[0] == 409
    await _take_all(world)
    [batch] = await list_batches(world.contexts[0])
    for browser in (ada, bob):
        assert (await browser.post(f"files/{batch.id}", {"what": "release"})).status == 403
    assert (await ada.post(f"files/{batch.id}", {"what": "discard"})).status == 303


async def test_a_file_of_a_partner_waits_for_nobody(world: World) -> None:
    world.now = datetime.now(UTC)
    await apply_configuration(world.contexts[0], FROM)
    folder = program_folder(world.settings.data_dir, world.contexts[0].principal)
    folder.make()
    (folder.upload("TXN") / "day_TXN.csv").write_bytes(PURCHASES)
    await _take_all(world)
    [batch] = await list_batches(world.contexts[0])
    assert (batch.status, batch.rows_read, batch.uploaded_by) == ("FINISHED", 1, ())


async def _take_all(world: World) -> None:
    # However slow the machine is: the file is quiet by then.
    world.now = max(world.now, datetime.now(UTC)) + timedelta(seconds=5)
    inbox = Inbox(world.contexts[0], program_folder(world.settings.data_dir, world.contexts[0].principal), yes, no_rest)
    await inbox.pick_up()
    while await inbox.load_next():
        pass


@pytest.mark.parametrize(
    ("name", "type_", "code"),
    [
        ("../../x_CPD.csv", "CPD", "1301"),
        ("<script>.csv", "CPD", "1301"),
        ("new_CPD.exe", "CPD", "1301"),
        ("new_CPD.csv", "XYZ", "1301"),
        ("", "CPD", "999"),
    ],
)
async def test_what_is_no_file_of_ours_is_refused(world: World, ada: Browser, name: str, type_: str, code: str) -> None:
    before = await world.contents()
    status, text = await _upload(ada, name, type_=type_)
    assert (status >= 400, code in text) == (True, True), text
    assert await world.contents() == before
    assert not [path for path in world.settings.data_dir.rglob("*.csv") if path.is_file()]


async def test_the_same_name_waits_once(world: World, ada: Browser) -> None:
    assert (await _upload(ada))[0] == 303
    status, text = await _upload(ada)
    assert (status, "waits already" in text) == (409, True)


async def test_a_file_that_is_too_large_is_refused(world: World, ada: Browser) -> None:
    status, text = await _upload(ada, body=b"x" * (10 * 2**20 + 1))
    assert (status, "413" in text) == (413, True)
    assert not [path for path in world.settings.data_dir.rglob("*.csv") if path.is_file()]


async def test_who_decides_about_a_held_file_sees_its_bad_lines_and_refused_files_stand_in_the_list(
    world: World,
) -> None:
    ctx = world.contexts[0]
    world.now = datetime.now(UTC)
    ada = await world.administrator()
    await apply_configuration(ctx, b"version: 1\nfiles: {reject_limit_percent: 10}\n")
    header = "transaction_id,transaction_type,amount,transaction_date,member_relation_reference,product_code\n"
    rows = "T1,DR,1,2026-07-01,M-1,MUSIC\nT2,DR,much,2026-07-01,M-1,MUSIC\n"
    for name, body in (("day_TXN.csv", header + rows), ("bad_TXN.csv", "colour\nred\n")):
        assert (await _upload(ada, name, body.encode(), "TXN"))[0] == 303
    world.later(seconds=5)
    inbox = Inbox(ctx, program_folder(world.settings.data_dir, ctx.principal), yes, no_rest)
    await inbox.pick_up()
    while await inbox.load_next():
        pass
    held, refused = sorted(await list_batches(ctx), key=lambda one: one.status)
    page = await ada.get(f"files/{held.id}")
    assert "1 line of 2 cannot be accepted" in page.text
    assert "amount: must be a number" in page.text
    assert "rejects.csv" in page.source
    listed = await ada.get("files")
    assert "unknown columns: colour" in listed.text
    assert "bad_TXN.csv" in (await ada.get("files?status=REFUSED")).text
    assert "day_TXN.csv" not in (await ada.get("files?status=REFUSED")).text
    assert "Nothing of it was processed" in (await ada.get(f"files/{refused.id}")).text
    assert (await ada.post(f"files/{held.id}", {"what": "discard"})).status == 303
    while await inbox.load_next():
        pass
    assert (await _upload(ada, "day_TXN.csv", (header + rows).encode(), "TXN"))[0] == 303
