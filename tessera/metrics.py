"""What `/metrics` tells, in the format of Prometheus: figures of all processes behind a port, and of the database."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.store.backlog import Backlog
from resolvers.context import Services
from resolvers.figures import BOUNDS_S, Figures

Label = tuple[str, str]

_COUNTERS: Mapping[str, tuple[str, str, str]] = {
    "events": ("tessera_events", "topic", "Events that were given their place in the feed, by what happened."),
    "job_portions": ("tessera_job_runs", "job", "Portions of work that a background job has done."),
    "job_items": ("tessera_job_items", "job", "What a background job did in these, in its own units."),
    "job_seconds": ("tessera_job_seconds", "job", "How long a background job has worked."),
    "job_failures": ("tessera_job_failures", "job", "How often a background job failed, and was tried again."),
    "findings": ("tessera_verification_findings", "program", "What verification found not to hold."),
    "verified": ("tessera_verified_accounts", "program", "Accounts that verification recomputed."),
}
# Of several processes that did the same the newest counts.
_LATEST: Mapping[str, tuple[str, str, str]] = {
    "job_last_success": (
        "tessera_job_last_success_timestamp_seconds",
        "job",
        "When a background job last ended a portion well.",
    ),
}


@dataclass(slots=True)
class Snapshot:
    """The figures of one process or of several, added up."""

    requests: dict[tuple[str, str, str], list[float]] = field(default_factory=dict)
    counts: dict[Label, float] = field(default_factory=dict)
    use: dict[str, int] = field(default_factory=dict)

    def add(self, given: Mapping[str, Any], *, is_alive: bool) -> None:
        """Add what a process told. One that has ended keeps what it counted, and uses nothing any more."""
        for surface, operation, code, *figures in given["requests"]:
            known = self.requests.setdefault((surface, operation, code), [0.0] * len(figures))
            for place, figure in enumerate(figures):
                known[place] += figure
        for name, label, value in given["counts"]:
            before = self.counts.get((name, label), 0)
            self.counts[name, label] = max(before, value) if name in _LATEST else before + value
        for name, value in given["use"].items() if is_alive else ():
            self.use[name] = self.use.get(name, 0) + value


def told(services: Services) -> dict[str, Any]:
    """What this process tells the others, and itself."""
    figures: Figures = services.figures
    requests = [[*key, one.count, one.seconds, *one.buckets] for key, one in list(figures.requests.items())]
    counts = [[*key, value] for key, value in list(figures.counts.items())]
    return {"requests": requests, "counts": counts, "use": dict(services.db.use())}


@dataclass(frozen=True, slots=True)
class Siblings:
    """The processes behind one port: each leaves its figures in a folder that they share; None: it is alone."""

    folder: Path | None

    def leave(self, services: Services) -> None:
        """Leave the figures of this process, whole or as they were."""
        if self.folder is None:
            return
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=".", delete=False) as draft:
            draft.write(orjson.dumps(told(services)))
        Path(draft.name).replace(self.folder / f"{os.getpid()}.json")

    def gather(self, services: Services) -> Snapshot:
        """The figures of all of them: those of this process as of now."""
        snapshot = Snapshot()
        snapshot.add(told(services), is_alive=True)
        for file in sorted(self.folder.glob("*.json")) if self.folder is not None else ():
            pid = int(file.stem)
            if pid != os.getpid():
                snapshot.add(orjson.loads(file.read_bytes()), is_alive=Path(f"/proc/{pid}").exists())
        return snapshot


def render(snapshot: Snapshot, *, environment: str, backlog: Backlog | None, now: datetime) -> bytes:
    """The text of `/metrics`. `backlog` None: the database did not tell it."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Told([*_of_processes(snapshot), *_of_database(environment, backlog, now)]))
    return generate_latest(registry)


@dataclass(frozen=True, slots=True, eq=False)
class _Told(Collector):
    metrics: Sequence[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.metrics


def _of_processes(snapshot: Snapshot) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "tessera_requests", "Answers, by surface, operation and code.", labels=["surface", "operation", "code"]
    )
    times: dict[Label, list[float]] = {}
    for key, figures in sorted(snapshot.requests.items()):
        requests.add_metric(key, figures[0])
        known = times.setdefault(key[:2], [0.0] * len(figures))
        for place, figure in enumerate(figures):
            known[place] += figure
    yield requests
    seconds = HistogramMetricFamily(
        "tessera_request_seconds", "How long answers took.", labels=["surface", "operation"]
    )
    for labels, (_, total, *buckets) in times.items():
        seconds.add_metric(labels, list(_cumulated(buckets)), sum_value=total)
    yield seconds
    for names, kind in ((_COUNTERS, CounterMetricFamily), (_LATEST, GaugeMetricFamily)):
        for name, (called, label, text) in names.items():
            family = kind(called, text, labels=[label])
            for (counted, value), count in sorted(snapshot.counts.items()):
                if counted == name:
                    family.add_metric([value], count)
            yield family
    use = GaugeMetricFamily("tessera_database_use", "Connections, and writes that wait.", labels=["kind"])
    for kind_of_use, number in snapshot.use.items():
        use.add_metric([kind_of_use], number)
    yield use


def _cumulated(buckets: Sequence[float]) -> Iterator[tuple[str, float]]:
    total = 0.0
    for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), buckets, strict=True):
        total += count
        yield bound, total


def _of_database(environment: str, backlog: Backlog | None, now: datetime) -> Iterator[Metric]:
    info = GaugeMetricFamily("tessera_info", "Always 1.", labels=["version", "environment"])
    info.add_metric([version("tessera-loyalty"), environment], 1)
    yield info
    yield GaugeMetricFamily("tessera_database_up", "1 while the database answers.", value=backlog is not None)
    if backlog is None:
        return
    since = backlog.unnumbered_since
    lag = 0.0 if since is None else max(0.0, (now - since).total_seconds())
    yield GaugeMetricFamily("tessera_feed_lag_seconds", "Age of the oldest event without its place.", value=lag)
    yield GaugeMetricFamily("tessera_queue_pending", "Accepted transactions that wait.", value=backlog.queued)
    for name, text, label, counted in (
        ("tessera_batches", "Files, by type and status.", "status", backlog.batches),
        ("tessera_batch_rows", "Rows of files, by type and outcome.", "outcome", backlog.rows),
    ):
        family = GaugeMetricFamily(name, text, labels=["type", label])
        for labels, count in sorted(counted.items()):
            family.add_metric(labels, count)
        yield family
