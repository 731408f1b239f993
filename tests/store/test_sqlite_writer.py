"""The writer gives up waiting for a lock that nobody gives back, and goes on when it is free."""

import fcntl
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from domain.errors import ServiceUnavailable
from domain.store import sqlite_writer
from domain.store.sqlite_writer import SqliteWriter


def count(tx: Connection) -> int:
    return int(tx.execute(text("SELECT count(*) FROM program")).scalar_one())


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_lock_held_elsewhere_is_503_and_not_for_ever(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A shorter patience, so that the test does not take ten seconds.
    monkeypatch.setattr(sqlite_writer, "_LOCK_WAIT_S", 0.2)
    path = Path(make_url(database_url).database or "")
    writer = SqliteWriter(path)
    with path.with_name("write.lock").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ServiceUnavailable):
            await writer.submit(count)
    assert await writer.submit(count) == 0
    writer.close()


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_body_that_fails_takes_no_other_with_it(database_url: str) -> None:
    writer = SqliteWriter(Path(make_url(database_url).database or ""))
    insert = "INSERT INTO feed (program_id, last_seq) VALUES (1, 0)"

    def failing(tx: Connection) -> None:
        tx.execute(text(insert))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await writer.submit(failing)
    await writer.submit(lambda tx: tx.execute(text(insert)))
    assert await writer.submit(lambda tx: tx.execute(text("SELECT count(*) FROM feed")).scalar_one()) == 1
    writer.close()
