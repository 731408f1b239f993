"""A server on each database."""

from collections.abc import AsyncIterator

import pytest

from tests.ingestion.desk import Desk
from tests.ingestion.sftp.site import Site, served


@pytest.fixture
async def site(desk: Desk) -> AsyncIterator[Site]:
    """A server with one login."""
    async with served(desk) as made:
        yield made
