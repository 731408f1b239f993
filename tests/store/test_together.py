"""Work that goes together: who waits for whom, and whose fault is whose."""

import asyncio
from collections.abc import Sequence
from typing import Any

from domain.store.together import Together


class Undone(Exception):
    """A fault that undid its run."""


class Counter:
    """Serves numbers, in runs that can be held up; -1 undoes its run, -2 breaks it for everybody."""

    def __init__(self, *, shares: bool = True, **options: int) -> None:
        self.runs: list[tuple[str, list[int]]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        settings = {"most": 4, "moving": 2, "runs": 3, "of_kind": 3} | options
        self.together: Together[str, int, int] = Together(
            self.serve, is_undone=lambda error: isinstance(error, Undone), shares=shares, **settings
        )

    async def serve(self, kind: str, items: Sequence[int]) -> list[int]:
        self.runs.append((kind, list(items)))
        await self.gate.wait()
        if -1 in items:
            raise Undone
        if -2 in items:
            raise OSError
        return [10 * one for one in items]

    async def all(self, kind: str, items: Sequence[int]) -> list[Any]:
        return await asyncio.gather(*(self.together.add(kind, one) for one in items), return_exceptions=True)


async def test_neighbours_of_one_kind_go_together_in_order_up_to_the_most() -> None:
    counter = Counter()
    results = await asyncio.gather(counter.all("a", range(6)), counter.all("b", [7]), counter.all("a", [8]))
    assert list(results) == [[0, 10, 20, 30, 40, 50], [70], [80]]
    assert counter.runs == [("a", [0, 1, 2, 3]), ("a", [4, 5]), ("b", [7]), ("a", [8])]


async def test_whoever_is_alone_waits_for_nobody() -> None:
    counter = Counter()
    assert await counter.together.add("a", 1) == 10
    assert counter.runs == [("a", [1])]


async def test_an_undone_run_is_tried_again_one_by_one() -> None:
    counter = Counter(moving=1)
    results = await counter.all("a", [1, -1, 2])
    assert [type(one) if isinstance(one, BaseException) else one for one in results] == [10, Undone, 20]
    assert counter.runs == [("a", [1, -1, 2]), ("a", [1]), ("a", [-1]), ("a", [2])]


async def test_a_run_whose_outcome_is_unknown_is_not_tried_again() -> None:
    counter = Counter(moving=1)
    results = await counter.all("a", [1, -2, 2])
    assert [type(one) for one in results] == [OSError] * 3
    assert len(counter.runs) == 1


async def test_a_run_that_stands_still_does_not_hold_up_the_others() -> None:
    counter = Counter(most=1)
    counter.gate.clear()
    held = [asyncio.create_task(counter.together.add("a", number)) for number in range(2)]
    await asyncio.sleep(0.06)
    counter.gate.set()
    counter.gate = asyncio.Event()
    later = asyncio.create_task(counter.together.add("a", 2))
    for _ in range(4):
        await asyncio.sleep(0)
    assert len(counter.runs) == 3
    counter.gate.set()
    assert await asyncio.gather(*held, later) == [0, 10, 20]


async def test_a_second_run_begins_only_with_as_many_as_are_being_served() -> None:
    counter = Counter()
    counter.gate.clear()
    first = [asyncio.create_task(counter.together.add("a", number)) for number in range(4)]
    await asyncio.sleep(0.01)
    assert counter.runs == [("a", [0, 1]), ("a", [2, 3])]
    counter.gate.set()
    assert await asyncio.gather(*first) == [0, 10, 20, 30]

    counter.runs.clear()
    counter.gate.clear()
    held = [asyncio.create_task(counter.together.add("a", 0))]
    await asyncio.sleep(0.001)
    held += [asyncio.create_task(counter.together.add("a", number)) for number in (1, 2, 3, 4)]
    await asyncio.sleep(0.001)
    assert counter.runs == [("a", [0]), ("a", [1, 2, 3])]
    counter.gate.set()
    assert await asyncio.gather(*held) == [0, 10, 20, 30, 40]


async def test_without_shares_a_run_begins_with_all_that_waits() -> None:
    counter = Counter(shares=False)
    counter.gate.clear()
    held = [asyncio.create_task(counter.together.add("a", number)) for number in range(3)]
    await asyncio.sleep(0.001)
    held += [asyncio.create_task(counter.together.add("a", 3))]
    await asyncio.sleep(0.001)
    assert counter.runs == [("a", [0, 1, 2]), ("a", [3])]
    counter.gate.set()
    assert await asyncio.gather(*held) == [0, 10, 20, 30]


async def test_what_waits_behind_runs_that_stand_still_begins_without_a_new_arrival() -> None:
    counter = Counter(most=1)
    counter.gate.clear()
    held = [asyncio.create_task(counter.together.add("a", number)) for number in range(3)]
    await asyncio.sleep(0.01)
    assert len(counter.runs) == 2
    await asyncio.sleep(0.15)
    assert len(counter.runs) == 3
    counter.gate.set()
    assert await asyncio.gather(*held) == [0, 10, 20]


async def test_who_needs_what_a_run_that_stands_still_holds_waits_for_it_alone() -> None:
    counter = Counter(runs=8, of_kind=8)
    counter.gate.clear()
    held = [asyncio.create_task(counter.together.add("a", 0, "locked"))]
    await asyncio.sleep(0.06)
    held += [asyncio.create_task(counter.together.add("a", number, "locked")) for number in (1, 2)]
    held += [asyncio.create_task(counter.together.add("a", 3, "free"))]
    await asyncio.sleep(0.01)
    assert counter.runs == [("a", [0]), ("a", [3])]
    counter.gate.set()
    assert await asyncio.gather(*held) == [0, 10, 20, 30]
    assert [items for _, items in counter.runs[2:]] in ([[1, 2]], [[1], [2]])


async def test_runs_of_one_kind_that_stand_still_do_not_keep_other_kinds_from_theirs() -> None:
    counter = Counter(runs=4, of_kind=2)
    counter.gate.clear()
    held = []
    for number in range(4):
        held.append(asyncio.create_task(counter.together.add("a", number, number)))
        await asyncio.sleep(0.06)
    held.append(asyncio.create_task(counter.together.add("b", 4, 4)))
    await asyncio.sleep(0.01)
    assert counter.runs == [("a", [0]), ("a", [1]), ("b", [4])]
    counter.gate.set()
    assert await asyncio.gather(*held) == [0, 10, 20, 30, 40]


async def test_finish_waits_for_what_is_under_way() -> None:
    counter = Counter()
    counter.gate.clear()
    task = asyncio.create_task(counter.together.add("a", 1))
    await asyncio.sleep(0)
    # It has not even begun.
    finishing = asyncio.create_task(counter.together.finish())
    await asyncio.sleep(0)
    assert not finishing.done()
    counter.gate.set()
    await finishing
    assert await task == 10
