"""Many rows at once and many reads at once: the same on both databases, whatever the types."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Table, bindparam, event, insert, select
from sqlalchemy.exc import IntegrityError

from domain.models import audit_entry, batch, batch_row, idempotency, outbox, program, sub_relation
from domain.store.among import among
from domain.store.bulk import Bulk
from domain.store.database import PostgresDatabase, SqliteDatabase, open_database
from domain.store.ids import Ids
from domain.store.reading import Reading, read_together

AT = datetime(2026, 3, 29, 1, 30, 0, 5, tzinfo=UTC)
KEY = {"program_id": 1, "use_case": "test", "fingerprint": bytes(range(32)), "created_at": AT, "expires_at": AT}
ROWS = [KEY | {"key": f"K{number}", "outcome": f'{{"n":"{number}é"}}'} for number in range(3)]
BY = ("program_id", "use_case", "key")


@pytest.fixture
async def db(database_url: str, tmp_path: Path) -> AsyncIterator[SqliteDatabase | PostgresDatabase]:
    opened = open_database(database_url, data_dir=tmp_path)
    values = {"id": 1, "public_id": 1, "environment": "sandbox", "name": "P", "config_version": 1, "created_at": AT}
    await opened.write(lambda tx: tx.execute(insert(program), values | {"credential_generation": 0}))
    yield opened
    await opened.close()


def outcomes(tx: Connection) -> dict[str, str]:
    return {row.key: row.outcome for row in tx.execute(select(idempotency))}


async def test_new_rows_changed_rows_and_both_go_together(db: SqliteDatabase | PostgresDatabase) -> None:
    def body(tx: Connection) -> list[dict[str, str]]:
        bulk = Bulk(tx)
        bulk.insert(idempotency, ROWS)
        bulk.store()
        first = outcomes(tx)
        bulk.update(idempotency, BY, [one | {"outcome": "changed"} for one in ROWS[:1]])
        bulk.upsert(idempotency, BY, [one | {"outcome": "put"} for one in (ROWS[1], ROWS[2] | {"key": "K3"})])
        bulk.insert(outbox, [])
        bulk.store()
        bulk.store()
        return [first, outcomes(tx)]

    first, second = await db.write(body)
    assert first == {one["key"]: one["outcome"] for one in ROWS}
    assert second == {"K0": "changed", "K1": "put", "K2": ROWS[2]["outcome"], "K3": "put"}
    stored = await db.read(lambda tx: tx.execute(select(idempotency).where(idempotency.c.key == "K0")).one())
    assert (stored.fingerprint, stored.created_at) == (KEY["fingerprint"], AT)


async def test_a_row_that_is_there_already_undoes_all_of_them(db: SqliteDatabase | PostgresDatabase) -> None:
    def body(tx: Connection) -> None:
        bulk = Bulk(tx)
        bulk.insert(idempotency, ROWS)
        bulk.store()
        bulk.insert(outbox, [{"program_id": 1, "id": 1, "topic": "t", "payload": "{}", "created_at": AT}])
        bulk.insert(idempotency, ROWS[2:])
        bulk.store()

    with pytest.raises(IntegrityError):
        await db.write(body)
    assert await db.read(outcomes) == {}
    assert await db.read(lambda tx: tx.execute(select(outbox)).all()) == []


async def test_reads_that_go_together_find_what_each_finds_alone(db: SqliteDatabase | PostgresDatabase) -> None:
    keys = select(idempotency.c.key, idempotency.c.fingerprint, idempotency.c.created_at).where(
        idempotency.c.program_id == bindparam("program_id"), among(idempotency.c.key, "keys")
    )
    none = select(sub_relation.c.expiry_date, sub_relation.c.type).where(among(sub_relation.c.expiry_date, "days"))
    statements: list[str] = []

    def body(tx: Connection) -> list[list[tuple[object, ...]]]:
        bulk = Bulk(tx)
        bulk.insert(idempotency, ROWS)
        bulk.store()
        event.listen(tx, "before_cursor_execute", lambda *told: statements.append(told[2]))
        return read_together(
            tx,
            Reading(
                keys.order_by(idempotency.c.key.desc()),
                {"program_id": 1, "keys": ["K0", "K2", "K7"]},
                lambda rows: [tuple(row) for row in rows],
            ),
            Reading(none, {"days": [date(2026, 1, 1)]}, lambda rows: [tuple(row) for row in rows]),
        )

    assert await db.write(body) == [[("K2", bytes(range(32)), AT), ("K0", bytes(range(32)), AT)], []]
    assert len(statements) == (1 if db.dialect == "postgresql" else 2)


async def test_a_list_of_any_length_is_found_by_the_index(db: SqliteDatabase | PostgresDatabase) -> None:
    query = select(idempotency.c.key).where(
        idempotency.c.program_id == 1, idempotency.c.use_case == "test", among(idempotency.c.key, "keys")
    )
    texts: list[str] = []

    def body(tx: Connection) -> list[str]:
        event.listen(tx, "before_cursor_execute", lambda *told: texts.append(told[2]))
        for length in (1, 2, 30):
            tx.execute(query, {"keys": [f"K{number}" for number in range(length)]}).all()
        if db.dialect == "postgresql":
            return []
        return [row[3] for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {texts[1]}", (1, "test", "K0", "K1"))]

    plan = await db.read(body)
    if db.dialect == "postgresql":
        assert len(set(texts)) == 1
    else:
        assert "(program_id=? AND use_case=? AND key=?)" in plan[0]


async def test_ids_are_given_once_also_before_their_rows_are_stored(db: SqliteDatabase | PostgresDatabase) -> None:
    def body(tx: Connection) -> list[int]:
        ids = Ids(tx, 1)
        ids.draw(2)
        return ids.take(outbox, 2) + ids.take(outbox, 3) + ids.take(outbox, 0) + ids.take(outbox, 1)

    given = await db.write(body)
    assert given == sorted(set(given))
    assert len(given) == 6


async def test_exact_amounts_come_back_digit_for_digit(db: SqliteDatabase | PostgresDatabase) -> None:
    total = Decimal("12345678901234567890.0000000001")
    query = select(batch.c.amount, batch.c.started_at, batch.c.rows_read).where(batch.c.finished_at.is_(None))
    texts = dict.fromkeys(("type", "file_name", "name_key", "sha256", "status", "actor"), "t")
    row = {"program_id": 1, "id": 1, "amount": total, "started_at": AT, "finished_at": None, "rows_read": 3}
    numbers = dict.fromkeys(("accepted", "rejected", "points"), 0)

    def body(tx: Connection) -> object:
        bulk = Bulk(tx)
        bulk.insert(batch, [row | texts | numbers])
        bulk.store()
        take = Reading(query, {}, lambda rows: [tuple(one) for one in rows])
        return read_together(tx, take, take)

    assert await db.write(body) == [[(total, AT, 3)]] * 2


# What has a meaning in JSON, in an array's text or in a document in it, and what stands for nothing.
TEXTS = [
    "",
    "NULL",
    "null",
    "a,b",
    "{}",
    '{"a": "b\\"c"}',
    '"',
    "\\",
    "\\n",
    "\\\\n",
    "a\nb\tc\rd",
    "\x01\x7f\u2028",
    " é𝄞 ",
    "\\x00",
]
NAMES = ("type", "file_name", "name_key", "sha256", "status", "actor")
NUMBERS = ("rows_read", "accepted", "rejected", "points")


def nasty_rows(count: int) -> dict[Table, list[dict[str, Any]]]:
    """Rows of every type; where the count is even some columns are None throughout."""
    batches, lines, entries = [], [], []
    for number in range(1, count + 1):
        text, is_set = TEXTS[number % len(TEXTS)], count % 2 == 1 and number % 3 == 0
        own = dict.fromkeys(NAMES, text) | {"sha256": f"{number}{text}", "name_key": f"{text}{number}"}
        moments = {"started_at": AT, "finished_at": AT if is_set else None}
        kept = {"header": bytes([number % 256, 0, 92, 34]) if is_set else None}
        numbers: dict[str, Any] = dict.fromkeys(NUMBERS, -number) | {"amount": Decimal(f"{number}.10")}
        batches.append({"program_id": 1, "id": number, **own, **moments, **kept, **numbers})
        line = {"program_id": 1, "batch_id": 1, "line": number, "status": "S", "code": text, "message": text}
        lines.append(line | {"points": 2**62 + number, "external_reference": UUID(int=number) if is_set else None})
        entry = {"program_id": 1, "seq": number, "at": AT, "actor": text, "action": text, "subject": text}
        content = {"before": {"text": text} if is_set else None, "after": [text, None, number]}
        entries.append(entry | content | {"previous_hash": bytes(32), "hash": bytes(range(number % 32, 32))})
    return {batch: batches, batch_row: lines, audit_entry: entries}


@pytest.mark.parametrize("count", [1, 31, 32, 57])
async def test_what_is_stored_is_what_was_given_however_many_there_are(
    db: SqliteDatabase | PostgresDatabase, count: int
) -> None:
    given = nasty_rows(count)
    assert count < 32 or {row["file_name"] for row in given[batch]} == set(TEXTS)

    def body(tx: Connection) -> None:
        for table, rows in given.items():
            bulk = Bulk(tx)
            bulk.insert(table, rows)
            bulk.store()

    def stored(tx: Connection) -> dict[Table, list[dict[str, Any]]]:
        return {
            table: [dict(row._mapping) for row in tx.execute(select(*(table.c[name] for name in rows[0])))]
            for table, rows in given.items()
        }

    await db.write(body)
    found = await db.read(stored)
    for table, rows in given.items():
        key = rows[0].keys() & {"id", "line", "seq"}
        assert sorted(found[table], key=lambda row: [row[name] for name in key]) == rows
    exact = {str(row["amount"]) for row in found[batch]}
    assert exact == {str(row["amount"]) for row in given[batch]}


async def test_many_rows_are_changed_and_put_as_few_are(db: SqliteDatabase | PostgresDatabase) -> None:
    rows = [KEY | {"key": f"K{number}", "outcome": TEXTS[number % len(TEXTS)]} for number in range(60)]
    statements: list[str] = []

    def body(tx: Connection) -> None:
        bulk = Bulk(tx)
        bulk.insert(idempotency, rows[:40])
        bulk.store()
        event.listen(tx, "before_cursor_execute", lambda *told: statements.append(told[2]))
        bulk.update(idempotency, BY, [one | {"outcome": "changed"} for one in rows[:1]])
        bulk.upsert(idempotency, BY, rows[20:])
        bulk.insert(outbox, [{"program_id": 1, "id": 1, "topic": "t", "payload": "{}", "created_at": AT}])
        bulk.store()

    await db.write(body)
    assert await db.read(outcomes) == {one["key"]: one["outcome"] for one in rows} | {"K0": "changed"}
    assert len(statements) == (1 if db.dialect == "postgresql" else 3)
    assert [row.topic for row in await db.read(lambda tx: tx.execute(select(outbox)).all())] == ["t"]
