"""The world that the tests of this folder play in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.graphql.world import Caller, World, open_world


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """An edge over an empty database with two programs."""
    async with open_world(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
async def server(world: World) -> Caller:
    """Our program's own server."""
    return await world.caller()
