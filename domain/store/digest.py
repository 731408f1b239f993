"""One digest over what a program's ledger says, to compare two runs, two databases or two channels."""

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import Connection, Row, and_, select

from domain.models import account, ledger_entry, member, member_transaction
from domain.points import plain_text


def ledger_digest(tx: Connection, program_id: int) -> str:
    """SHA-256 over the sorted postings, in hexadecimal."""
    return digest_of(ledger_lines(tx, program_id))


def digest_of(lines: Iterable[bytes]) -> str:
    """SHA-256 over what the ledger says, in hexadecimal."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line + b"\n")
    return digest.hexdigest()


def ledger_lines(tx: Connection, program_id: int) -> list[bytes]:
    """The postings, sorted, each as a JSON list: member, kind, points, date, expiry, key, key of what it reverses.

    Leaves out what two equal histories may differ in: ids, random references, processing times (also where a
    posting, as an upgrade bonus, is dated by it), sources and the hash chain.
    """
    rows = tx.execute(_postings(program_id)).all()
    keys = {row.id: _natural_key(row) for row in rows}
    return sorted(_line(row, keys) for row in rows)


def _postings(program_id: int) -> Any:
    of_program = ledger_entry.c.program_id
    return (
        select(
            ledger_entry.c.id,
            ledger_entry.c.kind,
            ledger_entry.c.points,
            ledger_entry.c.transaction_date,
            ledger_entry.c.processed_at,
            ledger_entry.c.expires_at,
            ledger_entry.c.reverses_id,
            ledger_entry.c.merchant,
            ledger_entry.c.amount,
            ledger_entry.c.loyalty_txn_type,
            member.c.relation_reference,
            member_transaction.c.transaction_id,
        )
        .join(account, and_(account.c.program_id == of_program, account.c.id == ledger_entry.c.account_id))
        .join(member, and_(member.c.program_id == of_program, member.c.id == account.c.member_id))
        .outerjoin(
            member_transaction,
            and_(
                member_transaction.c.program_id == of_program,
                member_transaction.c.id == ledger_entry.c.transaction_ref,
            ),
        )
        .where(of_program == program_id)
    )


def _natural_key(row: Row[Any]) -> list[Any]:
    """What a posting is called outside: the transaction behind it, or where and for what it was spent."""
    amount = None if row.amount is None else plain_text(row.amount)
    return [row.transaction_id, row.loyalty_txn_type, row.merchant, amount]


def _line(row: Row[Any], keys: dict[int, list[Any]]) -> bytes:
    return orjson.dumps(
        [
            row.relation_reference,
            row.kind,
            row.points,
            None if row.transaction_date == row.processed_at else row.transaction_date,
            row.expires_at,
            keys[row.id],
            keys.get(row.reverses_id),
        ]
    )
