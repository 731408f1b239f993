"""Loads that break off, come twice at once, or left no handback."""

import asyncio
from typing import Any

import pytest

from domain.errors import BatchRefused
from ingestion import load as load_module
from ingestion.load import Progress
from resolvers.batch import list_batches
from resolvers.batch_lane import Lanes
from tests.ingestion.desk import MEMBERS, Desk, points_of, transactions


async def test_a_load_that_broke_off_goes_on_where_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_module, "CHUNK_ROWS", 3)
    await desk.load("July_CPD.csv", MEMBERS)
    content = transactions(*(f"T{n},DR,{n},2026-07-01,M{n},{'MUSIC' if n % 5 else 'MUSIK'}" for n in range(1, 21)))
    calls, post = 0, Lanes.post

    async def breaking(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise ConnectionError("the machine went away")
        return await post(*given)

    monkeypatch.setattr(Lanes, "post", breaking)
    with pytest.raises(ConnectionError):
        await desk.load("July_TXN.csv", content)
    [batch, _] = await list_batches(desk.ctx)
    assert (batch.status, batch.rows_read, batch.accepted, batch.rejected) == ("RUNNING", 9, 8, 1)
    assert not (desk.handback / "July_TXN.summary.json").exists()

    seen: list[Progress] = []
    loaded = await desk.load("July_TXN.csv", content, progress=seen.append)
    assert (loaded.batch.id, loaded.batch.rows_read, loaded.batch.rejected) == (batch.id, 20, 4)
    assert [progress.rows for progress in seen] == [12, 15, 18, 20]
    assert seen[-1].bytes_read == seen[-1].bytes_total == len(content)
    assert len(desk.results("July_TXN")) == 20
    assert await points_of(desk) == {f"M{n}": (n, 0) for n in range(1, 21) if n % 5}


async def test_a_handback_that_is_missing_is_written_by_the_next_run(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    content = transactions("T1,DR,1,2026-07-01,M1,MUSIC", "T2,DR,x,2026-07-01,M1,MUSIC")
    first = await desk.load("July_TXN.csv", content)
    before = {path.name: path.read_bytes() for path in desk.handback.iterdir()}
    counts = await desk.counts()
    for suffix in ("result.csv", "rejects.csv", "summary.json"):
        (desk.handback / f"July_TXN.{suffix}").unlink()
    again = await desk.load("July_TXN.csv", content)
    assert again == first
    assert {path.name: path.read_bytes() for path in desk.handback.iterdir()} == before
    assert await desk.counts() == counts


async def test_two_loaders_of_one_file_post_each_line_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_module, "CHUNK_ROWS", 7)
    await desk.load("July_CPD.csv", MEMBERS)
    rows = [f"T{n},DR,{n},2026-07-01,M{n % 20 + 1},{'MUSIC' if n % 11 else 'MUSIK'}" for n in range(1, 301)]
    path = desk.put("July_TXN.csv", transactions(*rows))
    load = [load_module.load_file(desk.ctx, path, data_dir=desk.data_dir) for _ in range(4)]
    loaded = await asyncio.gather(*load, return_exceptions=True)
    # Whoever comes when all is done is told so; whoever was under way ends with the same figures.
    assert all(isinstance(one, load_module.BatchSummary | BatchRefused) for one in loaded), loaded
    done = {one.batch for one in loaded if isinstance(one, load_module.BatchSummary)}
    assert len(done) == 1
    batch = done.pop()
    assert (batch.rows_read, batch.accepted, batch.rejected) == (300, 273, 27)
    assert batch.points == sum(n for n in range(1, 301) if n % 11)
    assert sum(spend for spend, _ in (await points_of(desk)).values()) == batch.points
    assert [row["line"] for row in desk.results("July_TXN")] == [str(n) for n in range(2, 302)]
