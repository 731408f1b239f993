"""`python -m bench [b1] [b2] [b3] [b7] [rules] [hostile]`: measure, print the table, write `bench/results.json`."""

import sys

from bench.earning import measure_earnings
from bench.history import history_pasts, measure_histories
from bench.hostile import measure_hostile
from bench.measure import RoundVoid
from bench.population import Past
from bench.redemption import measure_redemptions
from bench.report import Line, announce, show, write
from bench.rules import measure_rules
from bench.scale import Scale, chosen_scale
from bench.subject import postgres_subject, sqlite_subject
from bench.turn import PREFIX

DATABASES = {"b1", "b2", "b3", "b7"}


def measure(scale: Scale, wanted: set[str]) -> None:
    """Measure what is wanted, databases only where they are asked for, and report."""
    lines: list[Line] = []
    if "rules" in wanted:
        announce("B3: the rules alone")
        lines += measure_rules(scale)
    if "hostile" in wanted:
        lines += measure_hostile(scale)
    if wanted & DATABASES:
        lines += measure_databases(scale, wanted)
    show(lines, scale)
    write(lines, scale)


def measure_databases(scale: Scale, wanted: set[str]) -> list[Line]:
    """Load both databases and measure what is wanted of B1 and B2 (one measurement), B3 and B7."""
    lines: list[Line] = []
    pasts = [Past(f"{PREFIX}{number}") for number in range(1, scale.members + 1)] + history_pasts(scale)
    announce(f"loading {len(pasts):,} members into each database")
    with postgres_subject(pasts) as postgres, sqlite_subject(pasts) as sqlite:
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


def main() -> str | None:
    """Exit status 1 with a sentence where a round was void: then no number of the run counts."""
    try:
        measure(chosen_scale(), {name.lower() for name in sys.argv[1:]} or DATABASES | {"rules"})
    except RoundVoid as error:
        return f"The run is void: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
