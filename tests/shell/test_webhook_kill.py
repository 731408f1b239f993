"""`kill -9` of processes in the middle of deliveries: every event arrives, in order for each member, signed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from resolvers.bonus import PostBonus, post_bonus
from resolvers.context import Context
from resolvers.member import EnrollMember, enroll_member
from resolvers.webhook import SaveWebhook, list_webhooks, save_webhook
from resolvers.webhook_record import Webhook
from tessera.runtime import find_program, open_runtime, program_context
from tessera.settings import PREFIX, Settings
from tests.ingestion.test_worker_kill import Processes
from tests.receiver import Received, Receiver, Reply, receiving
from tests.scale import long_run
from tests.servers import CONFIGURATION, Deployment

MEMBERS, BONUSES, KILLS = 20, 3, 5 if long_run else 1
EVENTS = MEMBERS * (1 + BONUSES)

Result = TypeVar("Result")


def in_process(deployment: Deployment, program_id: int, work: Callable[[Context], Awaitable[Result]]) -> Result:
    """Do something in the program: where a server runs, only read."""
    given = deployment.environment.items()
    own: dict[str, Any] = {name.removeprefix(PREFIX).lower(): value for name, value in given if PREFIX in name}
    own["_env_file"] = None

    async def run() -> Result:
        async with open_runtime(Settings(**own)) as runtime:
            return await work(program_context(runtime, await find_program(runtime, program_id)))

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, run()).result()


def noted(deployment: Deployment, program_id: int) -> Sequence[Webhook]:
    """The endpoints once it is noted that everything arrived, which is a moment after it did."""
    until = time.monotonic() + 60
    while (known := in_process(deployment, program_id, list_webhooks))[0].behind and time.monotonic() < until:
        time.sleep(0.2)
    return known


async def happen(ctx: Context) -> None:
    """Members, and points for each."""
    for number in range(MEMBERS):
        await enroll_member(ctx, EnrollMember(values={"relation_reference": f"M-{number}", "status": 1}))
    for _ in range(BONUSES):
        for number in range(MEMBERS):
            given = PostBonus(
                relation_reference=f"M-{number}", points=Decimal(5), awarded_at=datetime(2026, 1, 1, tzinfo=UTC)
            )
            await post_bonus(ctx, given)


def first_places(receiver: Receiver) -> dict[str, list[int]]:
    """By member the numbers of its events, in the order in which each came first."""
    found: dict[str, list[int]] = {}
    for one in receiver.received:
        data = one.told["data"]
        numbers = found.setdefault(data["member"], [])
        if int(data["sequence"]) not in numbers:
            numbers.append(int(data["sequence"]))
    return found


async def test_every_event_arrives_in_order_however_often_processes_are_killed(
    database_url: str, tmp_path: Path
) -> None:
    deployment = Deployment(database_url, tmp_path, webhook_networks="127.0.0.0/8", log_level="warning")
    program_id = deployment.create_program("Killed", CONFIGURATION).program_id
    processes = Processes(deployment.environment, database_url.startswith("sqlite"), tmp_path / "log")
    receiver, limit = Receiver(), EVENTS // 4

    def hang_behind(one: Received) -> Reply:
        return Reply(hangs=len(receiver.received) > limit)

    receiver.reply = hang_behind
    with receiving(receiver):
        saved = in_process(
            deployment, program_id, lambda ctx: save_webhook(ctx, SaveWebhook(name="Hook", url=receiver.url))
        )
        in_process(deployment, program_id, happen)
        for _ in range(KILLS):
            processes.start()
            await asyncio.to_thread(receiver.wait_for, limit + 1, 90)
            for one in processes.running:
                one.kill()
                await asyncio.to_thread(one.wait)
            processes.running.clear()
            limit = len(receiver.received) + EVENTS // 4
        receiver.reply = lambda _: Reply()
        receiver.go_on.set()
        processes.start()
        while sum(map(len, first_places(receiver).values())) < EVENTS:
            await asyncio.to_thread(receiver.wait_for, len(receiver.received) + 1, 90)
        known = await asyncio.to_thread(noted, deployment, program_id)
        await processes.stop()
    assert saved.secret is not None
    assert receiver.verified(saved.secret)
    assert len({one.id for one in receiver.received}) == EVENTS
    for numbers in first_places(receiver).values():
        assert (len(numbers), numbers) == (1 + BONUSES, sorted(numbers))
    assert [(one.behind, one.dead) for one in known] == [(0, 0)]
