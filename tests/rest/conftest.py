"""One world for each module and database: tests use members of their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.database import FreshDatabase
from tests.rest.world import World, open_world


@pytest_asyncio.fixture(scope="module")
async def world(fresh_database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A program on an empty database."""
    folder: Path = tmp_path_factory.mktemp("rest")
    with fresh_database() as url:
        async with open_world(url, folder) as opened:
            yield opened
