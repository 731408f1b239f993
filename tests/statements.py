"""What is asked of a database, by whichever way."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

from domain.store.bare import BARE, fetch
from domain.store.database import PostgresDatabase


@contextmanager
def noted() -> Iterator[list[tuple[str, Any]]]:
    """The statements that any engine runs meanwhile, or hands to the driver, with their values."""
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        # Only SQLite's driver says so by a statement.
        if statement != "BEGIN":
            statements.append((statement, values))

    def fetched(tx: Connection, statement: str, values: Sequence[Any]) -> Any:
        if tx.get_execution_options().get(BARE):
            statements.append((statement, tuple(values)))
        return fetch(tx, statement, values)

    async def asked(db: PostgresDatabase, statement: str, values: Sequence[Any]) -> Any:
        statements.append((statement, tuple(values)))
        return await ask(db, statement, values)

    ask = PostgresDatabase._fetch
    event.listen(Engine, "before_cursor_execute", note)
    try:
        with patch("domain.store.reading.fetch", fetched), patch.object(PostgresDatabase, "_fetch", asked):
            yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)
