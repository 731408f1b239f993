"""The product as the state machine sees it: one database, a clock set by hand, and programs to play in."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from domain.access import Permission, Principal, PrincipalKind
from domain.crypto import KeyRing
from domain.store.database import PostgresDatabase, SqliteDatabase, open_database
from domain.store.program import ProgramCache
from resolvers.context import Context, Services

Result = TypeVar("Result")


class World:
    """A database with the services of a process, on an event loop of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, db: PostgresDatabase | SqliteDatabase, now: datetime) -> None:
        self.now = now
        self.loop = loop
        self.services = Services(
            db=db,
            clock=lambda: self.now,
            keys=KeyRing("a secret of 32 characters at least"),
            programs=ProgramCache(),
            environment="sandbox",
        )

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a use case to its end."""
        return self.loop.run_until_complete(work)

    def context(self, program_id: int | None = None) -> Context:
        """A caller that may do everything, in one program or in none yet."""
        principal = Principal(
            kind=PrincipalKind.SYSTEM,
            actor="state machine",
            program_id=program_id,
            permissions=frozenset(Permission),
        )
        return Context(services=self.services, principal=principal, source="test", request_id="test")


@contextmanager
def open_world(url: str, data_dir: Path, now: datetime) -> Iterator[World]:
    """Open a migrated database for as long as the context lasts."""
    loop = asyncio.new_event_loop()
    db = open_database(url, data_dir=data_dir, pool_size=4)
    try:
        yield World(loop, db, now)
    finally:
        loop.run_until_complete(db.close())
        loop.close()
