"""A partner's server that is OpenSSH: files are fetched, loaded and answered."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from ingestion import arrival
from ingestion.visit.visitor import visit_due
from resolvers.partner_server import list_partner_servers, request_visit, save_partner_server
from tests.database import migrated_sqlite, sqlite_url
from tests.ingestion.desk import MEMBERS, open_desk, points_of, transactions
from tests.ingestion.mailroom import Mailroom, Watch
from tests.ingestion.partner_host import Host, openssh_host

HERE = [ip_network("127.0.0.0/8")]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """OpenSSH's server with empty folders. Fails where there is none."""
    root = tmp_path / "partner" / "files"
    for folder in ("out/members", "out/purchases", "in", "done"):
        (root / folder).mkdir(parents=True)
    with openssh_host(root) as opened:
        yield opened


@pytest.fixture
async def mailroom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mailroom]:
    """The inbox of a program, which does not wait for files to be quiet."""
    monkeypatch.setattr(arrival, "QUIET_S", 0.0)
    watch = Watch()
    url = sqlite_url(migrated_sqlite(tmp_path / "database"))
    async with open_desk(url, tmp_path, watch) as opened:
        yield Mailroom(opened, watch)


async def test_files_are_fetched_loaded_and_answered(mailroom: Mailroom, host: Host) -> None:
    ctx = mailroom.desk.ctx
    host.put("out/members/July_CPD.csv", MEMBERS)
    host.put("out/purchases/July_TXN.csv", transactions(*(f"T{n},DR,1,2026-07-01,M1,MUSIC" for n in range(20_000))))
    await save_partner_server(ctx, replace(host.server, after_fetch="MOVE", moved_folder="done"), host.secret)
    outcomes = []
    for _ in range(3):
        await request_visit(ctx, "Bank")
        assert await visit_due(ctx.services, mailroom.desk.data_dir, HERE) == 1
        [known] = await list_partner_servers(ctx)
        outcomes.append(known.outcome)
        await mailroom.drain()
    assert outcomes == ["2 fetched, 0 brought", "0 fetched, 6 brought", "0 fetched, 0 brought"]
    assert await points_of(mailroom.desk) == {"M1": (20_000, 0)}
    assert host.names("done") == ["July_CPD.csv", "July_TXN.csv"]
    assert host.names("out/purchases") == []
    for name in host.names("in"):
        assert (host.root / "in" / name).read_bytes() == (mailroom.desk.handback / name).read_bytes()
    assert len(host.names("in")) == 6
