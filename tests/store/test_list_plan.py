"""Lists of what may be many are read by an index, in its order, however few of the many are meant."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, insert, select, text

from domain.clock import NEVER
from domain.crypto import KeyRing
from domain.models import account, audit_entry, ledger_entry, lot, lot_trace, member, member_transaction, program
from domain.store import audit
from domain.store.asking import answer
from domain.store.balance import expiry_dates
from domain.store.database import open_database
from domain.store.entry_page import Narrowing as EntryNarrowing
from domain.store.entry_page import count_narrowed, entries_of_transactions, page_entries
from domain.store.lot_page import page_open_lots, pending_dates
from domain.store.member_page import Narrowing, count_members, page_members
from domain.store.overview import sum_moved
from domain.store.transaction import Narrowing as TransactionNarrowing
from domain.store.transaction import newest_transaction, page_transactions
from tests.statements import noted

NOW = datetime(2026, 2, 3, tzinfo=UTC)
KEYS = KeyRing("a secret of the tests that protects nothing")
MANY = 3000
PLACE = (NOW, 7)


def _members(only: Narrowing, **given: Any) -> Callable[[Connection], object]:
    asked: dict[str, Any] = {"first": 20, "order": "enrolment", "descending": False, "after": PLACE} | given
    return lambda tx: page_members(tx, KEYS, 1, only=only, **asked)


READS: dict[str, tuple[Callable[[Connection], object], str]] = {
    "members by enrolment": (_members(Narrowing()), "ix_member_enrolled"),
    "the latest members": (_members(Narrowing(), descending=True), "ix_member_enrolled"),
    "members of some days": (_members(Narrowing(start=NOW, end=NOW + timedelta(days=1))), "ix_member_enrolled"),
    "members by status": (_members(Narrowing(statuses={2, 4})), "ix_member_status"),
    "members by tier": (_members(Narrowing(tier="Gold")), "ix_member_tier"),
    "members by reference": (
        _members(Narrowing(), order="reference", after=("M", 7)),
        "uq_member_program_id_relation_reference",
    ),
    "members by the beginning of it": (
        _members(Narrowing(prefix="M-00"), order="reference", after=("M-001", 7)),
        "uq_member_program_id_relation_reference",
    ),
    "members by e-mail": (_members(Narrowing(email_hash=b"x"), after=None), "uq_member_program_id_email_hash"),
    "how many of a status": (lambda tx: count_members(tx, 1, Narrowing(statuses={2})), "ix_member_status"),
    "how many of a tier": (lambda tx: count_members(tx, 1, Narrowing(tier="Gold")), "ix_member_tier"),
    "a ledger": (
        lambda tx: answer(
            tx,
            page_entries(
                1, [7], first=20, older_than=PLACE, only=EntryNarrowing(kinds={"earn"}, start=NOW - timedelta(days=9))
            ),
        ),
        "ix_ledger_entry_statement",
    ),
    "how long a ledger is": (
        lambda tx: count_narrowed(tx, 1, [7], EntryNarrowing(buckets={"spend"})),
        "ix_ledger_entry_statement",
    ),
    "postings of purchases": (lambda tx: entries_of_transactions(tx, 1, [7, 8]), "ix_ledger_entry_transaction"),
    "transactions": (
        lambda tx: page_transactions(
            tx, 1, [7], first=20, before_id=99, only=TransactionNarrowing(statuses={"POSTED"}, start=NOW)
        ),
        "ix_member_transaction_member",
    ),
    "a transaction": (
        lambda tx: newest_transaction(tx, 1, "T-1", "DR", None),
        "ix_member_transaction_reference",
    ),
    "lots": (
        lambda tx: page_open_lots(tx, 1, [7], now=NOW, first=20, after=(NOW, NOW, 7)),
        "ix_lot_fifo",
    ),
    "what expires": (lambda tx: expiry_dates(tx, 1, [7], NOW, NEVER, NOW), "ix_lot_account"),
    "what moved between members": (lambda tx: sum_moved(tx, 1), "ix_ledger_entry_moved"),
    "pending points": (lambda tx: pending_dates(tx, 1, [7], NOW), "ix_lot_fifo"),
    "the trail of a member": (
        lambda tx: audit.page_entries(tx, 1, audit.AuditFilter(subject="member:7"), first=20, before_seq=2000),
        "ix_audit_entry_subject",
    ),
    "the trail of one who was merged": (
        lambda tx: audit.page_about(tx, 1, ["member:7", "member:9"], first=20, before_seq=None),
        "ix_audit_entry_subject",
    ),
}

IN_ORDER = {
    "members by enrolment",
    "the latest members",
    "members of some days",
    "members by tier",
    "members by reference",
    "members by the beginning of it",
    "the trail of a member",
}


def _fill(tx: Connection) -> None:
    """A program with many members, few of whom are of a status or a tier that is not everybody's."""
    tx.execute(
        insert(program).values(
            id=1,
            public_id=1,
            environment="sandbox",
            name="Large",
            config_version=1,
            credential_generation=0,
            created_at=NOW,
        )
    )
    rows: list[dict[str, Any]] = [
        {
            "program_id": 1,
            "id": one,
            "relation_reference": f"M-{one:05}",
            "status": 2 if one % 500 == 0 else 1,
            "accrual_allowed": True,
            "data_key": b"",
            "profile": b"",
            "attributes": {},
            "enrolled_at": NOW + timedelta(minutes=one),
            "version": 1,
            "tier": "Gold" if one % 500 == 0 else "Silver",
        }
        for one in range(1, MANY + 1)
    ]
    tx.execute(insert(member), rows)
    figures = dict.fromkeys(("version", "available", "spend", "bonus", "redeemed", "expired"), 0)
    ends = {"next_expiry": NEVER, "next_release": NEVER, "head_hash": b""}
    tx.execute(
        insert(account),
        [
            {"program_id": 1, "id": one, "member_id": one, "currency": "DEFAULT"} | figures | ends
            for one in range(1, MANY + 1)
        ],
    )


