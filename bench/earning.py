"""B3: purchases over HTTP, each through 20 rules, 3 caps and 5 aggregates, beside the bare stack."""

from bench.measure import alternate
from bench.report import Floor, Line
from bench.scale import Scale
from bench.subject import Subject, ask, bare
from bench.turn import INSERT, bare_round, serving


def measure_earnings(postgres: Subject, sqlite: Subject, scale: Scale) -> list[Line]:
    """The product on either database and the bare stack, by turns."""
    with (
        serving(postgres, INSERT, scale) as on_postgres,
        serving(sqlite, INSERT, scale) as on_sqlite,
        bare(postgres) as stack,
    ):
        ask(postgres, "VACUUM ANALYZE")
        b3, on_stack, embedded = alternate(scale.rounds, on_postgres, bare_round(stack, scale), on_sqlite)
    return [
        Line(
            "B3",
            "InsertTransactionData over HTTP, PostgreSQL",
            b3,
            [Floor("bare stack: FastAPI and one statement", on_stack, least=0.4)],
        ),
        Line("B3", "InsertTransactionData over HTTP, SQLite", embedded, [Floor("on PostgreSQL", b3)]),
    ]
