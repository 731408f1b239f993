"""What makes a number count: the journal holds what was acknowledged, and the books agree."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, func, select

from bench.measure import RoundVoid
from bench.subject import Subject
from domain.models import account, ledger_entry, member
from domain.store.database import open_database
from domain.store.verification import check_accounts

Result = TypeVar("Result")

_SAMPLE = 500


def redemptions(subject: Subject, source: str) -> int:
    """How many redemptions from this source the journal holds."""

    def count(tx: Connection) -> int:
        query = select(func.count()).where(ledger_entry.c.kind == "redemption", ledger_entry.c.source == source)
        return tx.scalar(query) or 0

    return asyncio.run(_read(subject, count))


def prove_count(*, acknowledged: int, found: int, under_way: int) -> None:
    """Hold what clients were told against what is stored. Raises RoundVoid.

    When their time is over clients hang up, with a redemption under way that nobody acknowledged to them.
    """
    if not acknowledged <= found <= acknowledged + under_way:
        raise RoundVoid(f"{acknowledged} redemptions were acknowledged and {found} are in the journal")


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
