"""Loading a population set-based: COPY on PostgreSQL, one database transaction on SQLite."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

import asyncpg
from sqlalchemy import Dialect, Table
from sqlalchemy.engine import URL, make_url

from bench.population import TABLES, Past, Population, Row
from domain.crypto import KeyRing

_PROGRAM = "SELECT id, config_version FROM program"

Converter = Callable[[Any], Any] | None


def load(url: str, secret: str, pasts: Iterable[Past]) -> None:
    """Load members with their past into the one program of a migrated database that has no members yet."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        _load_sqlite(parsed, secret, pasts)
    else:
        asyncio.run(_load_postgres(parsed, secret, pasts))


def _load_sqlite(url: URL, secret: str, pasts: Iterable[Past]) -> None:
    dialect = url.get_dialect()()
    with closing(sqlite3.connect(str(url.database), isolation_level=None)) as connection:
        # The rows refer to each other rightly, which the verification of every run proves again.
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("PRAGMA cache_size=-500000")
        program_id, version = connection.execute(_PROGRAM).fetchone()
        people = Population(program_id, version, KeyRing(secret))
        connection.execute("BEGIN IMMEDIATE")
        for portion in people.portions(pasts):
            for table in TABLES:
                columns = ", ".join(column.name for column in table.columns)
                places = ", ".join("?" for _ in table.columns)
                connection.executemany(
                    f"INSERT INTO {table.name} ({columns}) VALUES ({places})",  # noqa: S608 - our own names
                    _converted(table, portion[table.name], dialect),
                )
        connection.execute("COMMIT")
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def _load_postgres(url: URL, secret: str, pasts: Iterable[Past]) -> None:
    dialect = url.get_dialect()()
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(plain)
    try:
        # As above: no foreign key is asked for each of a million rows.
        await connection.execute("SET session_replication_role = replica")
        [(program_id, version)] = await connection.fetch(_PROGRAM)
        people = Population(program_id, version, KeyRing(secret))
        async with connection.transaction():
            for portion in people.portions(pasts):
                for table in TABLES:
                    await connection.copy_records_to_table(
                        table.name,
                        records=_converted(table, portion[table.name], dialect),
                        columns=[column.name for column in table.columns],
                    )
            await connection.execute("SELECT setval('tessera_id', $1)", people.entries + 1)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def _converted(table: Table, rows: Iterable[Row], dialect: Dialect) -> Iterator[Row]:
    """The rows as the driver wants them, by the types of the product's own columns."""
    converters: list[Converter] = [
        column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns
    ]
    changed = [(place, convert) for place, convert in enumerate(converters) if convert is not None]
    for row in rows:
        values = list(row)
        for place, convert in changed:
            values[place] = convert(values[place])
        yield tuple(values)
