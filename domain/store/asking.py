"""Reads that say what they need, step by step, so that what goes together is asked together (docs/adr/0016)."""

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection

from domain.errors import TesseraError
from domain.store.reading import Reading, read_together

Found = TypeVar("Found")

Need: TypeAlias = "Reading[Any] | Callable[[Connection], Any]"
"""A statement, or what has to be done with the database itself and may ask several."""

Asking: TypeAlias = Generator[Sequence[Need], Sequence[Any], Found]
"""A read: it yields what it needs next and is given what was found. It may be begun again, so it changes nothing."""


def need(one: "Reading[Found] | Callable[[Connection], Found]") -> Asking[Found]:
    """One thing that is needed."""
    [found] = yield [one]
    return found  # type: ignore[no-any-return]  # what is found is of the kind that was needed


def together(*askings: Asking[Any]) -> Asking[list[Any]]:
    """Several as one: what they need next is asked at once, and once if it is the same. Raises what one raises."""
    if len(askings) == 1:
        return [(yield from askings[0])]
    results: list[Any] = [None] * len(askings)
    waiting: dict[int, Sequence[Need]] = {}

    def go_on(place: int, found: Any) -> None:
        try:
            waiting[place] = askings[place].send(found)
        except StopIteration as end:
            waiting.pop(place, None)
            results[place] = end.value

    for place in range(len(askings)):
        go_on(place, None)
    while waiting:
        needs = {id(one): one for wanted in waiting.values() for one in wanted}
        answers = dict(zip(needs, (yield list(needs.values())), strict=True))
        for place, wanted in list(waiting.items()):
            go_on(place, [answers[id(one)] for one in wanted])
    return results


def answer(tx: Connection, asking: Asking[Found]) -> Found:
    """What a read finds in a database transaction. Raises what it raises.

    A refusal of what it needed is raised within it, where it may be caught.
    """
    try:
        needs = next(asking)
        while True:
            try:
                found = _find(tx, needs)
            except TesseraError as refusal:
                needs = asking.throw(refusal)
            else:
                needs = asking.send(found)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # as above


def _find(tx: Connection, needs: Sequence[Need]) -> list[Any]:
    readings = [one for one in needs if isinstance(one, Reading)]
    found = iter(read_together(tx, *readings))
    return [next(found) if isinstance(one, Reading) else one(tx) for one in needs]
