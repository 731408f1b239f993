"""The demo program: built once, kept, gone on with, described in demo.json."""

import asyncio
import shutil
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.rules.examples import run_examples
from domain.rules.parse import parse_file
from domain.store.digest import ledger_digest
from resolvers.batch_lane import Lanes
from resolvers.catalog import find_catalog_item, list_catalog
from resolvers.context import Context
from resolvers.order import PlaceOrder, place_order
from resolvers.order_record import get_order_code
from resolvers.program import list_programs
from resolvers.sftp_access import enter_by_password
from resolvers.token import IssueToken, issue_token
from tessera.demo import PROGRAM_NAME, DemoSummary, build_demo
from tessera.demo_catalog import CODES, PIECES
from tessera.demo_data import demo_rules, read_purchases, shifted, write_transactions
from tessera.locking import CommandRefused
from tessera.runtime import Runtime, deployment_context, find_program, open_runtime, program_context
from tessera.settings import Settings

Built = tuple[Path, DemoSummary, str]


@asynccontextmanager
async def runtime_in(folder: Path, sqlite_template: Path, **settings: Any) -> AsyncIterator[Runtime]:
    """The services of a process whose data folder is this one."""
    database = folder / "tessera.db"
    if not await asyncio.to_thread(database.exists):
        await asyncio.to_thread(shutil.copyfile, sqlite_template, database)
    async with open_runtime(Settings(data_dir=folder, **settings)) as runtime:
        yield runtime


