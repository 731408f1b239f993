"""B1 and B2: redemptions over HTTP on PostgreSQL and on the embedded SQLite, beside their floors."""

from collections.abc import Callable
from functools import partial

from bench import bare_stack
from bench.clients import CLIENTS, Load, put_under_load
from bench.floors import pgbench, raw_sqlite, sqlite_file
from bench.measure import Measured, alternate
from bench.proof import prove_books, prove_count, redemptions
from bench.report import Floor, Line
from bench.scale import Scale
from bench.subject import Subject, ask, bare, product, token, tool

PATH = "/v1/RedeemPoints"
PREFIX = "M-"


def measure_redemptions(postgres: Subject, sqlite: Subject, scale: Scale) -> list[Line]:
    """All by turns: the product on either database, the bare stack, `pgbench`, and SQLite without us."""
    file = sqlite_file(sqlite)
    _put_to_use(postgres, scale)

    def raw(per_commit: int, number: int) -> Measured:
        return raw_sqlite(file, scale.members, scale.seconds, per_commit=per_commit, seed=number)

    turns: list[Callable[[int], Measured]] = [
        partial(_product_round, postgres, scale),
        partial(_bare_round, postgres, scale),
        partial(_product_round, sqlite, scale),
        partial(raw, 1),
        partial(raw, 100),
    ]
    if tool("pgbench"):
        turns.append(lambda _: pgbench(postgres, scale.members, scale.seconds))
    on_postgres, stack, on_sqlite, single, shared, *direct = alternate(scale.rounds, *turns)
    for subject in (postgres, sqlite):
        prove_books(subject)
    b1 = [Floor("bare stack: FastAPI and one statement", stack, least=0.8)]
    b1 += [Floor("pgbench on the same SQL", rounds, least=0.25) for rounds in direct]
    b2 = [
        Floor("B1", on_postgres, least=0.95),
        Floor("its statements alone, one a commit", single),
        Floor("its statements alone, 100 a commit", shared),
    ]
    return [
        Line("B1", "RedeemPoints over HTTP, PostgreSQL", on_postgres, b1),
        Line("B2", "RedeemPoints over HTTP, SQLite", on_sqlite, b2),
    ]


def _put_to_use(postgres: Subject, scale: Scale) -> None:
    """Redeem for a moment, then do what autovacuum does within a minute: tables that were empty get statistics."""
    _product_round(postgres, scale, 0)
    ask(postgres, "VACUUM ANALYZE")


def _product_round(subject: Subject, scale: Scale, number: int) -> Measured:
    """One round of the product, from a fresh start; void unless the journal has what was acknowledged."""
    before = redemptions(subject, "rest")
    with product(subject) as serving:
        load = Load(
            url=serving.url,
            path=PATH,
            kind="redeem",
            prefix=PREFIX,
            members=scale.members,
            token=token(serving, subject.credentials),
        )
        warm = put_under_load(load, scale.warm_up_s, 1000 + number, serving.pid)
        measured = put_under_load(load, scale.seconds, number, serving.pid)
    prove_count(
        acknowledged=warm.operations + measured.operations,
        found=redemptions(subject, "rest") - before,
        # Of the warm-up and of the round alike.
        under_way=2 * CLIENTS,
    )
    return measured


def _bare_round(subject: Subject, scale: Scale, number: int) -> Measured:
    """One round of the bare stack, treated alike."""
    with bare(subject) as serving:
        load = Load(url=serving.url, path=bare_stack.PATH, kind="redeem", prefix=PREFIX, members=scale.members)
        put_under_load(load, scale.warm_up_s, 1000 + number, serving.pid)
        return put_under_load(load, scale.seconds, number, serving.pid)
