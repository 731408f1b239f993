"""What webhooks tell of events, read together for a page of them: postings, files, purchases."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, select

from domain.models import batch, ledger_entry, member_transaction

_REVERSED = ledger_entry.alias("reversed")


def postings_of(tx: Connection, program_id: int, ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Postings by id, each with the reference of the one that it takes back and the id of its purchase."""
    entry, purchase = ledger_entry.c, member_transaction.c
    query = (
        select(
            ledger_entry,
            _REVERSED.c.external_reference.label("reverses_reference"),
            purchase.transaction_id.label("purchase_id"),
        )
        .outerjoin(_REVERSED, and_(_REVERSED.c.program_id == entry.program_id, _REVERSED.c.id == entry.reverses_id))
        .outerjoin(
            member_transaction, and_(purchase.program_id == entry.program_id, purchase.id == entry.transaction_ref)
        )
        .where(entry.program_id == program_id, entry.id.in_(ids))
    )
    return {row.id: row for row in tx.execute(query)} if ids else {}


def files_of(tx: Connection, program_id: int, ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Files by id."""
    query = select(batch).where(batch.c.program_id == program_id, batch.c.id.in_(ids))
    return {row.id: row for row in tx.execute(query)} if ids else {}


def purchase_ids_of(tx: Connection, program_id: int, refs: Sequence[int]) -> dict[int, str]:
    """The transaction ids of purchases, by their rows."""
    columns = member_transaction.c
    query = select(columns.id, columns.transaction_id).where(columns.program_id == program_id, columns.id.in_(refs))
    return {row.id: row.transaction_id for row in tx.execute(query)} if refs else {}
