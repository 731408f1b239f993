"""Deployments to run commands in."""

import gc
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.shell.command import Deployment, new_deployment


@pytest.fixture
def deployment(tmp_path: Path, database_url: str) -> Deployment:
    """A deployment on an empty, migrated database of each kind."""
    return new_deployment(tmp_path, TESSERA_DATABASE_URL=database_url)


@pytest.fixture
def empty_deployment(tmp_path: Path) -> Deployment:
    """A deployment in which nothing was ever started: the embedded database does not exist."""
    return new_deployment(tmp_path)


@pytest.fixture(autouse=True)
def _unchanged_process() -> Iterator[None]:
    """Take back what starting the product does to its process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    gc.unfreeze()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
