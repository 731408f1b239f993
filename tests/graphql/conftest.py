"""The world that the tests of this folder play in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.database import CopiesOf, FreshDatabase
from tests.graphql.world import Caller, Founding, World, found, open_world


@pytest_asyncio.fixture(scope="session")
async def founded(
    fresh_database: FreshDatabase, copies_of: CopiesOf, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[FreshDatabase, Founding]]:
    """Databases with two programs, which are made once for all tests."""
    with fresh_database() as url:
        founding = await found(url, tmp_path_factory.mktemp("founding"))
        yield copies_of(url), founding


@pytest.fixture
async def world(founded: tuple[FreshDatabase, Founding], tmp_path: Path) -> AsyncIterator[World]:
    """An edge over a database with two programs."""
    copies, founding = founded
    with copies() as url:
        async with open_world(url, tmp_path, founding) as opened:
            yield opened


@pytest.fixture
async def server(world: World) -> Caller:
    """Our program's own server."""
    return await world.caller()
