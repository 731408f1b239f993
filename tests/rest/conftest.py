"""One world for each module and database: tests use members of their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from rest_compat.envelope import Family
from tests.database import Dialect, FreshDatabase
from tests.rest.world import World, open_world
from tests.scale import long_run


@pytest_asyncio.fixture(scope="module")
async def world(fresh_database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A program on an empty database."""
    folder: Path = tmp_path_factory.mktemp("rest")
    with fresh_database() as url:
        async with open_world(url, folder) as opened:
            yield opened


@pytest.fixture(params=Family if long_run else [None], ids=lambda given: given or "its-family")
def family(request: pytest.FixtureRequest, dialect: Dialect) -> Family:
    """Both families are the same handlers: in the everyday run of a long walk each database takes one of them."""
    chosen: Family | None = request.param
    return chosen or {"sqlite": Family.V1, "postgresql": Family.LBMS}[dialect]