@pytest.fixture(scope="module")
async def built(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The data folder of a demo, its summary, and the digest of its ledger."""
    folder = tmp_path_factory.mktemp("built")
    async with runtime_in(folder, sqlite_template, host="::", port=9123) as runtime:
        summary = await build_demo(runtime, reset=False)
        return folder, summary, await digest(runtime, summary.program_id)


@pytest.fixture
def folder(built: Built, tmp_path: Path) -> Path:
    """A data folder of one's own with the demo in it."""
    copy = tmp_path / "data"
    shutil.copytree(built[0], copy)
    return copy


async def digest(runtime: Runtime, program_id: int) -> str:
    """The digest of a program's ledger."""
    program = await find_program(runtime, program_id)
    return await runtime.services.db.read(lambda tx: ledger_digest(tx, program.id))


async def test_the_document_says_everything_that_is_needed(built: Built, folder: Path, sqlite_template: Path) -> None:
    document = orjson.loads((folder / "demo.json").read_bytes())
    assert document.keys() == {
        "base_url",
        "program_id",
        "client_id",
        "client_secret",
        "publishable_key",
        "sftp",
        "portal",
        "members",
        "otp_outbox",
        "year_shift",
    }
    assert document["base_url"] == "http://[::1]:9123"
    assert document["portal"]["url"] == "http://[::1]:9123/portal"
    assert document["portal"]["setup_url"].startswith("http://[::1]:9123/portal/link/tpl_")
    sftp = document["sftp"]
    assert (sftp["host"], sftp["port"]) == ("::1", 2222)
    assert document["program_id"] == built[1].program_id
    assert stat.S_IMODE(built[1].document.stat().st_mode) == 0o600
    request = IssueToken(
        grant_type="client_credentials",
        client_id=document["client_id"],
        client_secret=document["client_secret"],
    )
    async with runtime_in(folder, sqlite_template) as runtime:
        assert (await issue_token(runtime.services, request)).token
        entered = await enter_by_password(runtime.services, sftp["username"], sftp["password"], "127.0.0.1")
        assert entered.principal.public_program_id == document["program_id"]


async def test_a_second_run_keeps_data_and_credentials(built: Built, folder: Path, sqlite_template: Path) -> None:
    _, first, before = built
    async with runtime_in(folder, sqlite_template, port=9124) as runtime:
        second = await build_demo(runtime, reset=False)
        assert (first.was_built, second.was_built) == (True, False)
        assert second.points == first.points > 0
        secrets = ("program_id", "client_id", "client_secret", "publishable_key", "members", "year_shift")
        assert [second.details[key] for key in secrets] == [first.details[key] for key in secrets]
        assert second.details["base_url"] == "http://127.0.0.1:9124"
        assert await digest(runtime, first.program_id) == before
        assert len(await list_programs(deployment_context(runtime))) == 1


async def test_members_of_the_demo_have_something_to_order(built: Built, folder: Path, sqlite_template: Path) -> None:
    async with runtime_in(folder, sqlite_template) as runtime:
        ctx = program_context(runtime, await find_program(runtime, built[1].program_id))
        stock = {one.item.code: one.stock for one in (await list_catalog(ctx, first=10)).offers}
        assert stock == {"RECORD": CODES, "CHOIR": None, "TURNTABLE": PIECES}
        spender = [one for one in built[1].details["members"] if await may_order(ctx, one, "RECORD")][0]
        order = await place_order(ctx, PlaceOrder(relation_reference=spender, item="RECORD", points=Decimal(75)))
        assert (await get_order_code(ctx, order.id) or "").startswith("RECORD")


async def may_order(ctx: Context, reference: str, item: str) -> bool:
    """Whether a member can order an item now."""
    offer = await find_catalog_item(ctx, item, reference)
    return offer is not None and offer.member is not None and offer.member.refusal is None


async def test_a_build_that_broke_off_goes_on(
    built: Built, tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, post = 0, Lanes.post

    async def breaking(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        # Within the member file, then within the transactions.
        if calls in {2, 9}:
            raise ConnectionError("the machine went away")
        return await post(*given)

    monkeypatch.setattr(Lanes, "post", breaking)
    async with runtime_in(tmp_path, sqlite_template) as runtime:
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await build_demo(runtime, reset=False)
        summary = await build_demo(runtime, reset=False)
        assert summary.was_built
        assert await digest(runtime, summary.program_id) == built[2]


async def test_a_lost_document_is_made_anew_with_new_credentials(
    built: Built, folder: Path, sqlite_template: Path
) -> None:
    (folder / "demo.json").write_text("{")
    async with runtime_in(folder, sqlite_template) as runtime:
        again = await build_demo(runtime, reset=False)
        assert again.program_id == built[1].program_id
        assert again.details["client_secret"] != built[1].details["client_secret"]
        assert not again.was_built


async def test_a_reset_starts_a_new_program_and_leaves_the_old_ledger(
    built: Built, folder: Path, sqlite_template: Path
) -> None:
    _, first, before = built
    async with runtime_in(folder, sqlite_template) as runtime:
        second = await build_demo(runtime, reset=True)
        assert second.program_id != first.program_id
        assert second.was_built
        assert await digest(runtime, second.program_id) == before == await digest(runtime, first.program_id)
        names = [program.name for program in await list_programs(deployment_context(runtime))]
        assert names == [PROGRAM_NAME] * 2
        # The document says which of the two it is.
        assert (await build_demo(runtime, reset=False)).program_id == second.program_id
        await asyncio.to_thread((folder / "demo.json").write_bytes, orjson.dumps(dict(first.details)))
        assert (await build_demo(runtime, reset=False)).program_id == first.program_id


async def test_production_takes_no_demo_data(tmp_path: Path, sqlite_template: Path) -> None:
    async with runtime_in(tmp_path, sqlite_template, env="production", secret_key="s" * 40) as runtime:
        with pytest.raises(CommandRefused, match="production"):
            await build_demo(runtime, reset=False)
        assert await list_programs(deployment_context(runtime)) == []
    assert not (tmp_path / "demo.json").exists()


def test_the_rules_pass_their_own_examples() -> None:
    results = run_examples(parse_file(demo_rules()))
    assert len(results) == 10
    assert all(result.passed for result in results), results


def test_the_data_set_is_read_whole() -> None:
    purchases = read_purchases()
    assert len(purchases) == 6919
    assert (purchases[0].reference, purchases[0].bought_on, purchases[0].quantity, purchases[0].amount) == (
        "CDNOW-0001",
        date(1997, 1, 1),
        2,
        "29.33",
    )
    assert sum(purchase.amount == "0.00" for purchase in purchases) == 8


@pytest.mark.parametrize(
    ("day", "years", "moved"),
    [
        (date(1996, 2, 29), 1, date(1997, 2, 28)),
        (date(1996, 2, 29), 4, date(2000, 2, 29)),
        (date(1998, 6, 30), 28, date(2026, 6, 30)),
    ],
)
def test_a_leap_day_moves_to_the_last_of_february(day: date, years: int, moved: date) -> None:
    assert shifted(day, years) == moved


def test_a_transaction_is_named_by_its_line(tmp_path: Path) -> None:
    rows = write_transactions(tmp_path, read_purchases(), 28).read_text().splitlines()
    assert rows[1] == "1,DR,2025-01-01,CDNOW-0001,MUSIC,CD,29.33,2"
    assert rows[-1] == "6919,DR,2025-03-25,CDNOW-2357,MUSIC,CD,25.74,2"
