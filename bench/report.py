"""What a run found: a table for people, and `bench/results.json`."""

import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.clients import generator_name
from bench.measure import Measured, middle
from bench.scale import Scale

RESULTS = Path(__file__).with_name("results.json")


@dataclass(frozen=True, slots=True)
class Floor:
    """What is measured beside a line. The ratio of the rates is to be at least `least`, or ours at most `most`
    times slower; neither where the floor only tells where the rest of the way is."""

    name: str
    rounds: Sequence[Measured]
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: the product's rounds and their floors."""

    number: str
    work: str
    rounds: Sequence[Measured]
    floors: Sequence[Floor] = field(default_factory=tuple)


def ratio(line: Line, floor: Floor) -> float:
    """Our rate over the floor's; with `most` our median time over the floor's."""
    if floor.most is not None:
        return middle(line.rounds, lambda one: one.p50_ms) / middle(floor.rounds, lambda one: one.p50_ms)
    return middle(line.rounds, lambda one: one.rate) / middle(floor.rounds, lambda one: one.rate)


def reached(line: Line, floor: Floor) -> bool | None:
    """Whether the ratio is what was asked for; None where nothing was."""
    if floor.most is not None:
        return ratio(line, floor) <= floor.most
    return None if floor.least is None else ratio(line, floor) >= floor.least


def announce(what: str) -> None:
    """Tell on standard error what is being done, for a run takes minutes."""
    Console(stderr=True).print(f"[dim]{time.strftime('%H:%M:%S')}[/dim] {what}")


def show(lines: Sequence[Line], scale: Scale) -> None:
    """Print the table."""
    table = Table(title=f"Medians of {scale.rounds} rounds of at most {scale.seconds} s, by turns with the floors")
    table.add_column("")
    table.add_column("work and floor")
    for heading in ("per second", "p50 ms", "p99 ms", "CPU µs/op", "ratio", "asked for"):
        table.add_column(heading, justify="right")
    for line in lines:
        table.add_row(line.number, f"[bold]{line.work}[/bold]", *_figures(line.rounds), "", "")
        for floor in line.floors:
            table.add_row("", f"  {floor.name}", *_figures(floor.rounds), *_verdict(line, floor))
        table.add_section()
    table.caption = interpreter()
    Console(width=None if Console().is_terminal else 132).print(table)


def write(lines: Sequence[Line], scale: Scale) -> None:
    """Write all rounds of all lines with the machine that they are of."""
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "rounds": scale.rounds,
        "seconds": scale.seconds,
        "members": scale.members,
        "lines": [_line(line) for line in lines],
    }
    RESULTS.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "durable_writes_per_second": round(_durable_writes()),
        "python": interpreter(),
        "sqlite": sqlite3.sqlite_version,
        "generator": generator_name(),
    }


def interpreter() -> str:
    """Which Python, and whose: compiled without optimisations it takes up to twice as long (docs/scaling.md)."""
    return f"{platform.python_implementation()} {platform.python_version()} in {sys.base_prefix}"


def _durable_writes(seconds: float = 1.0) -> float:
    """How often a second this machine makes 8 KiB durable: a figure beyond 50,000 is no disk."""
    with tempfile.TemporaryFile() as file:
        count, end = 0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            os.pwrite(file.fileno(), bytes(8192), 0)
            os.fdatasync(file.fileno())
            count += 1
    return count / seconds


def _figures(rounds: Sequence[Measured]) -> list[str]:
    cpu = [one.cpu_us for one in rounds if one.cpu_us is not None]
    return [
        f"{middle(rounds, lambda one: one.rate):,.0f}",
        f"{middle(rounds, lambda one: one.p50_ms):.2f}",
        f"{middle(rounds, lambda one: one.p99_ms):.2f}",
        f"{sorted(cpu)[len(cpu) // 2]:.0f}" if cpu else "",
    ]


def _verdict(line: Line, floor: Floor) -> list[str]:
    limit = f"≥ {floor.least}" if floor.least is not None else f"≤ {floor.most}" if floor.most is not None else ""
    colour = {True: "green", False: "red", None: "default"}[reached(line, floor)]
    return [f"[{colour}]{ratio(line, floor):.2f}[/{colour}]", limit]


def _line(line: Line) -> dict[str, Any]:
    return {
        "number": line.number,
        "work": line.work,
        "rounds": [_round(one) for one in line.rounds],
        "floors": [
            {
                "name": floor.name,
                "ratio": round(ratio(line, floor), 3),
                "least": floor.least,
                "most": floor.most,
                "reached": reached(line, floor),
                "rounds": [_round(one) for one in floor.rounds],
            }
            for floor in line.floors
        ],
    }


def _round(one: Measured) -> dict[str, Any]:
    return {
        "per_second": round(one.rate, 1),
        "operations": one.operations,
        "seconds": round(one.seconds, 3),
        "p50_ms": round(one.p50_ms, 3),
        "p99_ms": round(one.p99_ms, 3),
        "cpu_us": None if one.cpu_us is None else round(one.cpu_us, 1),
    }
