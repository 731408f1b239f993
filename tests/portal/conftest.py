"""The world that the tests of the portal play in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.portal.world import Browser, World, open_world


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """The portal over a database with two programs."""
    async with open_world(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
async def ada(world: World) -> Browser:
    """A browser in which the administrator of program 1 is signed in."""
    return await world.administrator()
