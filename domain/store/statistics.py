"""What PostgreSQL knows of how its tables are filled: plans for empty tables read all of them when they are full."""

from sqlalchemy import Connection

from domain.models import (
    account,
    batch_row,
    idempotency,
    ledger_entry,
    lot,
    lot_trace,
    member,
    member_tier,
    member_transaction,
    outbox,
    sub_relation,
    tally,
)

_GROWING = (
    *(member, account, sub_relation, member_tier, tally, member_transaction, ledger_entry, lot, lot_trace),
    *(outbox, idempotency, batch_row),
)


def refresh_statistics(tx: Connection) -> None:
    """Let the server look at the tables that files fill. It does so by itself as well, but not within a minute."""
    if tx.dialect.name == "postgresql":
        # Tables that it is at already, or that are another role's, are left out.
        tx.exec_driver_sql(f"ANALYZE (SKIP_LOCKED) {', '.join(table.name for table in _GROWING)}")
