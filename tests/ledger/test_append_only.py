"""What was written is never changed: the database itself refuses, whoever asks."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from tests.database import Dialect, FreshDatabase
from tests.ledger.operation import Earn
from tests.ledger.program import Program
from tests.ledger.terms import Terms
from tests.ledger.world import World, open_world

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
TERMS = Terms(policy="extend", zone="UTC", months=1, period_end="day", decimals=0, bonus_days=3, start=START)
CHANGES = {
    "ledger_entry": "UPDATE ledger_entry SET points = points + 1",
    "lot_trace": "UPDATE lot_trace SET points = points + 1",
    "audit_entry": "UPDATE audit_entry SET actor = 'nobody'",
}


def rows(world: World, table: str) -> list[tuple[Any, ...]]:
    def read(tx: Connection) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in tx.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2, 3"))]  # noqa: S608

    return world.run(world.services.db.read(read))


def change(world: World, statement: str) -> None:
    world.run(world.services.db.write(lambda tx: tx.execute(text(statement))))


@pytest.mark.parametrize("table", CHANGES)
def test_the_database_refuses_to_change_what_was_written(
    table: str, dialect: Dialect, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    statements = [CHANGES[table], f"DELETE FROM {table}"]  # noqa: S608 - the names above
    if dialect == "sqlite":
        statements.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")  # noqa: S608
    else:
        statements.append(f"TRUNCATE {table} CASCADE")
    with fresh_database() as url, open_world(url, tmp_path, START) as world:
        program = Program.create(world, TERMS, ["ANNA"])
        world.run(program.perform(Earn("ANNA", "purchase", 10, True, START), {}))
        before = rows(world, table)
        assert before
        for statement in statements:
            with pytest.raises(DBAPIError, match=f"{table} is append-only"):
                change(world, statement)
        assert rows(world, table) == before
