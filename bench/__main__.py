"""`python -m bench [b1] … [b7] [rules] [hostile]`: measure, print a table, write `bench/results.json`."""

import sys
from contextlib import ExitStack

from bench.earning import measure_earnings
from bench.file_load import measure_files
from bench.history import history_pasts, measure_histories
from bench.home_screen import measure_home_screen, screen_pasts
from bench.hostile import measure_hostile
from bench.measure import RoundVoid
from bench.population import Past
from bench.redemption import measure_redemptions
from bench.report import Line, announce, show, write
from bench.resolving import measure_resolving
from bench.rules import measure_rules
from bench.scale import Scale, chosen_scale
from bench.subject import Subject, postgres_subject, sqlite_subject
from bench.turn import PREFIX

_BOTH = {"b1", "b2", "b3", "b7"}
"""What is measured on either database; the home screen of B4 on PostgreSQL alone."""


def measure(scale: Scale, wanted: set[str]) -> None:
    """Measure what is wanted, databases only where they are asked for, and report."""
    lines: list[Line] = []
    if "rules" in wanted:
        announce("B3: the rules alone")
        lines += measure_rules(scale)
    if "b4" in wanted:
        announce("B4: GraphQL without a database, by turns with its peers")
        lines += measure_resolving(scale)
    if "hostile" in wanted:
        lines += measure_hostile(scale)
    if wanted & (_BOTH | {"b4"}):
        lines += measure_databases(scale, wanted)
    if wanted & {"b5", "b6"}:
        with postgres_subject([], aggregates=10) as postgres:
            lines += measure_files(postgres, scale)
    show(lines, scale)
    write(lines, scale)


def measure_databases(scale: Scale, wanted: set[str]) -> list[Line]:
    """Load databases and measure what is wanted of B1 and B2 (one measurement), B3, B4 and B7."""
    lines: list[Line] = []
    pasts = _pasts(scale, wanted)
    announce(f"loading {len(pasts):,} members into each database")
    with ExitStack() as stack:
        postgres = stack.enter_context(postgres_subject(pasts))
        if wanted & _BOTH:
            sqlite = stack.enter_context(sqlite_subject(pasts))
            lines += measure_both(postgres, sqlite, scale, wanted)
        if "b4" in wanted:
            announce("B4: the home screen by turns with bare SQL")
            lines += measure_home_screen(postgres, scale)
    return lines


def measure_both(postgres: Subject, sqlite: Subject, scale: Scale, wanted: set[str]) -> list[Line]:
    """What is measured on either database."""
    lines: list[Line] = []
    if wanted & {"b1", "b2"}:
        announce("B1 and B2: redemptions by turns with their floors")
        lines += measure_redemptions(postgres, sqlite, scale)
    if "b3" in wanted:
        announce("B3: purchases by turns with the bare stack")
        lines += measure_earnings(postgres, sqlite, scale)
    if "b7" in wanted:
        for subject, database in ((postgres, "PostgreSQL"), (sqlite, "SQLite")):
            announce(f"B7: histories on {database}")
            lines += measure_histories(subject, database, scale)
    return lines


def _pasts(scale: Scale, wanted: set[str]) -> list[Past]:
    """The members that are asked for."""
    pasts = [Past(f"{PREFIX}{number}") for number in range(1, scale.members + 1)] if wanted & _BOTH else []
    pasts += history_pasts(scale) if wanted & _BOTH else []
    return pasts + (screen_pasts(scale) if "b4" in wanted else [])


def main() -> str | None:
    """Exit status 1 with a sentence where a round was void: then no number of the run counts."""
    try:
        measure(chosen_scale(), {name.lower() for name in sys.argv[1:]} or _BOTH | {"b4", "rules"})
    except RoundVoid as error:
        return f"The run is void: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