def _fill_ledger(tx: Connection) -> None:
    """Thirty purchases, postings, lots and changes of each of a hundred members; every tenth lot is open."""
    for table, row in (
        (member_transaction, _purchase), (ledger_entry, _posting), (lot, _lot), (lot_trace, _trace),
        (audit_entry, _change),
    ):  # fmt: skip
        tx.execute(insert(table), [{"program_id": 1} | row(one) for one in range(1, MANY + 1)])


def _of(one: int) -> int:
    return 1 + one % 100


def _at(one: int) -> datetime:
    return NOW + timedelta(hours=one)


def _purchase(one: int) -> dict[str, Any]:
    return {
        "id": one,
        "member_id": _of(one),
        "transaction_id": f"T-{one}",
        "type": "DR",
        "amount": Decimal(10),
        "transaction_date": _at(one),
        "attributes": {},
        "points": 10,
        "config_version": 1,
        "source": "test",
        "actor": "test",
        "processed_at": _at(one),
    }


def _posting(one: int) -> dict[str, Any]:
    return {
        "id": one,
        "account_id": _of(one),
        "seq": one,
        "kind": "earn",
        "contra": "program",
        "bucket": "spend" if one % 2 else "bonus",
        "points": 10,
        "balance_after": 10,
        "loyalty_txn_type": 1,
        "external_reference": uuid4(),
        "transaction_date": _at(one),
        "processed_at": _at(one),
        "config_version": 1,
        "source": "test",
        "actor": "test",
        "transaction_ref": one,
        "hash": b"",
    }


def _lot(one: int) -> dict[str, Any]:
    left = 0 if one % 10 else 10
    return {
        "id": one,
        "account_id": _of(one),
        "entry_id": one,
        "points": 10,
        "remaining": left,
        "is_open": left > 0,
        "earned_at": _at(one),
        "expires_at": _at(one) + timedelta(days=365),
        "available_at": _at(one),
    }


def _trace(one: int) -> dict[str, Any]:
    return {"entry_id": one, "lot_id": one, "points": 10, "expires_at": _at(one) + timedelta(days=365)}


def _change(one: int) -> dict[str, Any]:
    told = {"actor": "test", "action": "member.update", "subject": f"member:{_of(one)}"}
    return {"seq": one, "at": _at(one), "previous_hash": b"", "hash": b""} | told


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_lists_are_read_by_their_index(database_url: str, tmp_path: Path) -> None:
    db = open_database(database_url, data_dir=tmp_path, pool_size=2)
    try:
        await db.write(_fill)
        await db.write(_fill_ledger)
        await db.write(lambda tx: tx.execute(text("ANALYZE")))
        for name, (body, index) in READS.items():
            plan = await _plan_of(db, body)
            assert index in plan, f"{name}\n{plan}"
            assert "Seq Scan" not in plan, (name, plan)
            # What is ordered by the index stops early; what is sorted was read whole.
            if name in IN_ORDER:
                assert "Sort" not in plan, (name, plan)
        assert await db.read(lambda tx: tx.scalar(select(member.c.id).limit(1))) is not None
    finally:
        await db.close()


async def _plan_of(db: Any, body: Callable[[Connection], object]) -> str:
    with noted() as statements:
        await db.read(body)
    ((statement, parameters),) = [one for one in statements if "FROM" in one[0]]

    def explain(tx: Connection) -> str:
        rows = tx.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        return "\n".join(row[0] for row in rows)

    return re.sub(r"\s+\(cost[^)]*\)", "", await db.read(explain))
