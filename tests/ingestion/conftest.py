"""A desk on each database, and the mail that comes to one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ingestion import arrival
from tests.ingestion.desk import Desk, open_desk
from tests.ingestion.mailroom import Mailroom, Watch


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """A program that files can be loaded into."""
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
async def mailroom(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mailroom]:
    """The inbox of a program, which does not wait for files to be quiet."""
    monkeypatch.setattr(arrival, "QUIET_S", 0.0)
    watch = Watch()
    async with open_desk(database_url, tmp_path, watch) as opened:
        yield Mailroom(opened, watch)
