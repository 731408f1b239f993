"""What makes a number count: the journal holds what was acknowledged, and the books agree."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Table, func, select

from bench.measure import RoundVoid
from bench.subject import Subject
from domain.models import account, ledger_entry, member, member_transaction
from domain.store.database import open_database
from domain.store.verification import check_accounts

Result = TypeVar("Result")

_SAMPLE = 500


_SOURCE = "rest"


def redemptions(subject: Subject) -> int:
    """How many redemptions that came over HTTP the journal holds."""
    return _count(subject, ledger_entry, ledger_entry.c.kind == "redemption", ledger_entry.c.source == _SOURCE)


def purchases(subject: Subject) -> int:
    """How many transactions that came over HTTP are stored."""
    return _count(subject, member_transaction, member_transaction.c.source == _SOURCE)


def _count(subject: Subject, table: Table, *conditions: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(table).where(*conditions)
    return asyncio.run(_read(subject, lambda tx: tx.scalar(query) or 0))


def prove_count(*, acknowledged: int, found: int, under_way: int) -> None:
    """Hold what clients were told against what is stored. Raises RoundVoid.

    When their time is over clients hang up, with a request under way that nobody acknowledged to them.
    """
    if not acknowledged <= found <= acknowledged + under_way:
        raise RoundVoid(f"{acknowledged} requests were acknowledged and {found} are stored")


def prove_books(subject: Subject, references: Sequence[str] = ()) -> None:
    """Recompute these members' accounts, or a sample of those that moved last. Raises RoundVoid."""

    def check(tx: Connection) -> list[str]:
        program_id = tx.scalar(select(account.c.program_id).limit(1)) or 0
        query = select(ledger_entry.c.account_id).where(ledger_entry.c.program_id == program_id)
        query = query.order_by(ledger_entry.c.id.desc()).limit(_SAMPLE)
        if references:
            joined = (account.c.program_id == member.c.program_id) & (account.c.member_id == member.c.id)
            query = select(account.c.id).join(member, joined).where(member.c.relation_reference.in_(references))
        ids = sorted(set(tx.scalars(query)))
        return [str(finding) for finding in check_accounts(tx, program_id, ids)] if ids else ["no account"]

    findings = asyncio.run(_read(subject, check))
    if findings:
        raise RoundVoid("the books do not agree: " + "; ".join(findings[:5]))


async def _read(subject: Subject, body: Callable[[Connection], Result]) -> Result:
    deployment = subject.deployment
    database = open_database(deployment.database_url, data_dir=deployment.data_dir, read_only=True)
    try:
        return await database.read(body)
    finally:
        await database.close()
