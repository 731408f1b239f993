"""The metadata that all tables share, and the columns that every table starts with."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, MetaData

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ONLY_ON = "only_on"
"""What a constraint says of itself where it is of one dialect alone."""

PROVED = {ONLY_ON: "sqlite"}
"""What a foreign key says of itself that PostgreSQL leaves to verification."""


def program_key() -> Column[int]:
    """The partition a row belongs to: first in every primary key, so that tables shard by program."""
    return Column("program_id", BigInteger, primary_key=True, autoincrement=False)


def row_key() -> Column[int]:
    """The row's own 64-bit id, given by `domain.store.ids.allocate_ids`."""
    return Column("id", BigInteger, primary_key=True, autoincrement=False)


def proved_key(column: str, parent: str) -> ForeignKeyConstraint:
    """A foreign key that SQLite checks; on PostgreSQL it is `tessera ledger verify` that does (docs/adr/0026)."""
    its = [f"{parent}.program_id", f"{parent}.id"]
    return ForeignKeyConstraint(["program_id", column], its, info=PROVED)
