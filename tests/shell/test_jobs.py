"""Background jobs: they go on after a failure, and stop in good order."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest
from structlog.testing import capture_logs

import tessera.jobs
from domain.errors import ServiceUnavailable
from resolvers.context import Services
from resolvers.figures import Figures
from tessera.jobs import Job, running_jobs

SERVICES = cast(Services, SimpleNamespace(figures=Figures()))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tessera.jobs, "FIRST_BACKOFF_S", 0.001)


async def test_a_job_runs_again_and_again() -> None:
    calls = 0
    enough = asyncio.Event()

    async def run(_: Services) -> int:
        nonlocal calls
        calls += 1
        if calls == 5:
            enough.set()
        return calls % 2

    async with running_jobs(SERVICES, (Job(name="counting", run=run, pause_s=0.001),)):
        await asyncio.wait_for(enough.wait(), 5)
    stood = calls
    await asyncio.sleep(0.02)
    assert calls == stood


async def test_a_look_that_took_long_and_found_nothing_is_not_repeated_at_once() -> None:
    calls = 0
    enough = asyncio.Event()

    async def run(_: Services) -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.01)
        if calls == 3:
            enough.set()
        return int(calls < 3)

    # Busy it goes on; idle it rests for hours.
    job = Job(name="looking", run=run, pause_s=0.0, busy_pause_s=0.0, rest_share=1e6)
    async with running_jobs(SERVICES, (job,)):
        await asyncio.wait_for(enough.wait(), 5)
        await asyncio.sleep(0.1)
    assert calls == 3


@pytest.mark.parametrize("failure", [RuntimeError("a surprise"), ServiceUnavailable()])
async def test_a_failure_is_logged_and_the_job_goes_on(failure: Exception) -> None:
    calls = 0
    recovered = asyncio.Event()

    async def run(_: Services) -> int:
        nonlocal calls
        calls += 1
        if calls < 4:
            raise failure
        recovered.set()
        return 0

    with capture_logs() as logged:
        async with running_jobs(SERVICES, (Job(name="failing", run=run, pause_s=0.001),)):
            await asyncio.wait_for(recovered.wait(), 5)
    assert [entry["job"] for entry in logged] == ["failing"] * 3


async def test_one_job_that_fails_does_not_stop_another() -> None:
    worked = asyncio.Event()

    async def fail(_: Services) -> int:
        raise RuntimeError("always")

    async def work(_: Services) -> int:
        worked.set()
        return 0

    jobs = (Job(name="failing", run=fail, pause_s=0.001), Job(name="working", run=work, pause_s=0.001))
    async with running_jobs(SERVICES, jobs):
        await asyncio.wait_for(worked.wait(), 5)


async def test_stopping_lets_a_portion_end() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def run(_: Services) -> int:
        began.set()
        await asyncio.sleep(0.05)
        ended.set()
        return 1

    async with running_jobs(SERVICES, (Job(name="slow", run=run, pause_s=60),)):
        await began.wait()
    assert ended.is_set()


async def test_stopping_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tessera.jobs, "STOP_LIMIT_S", 0.02)
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def run(_: Services) -> int:
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return 0

    async with running_jobs(SERVICES, (Job(name="stuck", run=run, pause_s=60),)):
        await began.wait()
    assert cancelled.is_set()
