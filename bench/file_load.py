"""B5 and B6: a file of transactions and one of members, loaded by one worker on PostgreSQL, beside COPY.

The floors take the rows as they stand in the file: one only copies them, the other also makes postings, lots and
events of them, set-based, without rules, hashes or checks. Each load is a process of its own, from its start to the
handback on the disk, so its figures have everything in them.
"""

import asyncio
import csv
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import asyncpg

from bench.measure import Measured, RoundVoid
from bench.memory import peak_memory
from bench.proof import prove_books
from bench.report import Floor, Line, announce
from bench.rules import PRODUCTS, RULES
from bench.scale import Scale
from bench.subject import Subject, ask

_FIRST = datetime(2026, 1, 1)  # noqa: DTZ001 - on the program's clocks, as a file has it
_DAYS = 300
_MEMBERS = ("relation_reference", "full_name", "email_id", "mobile_number", "dob", "preferred_language", "status")
_ROWS = ("transaction_id", "transaction_type", "transaction_date", "member_relation_reference", "product_code")
_TRANSACTIONS = (*_ROWS, "amount", "quantity")


def measure_files(subject: Subject, scale: Scale) -> list[Line]:
    """A file of new members first, then one of their purchases."""
    folder = subject.deployment.data_dir
    members, rows = scale.file_members, scale.file_rows
    cpd = _write(folder / "Bench_CPD.csv", _MEMBERS, _people(members))
    txn = _write(folder / "Bench_TXN.csv", _TRANSACTIONS, _purchases(rows, rows // 10))
    announce(f"B6: {members:,} members from a file")
    loaded_members, peak_members = _load(subject, cpd, members)
    copied_members = _copy(subject, cpd, _MEMBERS, "")
    ask(subject, "VACUUM ANALYZE")
    announce(f"B5: {rows:,} transactions from a file")
    loaded, peak = _load(subject, txn, rows)
    copied, merged = _copy(subject, txn, _TRANSACTIONS, ""), _copy(subject, txn, _TRANSACTIONS, _MERGE)
    prove_books(subject, [f"F-{number}" for number in range(1, 101)])
    alone, memory = Floor("COPY of the same rows", [copied]), "one worker; at most {} MiB of memory"
    return [
        Line(
            "B6",
            f"{members:,} members from a file, {memory.format(peak_members)}",
            [loaded_members],
            [Floor("COPY of the same rows", [copied_members])],
        ),
        Line(
            "B5",
            f"{rows:,} purchases from a file: {RULES} rules, caps, 10 aggregates, {memory.format(peak)}",
            [loaded],
            [Floor("COPY and set-based postings, no rules", [merged]), alone],
        ),
    ]


def _people(count: int) -> Iterator[Sequence[object]]:
    for number in range(1, count + 1):
        mail, mobile = f"f{number}@example.org", f"+49301{number:08d}"
        yield f"F-{number}", f"Person {number}", mail, mobile, f"19{50 + number % 50}-06-{1 + number % 28:02d}", "en", 1


def _purchases(count: int, members: int) -> Iterator[Sequence[object]]:
    random = Random(5)
    for number in range(1, count + 1):
        at = _FIRST + timedelta(minutes=random.randrange(_DAYS * 1440))
        amount = f"{random.randrange(1, 50_000) / 100:.2f}"
        member, product = f"F-{random.randrange(members) + 1}", random.choice(PRODUCTS)
        yield f"F-{number}", "DR", at.isoformat(), member, product, amount, random.randrange(1, 9)


def _write(path: Path, header: Sequence[str], rows: Iterator[Sequence[object]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def _load(subject: Subject, path: Path, rows: int) -> tuple[Measured, int]:
    """`tessera batch load` to its end, with the most memory in MiB that all of its processes had. Raises RoundVoid."""
    command = [sys.executable, "-m", "tessera", "batch", "load", str(path), "--program"]
    command.append(str(subject.credentials.program_id))
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        env=subject.deployment.environment,
        cwd=subject.deployment.data_dir,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with peak_memory(process.pid) as memory:
        told = process.stderr.read() if process.stderr is not None else b""
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
    if status:
        raise RoundVoid(f"{path.name} was not loaded whole:\n{told[-2000:].decode(errors='replace')}")
    cpu_us = (usage.ru_utime + usage.ru_stime) / rows * 1e6
    return Measured(rows, seconds, seconds / rows * 1e3, seconds / rows * 1e3, cpu_us), max(memory)


def _copy(subject: Subject, path: Path, columns: Sequence[str], merge: str) -> Measured:
    """The floor: what the database alone takes for the rows of this file."""

    async def run() -> float:
        connection = await asyncpg.connect(subject.dsn)
        try:
            texts = ", ".join(f'"{name}" text' for name in columns)
            await connection.execute(f"DROP TABLE IF EXISTS floor_rows; CREATE TABLE floor_rows ({texts})")
            for name, table in _LIKE.items() if merge else ():
                await connection.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
            began = time.monotonic()
            async with connection.transaction():
                await connection.copy_to_table("floor_rows", source=path, format="csv", header=True)
                if merge:
                    await connection.execute(merge)
            return time.monotonic() - began
        finally:
            await connection.execute(f"DROP TABLE IF EXISTS {', '.join(('floor_rows', *_LIKE))}")
            await connection.close()

    seconds = asyncio.run(run())
    rows = sum(1 for _ in path.open()) - 1
    return Measured(rows, seconds, seconds / rows * 1e3, seconds / rows * 1e3)


_LIKE = {"floor_entry": "ledger_entry", "floor_lot": "lot", "floor_outbox": "outbox"}
_MERGE = """
WITH read AS (
    SELECT nextval('tessera_id') AS id, account.program_id, account.id AS account_id,
           ceil(amount::numeric)::bigint AS points, transaction_date::timestamptz AS at,
           account.version + row_number() OVER (PARTITION BY account.id) AS seq
    FROM floor_rows
    JOIN member ON member.relation_reference = member_relation_reference
    JOIN account ON account.program_id = member.program_id AND account.member_id = member.id
), entries AS (
    INSERT INTO floor_entry (program_id, id, account_id, seq, kind, contra, bucket, points, balance_after,
        loyalty_txn_type, external_reference, transaction_date, processed_at, config_version, source, actor, hash)
    SELECT program_id, id, account_id, seq, 'earn', 'issued', 'spend', points, points, 1, gen_random_uuid(), at, now(),
        1, 'floor', 'floor', sha256(id::text::bytea) FROM read
), lots AS (
    INSERT INTO floor_lot (program_id, id, account_id, entry_id, earned_at, expires_at, points, remaining, is_open)
    SELECT program_id, id, account_id, id, at, at + interval '2 years', points, points, true FROM read
)
INSERT INTO floor_outbox (program_id, id, topic, payload, created_at)
SELECT program_id, id, 'points.earned', '{}', now() FROM read
"""
