"""Background jobs: what has to happen without anybody asking.

Each runs in every serving process and in `tessera worker`. Several processes on one PostgreSQL do each
other no harm: the use cases take locks and leave out what another process holds.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter, time

import structlog

from domain.errors import ServiceUnavailable
from domain.network import read_networks
from ingestion.outbound.writing import work_exports
from ingestion.parking import work_parked
from ingestion.sweep import sweep_files
from ingestion.visit.visitor import visit_due
from resolvers.context import Services
from resolvers.delivery import deliver_messages, sweep_messages
from resolvers.expiry import expire_due
from resolvers.lockout import sweep_lockouts
from resolvers.notice import write_notices
from resolvers.order_work import work_orders
from resolvers.outbox import read_feed, relay_outbox
from resolvers.queue_work import work_queue
from resolvers.rate import forget_full_buckets
from resolvers.reminder import remind_of_expiry
from resolvers.sign_in import sweep_sessions
from resolvers.tier import assess_tiers
from resolvers.watch import digest_days, verify_some
from resolvers.webhook_work import deliver_webhooks, stop_webhooks
from tessera.erasure_file import ErasureList
from tessera.settings import Settings

FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 60.0
BUSY_PAUSE_S = 0.2
STOP_LIMIT_S = 10.0

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """`run` does one portion and says how much it did; it rests for `pause_s` where that was nothing.

    `bell`: what this process rings when there is work, which ends the rest. `end`: what it does when the process ends.
    `rest_share`: where there was nothing to do it rests at least so many times as long as it took to find that out.
    """

    name: str
    run: Callable[[Services], Awaitable[int]]
    pause_s: float
    busy_pause_s: float = BUSY_PAUSE_S
    rest_share: float = 0.0
    bell: Callable[[Services], asyncio.Event] | None = None
    end: Callable[[Services], Awaitable[None]] | None = None


JOBS = (
    Job(name="outbox-relay", run=relay_outbox, pause_s=0.5),
    # What other processes number is told by PostgreSQL, and found by looking where that is lost.
    Job(name="feed", run=read_feed, pause_s=1.0, busy_pause_s=0.005, bell=lambda services: services.feed.bell),
    Job(
        name="webhooks",
        run=deliver_webhooks,
        pause_s=1.0,
        busy_pause_s=0.005,
        bell=lambda services: services.couriers.bell,
        end=stop_webhooks,
    ),
    Job(name="notices", run=write_notices, pause_s=2.0),
    Job(name="messages", run=deliver_messages, pause_s=0.5),
    # Whoever calls lifts what has lapsed; this is for what nobody asks about, and for readers of the database.
    Job(name="lockouts", run=sweep_lockouts, pause_s=60.0),
    Job(name="message-sweep", run=sweep_messages, pause_s=3600.0),
    # What another process accepted is found by looking; portions are small, so requests get their turn between them.
    Job(name="queue", run=work_queue, pause_s=0.25, busy_pause_s=0.005, bell=lambda services: services.queued),
    # Partners are asked, and what nobody fulfilled in time fails.
    Job(name="orders", run=work_orders, pause_s=1.0),
    Job(name="expiry", run=expire_due, pause_s=30.0),
    # Counts in days.
    Job(name="expiry-reminders", run=remind_of_expiry, pause_s=900.0),
    # Tiers go up with each posting; retention, which is all that this looks at, counts in days.
    Job(name="tiers", run=assess_tiers, pause_s=3600.0),
    Job(name="rate-limits", run=forget_full_buckets, pause_s=3600.0),
    Job(name="administrators' sessions", run=sweep_sessions, pause_s=3600.0),
)


def jobs_with_files(data_dir: Path) -> tuple[Job, ...]:
    """All jobs, with those that write files into the data folder."""
    # Each line that waits is looked at; of millions that takes seconds.
    parked = Job(name="parked-rows", run=lambda services: work_parked(services, data_dir), pause_s=5.0, rest_share=20.0)
    exports = Job(name="exports", run=lambda services: work_exports(services, data_dir), pause_s=5.0)
    # Outside the database, because a restored backup has to forget them again.
    erasures = Job(name="erasure-list", run=ErasureList(data_dir).keep, pause_s=30.0)
    return (*JOBS, parked, exports, erasures)


VISITORS = 3
"""Partners' servers that a process visits at a time: a slow one keeps the others waiting only where all are slow."""


def watching_jobs(settings: Settings) -> tuple[Job, ...]:
    """The further jobs that look after the books."""
    if settings.verify_accounts_per_minute == 0:
        return (DIGEST,)
    look = partial(verify_some, accounts_per_minute=settings.verify_accounts_per_minute)
    # Its pace is that of the whole deployment, however many processes look whether it is due.
    return (DIGEST, Job(name="verification", run=look, pause_s=5.0))


DIGEST = Job(name="daily-digest", run=digest_days, pause_s=300.0)


def file_jobs(settings: Settings) -> tuple[Job, ...]:
    """The further jobs of processes that take files."""
    visit = partial(visit_due, data_dir=settings.data_dir, networks=read_networks(settings.visit_networks))
    return (
        Job(name="files", run=partial(sweep_files, data_dir=settings.data_dir), pause_s=3600.0),
        *(Job(name=f"visits-{number}", run=visit, pause_s=5.0) for number in range(1, VISITORS + 1)),
    )


@asynccontextmanager
async def running_jobs(services: Services, jobs: tuple[Job, ...] = JOBS) -> AsyncIterator[None]:
    """Run the jobs for as long as the context lasts; at its end each finishes the portion it is at."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(_supervise(job, services, stop), name=job.name) for job in jobs]
    try:
        yield
    finally:
        stop.set()
        _, late = await asyncio.wait(tasks, timeout=STOP_LIMIT_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def _supervise(job: Job, services: Services, stop: asyncio.Event) -> None:
    """Run a job again and again; a failure is logged and waited out, twice as long each time."""
    backoff_s = FIRST_BACKOFF_S
    bell = None if job.bell is None else job.bell(services)
    while not stop.is_set():
        if bell is not None:
            bell.clear()
        wakers = [stop] if bell is None else [stop, bell]
        began = perf_counter()
        figures = services.figures
        try:
            # A busy job rests too, so that requests always come between its portions.
            done = await job.run(services)
            took_s = perf_counter() - began
            idle_s = max(job.pause_s, took_s * job.rest_share)
            rest_s = idle_s if done == 0 else min(job.busy_pause_s, job.pause_s)
            backoff_s = FIRST_BACKOFF_S
            figures.count("job_portions", job.name)
            figures.count("job_items", job.name, done)
            figures.count("job_seconds", job.name, took_s)
            figures.put("job_last_success", job.name, time())
        except ServiceUnavailable as error:
            figures.count("job_failures", job.name)
            _log.warning("job waits for the database", job=job.name, reason=str(error))
            rest_s, backoff_s, wakers = backoff_s, min(backoff_s * 2, LONGEST_BACKOFF_S), [stop]
        except Exception:
            figures.count("job_failures", job.name)
            _log.exception("job failed, and is tried again", job=job.name, after_s=backoff_s)
            rest_s, backoff_s, wakers = backoff_s, min(backoff_s * 2, LONGEST_BACKOFF_S), [stop]
        await _rest(wakers, rest_s)
    if job.end is not None:
        await job.end(services)


async def _rest(wakers: Sequence[asyncio.Event], seconds: float) -> None:
    """Rest for so long, or until one of these is set."""
    waiting = [asyncio.create_task(one.wait()) for one in wakers]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
