"""How much to measure: a run for figures, or a short one (BENCH_QUICK=1) that shows that all works."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """Members, rounds of how many seconds, how long the histories of B7 are, how many members' screens B4 asks for."""

    members: int
    rounds: int
    seconds: int
    histories: tuple[int, ...]
    open_lots: int
    screens: int
    warm_up_s: int = 1
    history_seconds: int = 1
    graphql_seconds: int = 5
    file_rows: int = 1_000_000
    file_members: int = 1_000_000


FULL = Scale(
    members=100_000,
    rounds=5,
    seconds=8,
    histories=(10, 1000, 100_000, 1_000_000),
    open_lots=10_000,
    screens=10_000,
)
QUICK = Scale(
    members=10_000,
    rounds=3,
    seconds=3,
    histories=(10, 1000, 100_000),
    open_lots=10_000,
    screens=1000,
    graphql_seconds=1,
    file_rows=20_000,
    file_members=10_000,
)


def chosen_scale() -> Scale:
    """What the environment asks for."""
    return QUICK if os.environ.get("BENCH_QUICK") == "1" else FULL
