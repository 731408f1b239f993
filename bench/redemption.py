"""B1 and B2: redemptions over HTTP on PostgreSQL and on the embedded SQLite, beside their floors."""

import os
import shutil
from collections.abc import Callable
from functools import partial

from bench.floors import pgbench, raw_sqlite, sqlite_file
from bench.measure import Measured, alternate
from bench.report import Floor, Line
from bench.scale import Scale
from bench.subject import Subject, ask, bare, tool
from bench.turn import REDEEM, bare_round, serving


def measure_redemptions(postgres: Subject, sqlite: Subject, scale: Scale) -> list[Line]:
    """All by turns: the product on either database, the bare stack, `pgbench`, and SQLite without us."""
    # The product holds its own file; what is measured without it is measured on a copy.
    copy = sqlite.deployment.data_dir / "copy.db"
    shutil.copyfile(sqlite_file(sqlite), copy)
    # Else the first commit that is measured waits for the disk to take what was loaded and copied.
    os.sync()

    def raw(per_commit: int, number: int) -> Measured:
        return raw_sqlite(copy, scale.members, scale.seconds, per_commit=per_commit, seed=number)

    with (
        serving(postgres, REDEEM, scale) as on_postgres,
        serving(sqlite, REDEEM, scale) as on_sqlite,
        bare(postgres) as stack,
    ):
        # What autovacuum does within a minute: tables that were empty get their statistics.
        ask(postgres, "VACUUM ANALYZE")
        turns: list[Callable[[int], Measured]] = [
            on_postgres,
            bare_round(stack, scale),
            on_sqlite,
            partial(raw, 1),
            partial(raw, 100),
        ]
        if tool("pgbench"):
            turns.append(lambda _: pgbench(postgres, scale.members, scale.seconds))
        b1, on_stack, b2, single, shared, *direct = alternate(scale.rounds, *turns)
    below_b1 = [Floor("bare stack: FastAPI and one statement", on_stack, least=0.8)]
    below_b1 += [Floor("pgbench on the same SQL", rounds, least=0.25) for rounds in direct]
    below_b2 = [
        Floor("B1", b1, least=0.95),
        Floor("its statements alone, one a commit", single),
        Floor("its statements alone, 100 a commit", shared),
    ]
    return [
        Line("B1", "RedeemPoints over HTTP, PostgreSQL", b1, below_b1),
        Line("B2", "RedeemPoints over HTTP, SQLite", b2, below_b2),
    ]
