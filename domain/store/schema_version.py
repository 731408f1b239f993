"""Which migrations the database has had, without loading Alembic: every start and probe asks."""

import re
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, Table, Text, inspect, select

_VERSIONS = Path(__file__).parent.parent / "migrations" / "versions"
_FILE = re.compile(r"(\d{4})_\w+\.py")

# Alembic's own table, which is not among the models.
_alembic_version = Table("alembic_version", MetaData(), Column("version_num", Text))


def stored_revision(tx: Connection) -> str | None:
    """The revision that the database stands at; None without a schema."""
    if not inspect(tx).has_table(_alembic_version.name):
        return None
    return tx.scalar(select(_alembic_version.c.version_num))


def has_tables(tx: Connection) -> bool:
    """Whether the database holds any table, ours or not."""
    return bool(inspect(tx).get_table_names())


def packaged_revisions() -> tuple[str, ...]:
    """The revisions in this package, oldest first: their files are named by them."""
    matches = (_FILE.fullmatch(file.name) for file in _VERSIONS.iterdir())
    return tuple(sorted(match[1] for match in matches if match))
