"""PostgreSQL no longer looks up what is written with its parent, or under its parent's lock (docs/adr/0026).

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_KEYS = (
    ("account", "member_id", "member"),
    ("member_transaction", "member_id", "member"),
    ("ledger_entry", "account_id", "account"),
    ("lot", "account_id", "account"),
    ("lot", "entry_id", "ledger_entry"),
    ("lot_trace", "entry_id", "ledger_entry"),
    ("lot_trace", "lot_id", "lot"),
    ("tally", "member_id", "member"),
    ("batch_row", "batch_id", "batch"),
)
"""Table, column, parent. SQLite keeps them: it would have to write each table anew to lose one."""
_FED = sa.text("feed_seq IS NOT NULL")


def upgrade() -> None:
    """Drop the keys, and leave events that have no number yet out of the index of numbers."""
    # The index first: to make it takes longest, and the keys lock the tables of the ledger.
    _index_numbers(_FED)
    if op.get_bind().dialect.name == "postgresql":
        for table, column, _ in _KEYS:
            op.drop_constraint(_name(table, column), table, type_="foreignkey")


def downgrade() -> None:
    """Make them again, for rows that come from now on: one that has lost its parent meanwhile must not stop this."""
    _index_numbers(None)
    if op.get_bind().dialect.name == "postgresql":
        for table, column, parent in _KEYS:
            own = ["program_id", column]
            its = ["program_id", "id"]
            op.create_foreign_key(_name(table, column), table, parent, own, its, postgresql_not_valid=True)


def _name(table: str, column: str) -> str:
    return op.f(f"fk_{table}_program_id_{column}")


def _index_numbers(where: sa.TextClause | None) -> None:
    name, columns = "uq_outbox_feed_seq", ["program_id", "feed_seq"]
    op.drop_index(name, table_name="outbox")
    op.create_index(name, "outbox", columns, unique=True, sqlite_where=where, postgresql_where=where)
