"""A desk on each database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.ingestion.desk import Desk, open_desk


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """A program that files can be loaded into."""
    async with open_desk(database_url, tmp_path) as opened:
        yield opened
