"""A row that is written whether or not it was there, by one statement: on both databases alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(tx: Connection, table: Table, values: Mapping[str, Any], replaced: Sequence[str]) -> Row[Any]:
    """Write a row, of one that is there the columns named in `replaced`; the row as it is now, locked."""
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table).values(**values)
    changed = {name: statement.excluded[name] for name in replaced}
    return tx.execute(
        statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed).returning(table)
    ).one()
