"""A worker that is killed between any two of its steps: the next one ends in the same state."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ingestion import inbox as inbox_module
from ingestion import load as load_module
from tests.ingestion.desk import MEMBERS, RULES, Desk, new_program, points_of, transactions
from tests.ingestion.mailroom import Mailroom

ROWS = [f"T{n},DR,{n},2026-07-01,M{n % 20 + 1},{'MUSIC' if n % 5 else 'MUSIK'}" for n in range(1, 21)]

STEPS = [
    (inbox_module, "take"),
    (inbox_module, "inspect"),
    (inbox_module, "open_batch"),
    (inbox_module, "keep_for_batch"),
    (load_module, "open_batch"),
    (load_module, "check_batch"),
    (load_module, "post_batch_lines"),
    (load_module, "finish_batch"),
    (load_module, "write_handback"),
    (load_module, "forget_refusal"),
    (inbox_module, "put_away"),
]


class Killed(BaseException):
    """The process ended here."""


def killing(step: Callable[..., Any], call: int, *, after: bool) -> Callable[..., Any]:
    """The step, of which one call does not come to its end: it was not begun, or nobody learned its outcome."""
    calls = 0

    def is_over(done: bool) -> bool:
        nonlocal calls
        calls += not done
        return calls == call and done is after

    def sync(*given: Any, **named: Any) -> Any:
        if is_over(False):
            raise Killed
        result = step(*given, **named)
        if is_over(True):
            raise Killed
        return result

    async def awaited(*given: Any, **named: Any) -> Any:
        if is_over(False):
            raise Killed
        result = await step(*given, **named)
        if is_over(True):
            raise Killed
        return result

    return awaited if asyncio.iscoroutinefunction(step) else sync


def send_all(mailroom: Mailroom) -> None:
    """Two files to load, and one that was seen."""
    mailroom.send("July_CPD.csv", MEMBERS)
    mailroom.send("July_TXN.csv", transactions(*ROWS))
    mailroom.send("July_TXN.csv.sha256", "f" * 64, "CPD")
    mailroom.send("Wrong_CPD.csv", MEMBERS, "TXN")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize(("module", "name"), STEPS, ids=[f"{m.__name__[10:]}-{n}" for m, n in STEPS])
async def test_a_worker_that_is_killed_between_two_steps_is_gone_on_from(
    mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, call: int, after: bool
) -> None:
    monkeypatch.setattr(load_module, "CHUNK_ROWS", 5)
    rules = RULES + b"files: {reject_limit_percent: 99}\n"
    desk = mailroom.desk
    first, second = [
        Mailroom(Desk(await new_program(desk.ctx.services, rules, one), desk.data_dir, desk.uploads), mailroom.watch)
        for one in ("Undisturbed", "Killed")
    ]
    for each in (first, second):
        send_all(each)
    await first.drain()
    with monkeypatch.context() as patch:
        patch.setattr(module, name, killing(getattr(module, name), call, after=after))
        try:
            await second.drain()
        except Killed:
            pass
        else:
            # There is no such call.
            assert call > 1
    await second.drain()
    assert (second.left, second.processed, second.handbacks) == (first.left, first.processed, first.handbacks)
    assert await second.desk.digest() == await first.desk.digest()
    assert await points_of(second.desk) == await points_of(first.desk)
    for stem in ("July_CPD", "July_TXN"):
        results = [[row | {"external_reference": ""} for row in one.desk.results(stem)] for one in (first, second)]
        assert results[0] == results[1]
        assert first.desk.rejects(stem) == second.desk.rejects(stem)
        own = {"batch_id": 0, "started_at": "", "finished_at": ""}
        sums = [one.desk.summary(stem) | own for one in (first, second)]
        assert sums[0] == sums[1]
