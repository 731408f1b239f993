"""A worker that is killed between any two of its steps: the next one ends in the same state."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ingestion import arrival
from ingestion import inbox as inbox_module
from ingestion import load as load_module
from resolvers.batch_lane import Lanes
from resolvers.program import apply_configuration
from tests.database import FreshDatabase
from tests.ingestion.desk import MEMBERS, open_desk, points_of, transactions
from tests.ingestion.mailroom import Mailroom, Watch

ROWS = [f"T{n},DR,{n},2026-07-01,M{n % 20 + 1},{'MUSIC' if n % 5 else 'MUSIK'}" for n in range(1, 21)]

STEPS: list[tuple[Any, str]] = [
    (inbox_module, "take"),
    (inbox_module, "inspect"),
    (inbox_module, "open_batch"),
    (inbox_module, "keep_for_batch"),
    (load_module, "open_batch"),
    (load_module, "check_batch"),
    (Lanes, "post"),
    (load_module, "finish_batch"),
    (load_module, "write_handback"),
    (load_module, "forget_refusals"),
    (inbox_module, "put_away"),
]


class Killed(BaseException):
    """The process ended here."""


def killing(step: Callable[..., Any], call: int, *, after: bool) -> Callable[..., Any]:
    """The step, of which one call does not come to its end: it was not begun, or nobody learned its outcome."""
    calls = 0

    def is_over(done: bool) -> bool:
        nonlocal calls
        calls += not done
        return calls == call and done is after

    def sync(*given: Any, **named: Any) -> Any:
        if is_over(False):
            raise Killed
        result = step(*given, **named)
        if is_over(True):
            raise Killed
        return result

    async def awaited(*given: Any, **named: Any) -> Any:
        if is_over(False):
            raise Killed
        result = await step(*given, **named)
        if is_over(True):
            raise Killed
        return result

    return awaited if asyncio.iscoroutinefunction(step) else sync


def send_all(mailroom: Mailroom) -> None:
    """Two files to load, and one that was seen."""
    mailroom.send("July_CPD.csv", MEMBERS)
    mailroom.send("July_TXN.csv", transactions(*ROWS))
    mailroom.send("July_TXN.csv.sha256", "f" * 64, "CPD")
    mailroom.send("Wrong_CPD.csv", MEMBERS, "TXN")


async def outcome(mailroom: Mailroom) -> dict[str, Any]:
    """All that came of the files, but for what is random or of the clock."""
    desk, own = mailroom.desk, {"batch_id": 0, "started_at": "", "finished_at": ""}
    stems = ("July_CPD", "July_TXN")
    return {
        "files": (mailroom.left, mailroom.processed, mailroom.handbacks),
        "ledger": (await desk.digest(), await points_of(desk)),
        "results": [[row | {"external_reference": ""} for row in desk.results(stem)] for stem in stems],
        "rejects": [desk.rejects(stem) for stem in stems],
        "sums": [desk.summary(stem) | own for stem in stems],
    }


@asynccontextmanager
async def filled_mailroom(url: str, folder: Path) -> AsyncIterator[Mailroom]:
    """A mailroom in which all files wait, to be loaded in small parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrival, "QUIET_S", 0.0)
        patch.setattr(load_module, "CHUNK_ROWS", 5)
        watch = Watch()
        async with open_desk(url, folder, watch) as desk:
            await apply_configuration(desk.ctx, b"version: 1\nfiles: {reject_limit_percent: 99}\n")
            mailroom = Mailroom(desk, watch)
            send_all(mailroom)
            yield mailroom


@pytest_asyncio.fixture(scope="module")
async def undisturbed(fresh_database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What comes of the files where nobody is killed: the same for every step."""
    with fresh_database() as url:
        async with filled_mailroom(url, tmp_path_factory.mktemp("undisturbed")) as mailroom:
            await mailroom.drain()
            return await outcome(mailroom)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize(
    ("module", "name"), STEPS, ids=[f"{m.__name__.removeprefix('ingestion.')}-{n}" for m, n in STEPS]
)
async def test_a_worker_that_is_killed_between_two_steps_is_gone_on_from(
    undisturbed: dict[str, Any], database_url: str, tmp_path: Path, module: Any, name: str, call: int, after: bool
) -> None:
    async with filled_mailroom(database_url, tmp_path) as mailroom:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, name, killing(getattr(module, name), call, after=after))
            try:
                await mailroom.drain()
            except Killed:
                pass
            else:
                # There is no such call.
                assert call > 1
        await mailroom.drain()
        assert await outcome(mailroom) == undisturbed
