"""Floors below the product: the database alone, doing the work that the product has it do."""

import re
import sqlite3
import subprocess
import time
import uuid
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random

from sqlalchemy.engine import make_url

from bench.clients import CLIENTS
from bench.measure import Measured, RoundVoid, percentile
from bench.subject import Subject, tool
from domain.clock import system_clock
from domain.ledger.redemption import RedemptionOrder
from domain.store.redemption_sqlite import redeem_on_sqlite

PGBENCH_SCRIPT = """\\set member random(1, {members})
\\set points random(1, 100)
SELECT * FROM redeem_points({program}, {version}, 'M-' || :member, 'DEFAULT', :points, NULL, false,
    gen_random_uuid()::text, sha256('bench'), gen_random_uuid(), 30::smallint, 'Corner Shop', 1::numeric,
    'pgbench', 'pgbench', clock_timestamp(), 0);
"""


def pgbench(subject: Subject, members: int, seconds: int) -> Measured:
    """Floor (b): sixteen clients of `pgbench` that call the product's own redemption. Raises RoundVoid."""
    program = tool("pgbench")
    if program is None or subject.postgres is None:
        raise RoundVoid("pgbench is not installed")
    folder = subject.deployment.data_dir
    script = folder / "redeem.sql"
    script.write_text(PGBENCH_SCRIPT.format(members=members, program=1, version=2))
    for old in folder.glob("pgbench_log*"):
        old.unlink()
    options = ["-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds), "-l", "-f", str(script)]
    done = subprocess.run([program, *options, subject.dsn], cwd=folder, capture_output=True, text=True, check=False)
    rate = re.search(r"tps = ([0-9.]+)", done.stdout)
    if done.returncode or rate is None:
        raise RoundVoid(f"pgbench failed: {done.stdout}{done.stderr}")
    lines = [line for log in folder.glob("pgbench_log*") for line in log.read_text().splitlines()]
    took = sorted(int(line.split()[2]) / 1000 for line in lines)
    return Measured(
        operations=len(took),
        seconds=len(took) / float(rate[1]),
        p50_ms=percentile(took, 0.5),
        p99_ms=percentile(took, 0.99),
    )


def raw_sqlite(file: Path, members: int, seconds: float, *, per_commit: int, seed: int) -> Measured:
    """The product's redeem statements on one connection in one thread, so many to each durable commit."""
    random = Random(seed)
    took: list[float] = []
    with closing(sqlite3.connect(file, isolation_level=None, cached_statements=512)) as raw:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            raw.execute(f"PRAGMA {pragma}")
        start = time.perf_counter()
        while (began := time.perf_counter()) < start + seconds:
            raw.execute("BEGIN IMMEDIATE")
            for _ in range(per_commit):
                if redeem_on_sqlite(raw, _order(random, members, system_clock())).outcome != "ok":
                    raise RoundVoid("a redemption of the raw floor was refused")
            raw.execute("COMMIT")
            took.append(time.perf_counter() - began)
        total = time.perf_counter() - start
    took.sort()
    return Measured(
        operations=len(took) * per_commit,
        seconds=total,
        p50_ms=percentile(took, 0.5) * 1000,
        p99_ms=percentile(took, 0.99) * 1000,
    )


def sqlite_file(subject: Subject) -> Path:
    """The file of the embedded database."""
    return Path(str(make_url(subject.deployment.database_url).database))


def _order(random: Random, members: int, now: datetime) -> RedemptionOrder:
    return RedemptionOrder(
        program_id=1,
        config_version=2,
        reference=f"M-{random.randint(1, members)}",
        currency="DEFAULT",
        points=random.randint(1, 100),
        refusal=None,
        refusal_binds=False,
        key=str(uuid.uuid4()),
        fingerprint=bytes(32),
        guid=uuid.uuid4(),
        loyalty_txn_type=30,
        merchant="Corner Shop",
        amount=Decimal(1),
        source="floor",
        actor="floor",
        now=now,
        window_s=0,
    )
