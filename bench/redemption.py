"""B1 and B2: redemptions over HTTP on PostgreSQL and on the embedded SQLite, beside their floors."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from bench import bare_stack
from bench.clients import CLIENTS, Load, put_under_load
from bench.floors import pgbench, raw_sqlite, sqlite_file
from bench.measure import Measured, alternate
from bench.proof import prove_books, prove_count, redemptions
from bench.report import Floor, Line
from bench.scale import Scale
from bench.subject import Serving, Subject, ask, bare, product, token, tool

PATH = "/v1/RedeemPoints"
PREFIX = "M-"


def measure_redemptions(postgres: Subject, sqlite: Subject, scale: Scale) -> list[Line]:
    """All by turns: the product on either database, the bare stack, `pgbench`, and SQLite without us."""
    # The product holds its own file; what is measured without it is measured on a copy.
    copy = sqlite.deployment.data_dir / "copy.db"
    shutil.copyfile(sqlite_file(sqlite), copy)
    # Else the first commit that is measured waits for the disk to take what was loaded and copied.
    os.sync()

    def raw(per_commit: int, number: int) -> Measured:
        return raw_sqlite(copy, scale.members, scale.seconds, per_commit=per_commit, seed=number)

    with _serving(postgres, scale) as on_postgres, _serving(sqlite, scale) as on_sqlite, bare(postgres) as stack:
        # What autovacuum does within a minute: tables that were empty get their statistics.
        ask(postgres, "VACUUM ANALYZE")
        bare_load = Load(url=stack.url, path=bare_stack.PATH, kind="redeem", prefix=PREFIX, members=scale.members)
        turns: list[Callable[[int], Measured]] = [
            on_postgres,
            lambda number: _loaded(bare_load, stack, scale, number),
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


@contextmanager
def _serving(subject: Subject, scale: Scale) -> Iterator[Callable[[int], Measured]]:
    """The product's server, which is put under load for each round.

    At the end, when nothing is under way any more, the journal must hold what was acknowledged.
    """
    before = redemptions(subject, "rest")
    acknowledged: list[int] = []
    with product(subject) as serving:
        load = Load(
            url=serving.url,
            path=PATH,
            kind="redeem",
            prefix=PREFIX,
            members=scale.members,
            token=token(serving, subject.credentials),
        )

        def round_of(number: int) -> Measured:
            return _loaded(load, serving, scale, number, acknowledged)

        round_of(0)
        yield round_of
    found = redemptions(subject, "rest") - before
    prove_count(acknowledged=sum(acknowledged), found=found, under_way=CLIENTS * len(acknowledged))
    prove_books(subject)


def _loaded(load: Load, serving: Serving, scale: Scale, number: int, acknowledged: list[int] | None = None) -> Measured:
    """One round, after a moment that only warms up; both are noted in `acknowledged`."""
    rounds = [put_under_load(load, seconds, number, serving.pid) for seconds in (scale.warm_up_s, scale.seconds)]
    if acknowledged is not None:
        acknowledged += [one.operations for one in rounds]
    return rounds[-1]
