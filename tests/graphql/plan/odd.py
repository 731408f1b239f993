"""Objects that hold what they should not, now and then.

What an object holds follows from its seed alone, so that whoever asks again is told the same.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from random import Random
from types import SimpleNamespace
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.scalars import JSON

from domain.errors import MemberNotFound
from schema.scalar import Points

Info = strawberry.Info[Any, None]
Value = TypeVar("Value")

ERRORS = (ValueError("broken"), MemberNotFound(), KeyError("gone"))


@strawberry.enum
class Color(Enum):
    RED = "r"
    GREEN = "g"


class Loud(FieldExtension):
    """What an extension adds to a field."""

    def resolve(self, next_: Callable[..., Any], source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        """Say it aloud."""
        return str(next_(source, info, **kwargs)).upper()


class Even(BasePermission):
    """Lets only some see a field."""

    message = "odd ones may not"

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        """Whether the seed is even."""
        return bool(source.seed % 2 == 0)


def at(seed: int, name: str) -> Random:
    return Random(f"{seed}.{name}")  # noqa: S311 - nothing secret


def pick(seed: int, name: str, good: Any, *odd: Any, odds: float = 0.08) -> Any:
    """The good value nearly always, else an odd one."""
    random = at(seed, name)
    return random.choice((*odd, None, random.choice(ERRORS))) if random.random() < odds else good


def pick_or_raise(seed: int, name: str, good: Value, *odd: Any, odds: float = 0.08) -> Value:
    """The same, but errors are raised."""
    value = pick(seed, name, good, *odd, odds=odds)
    if isinstance(value, Exception):
        raise value
    return value  # type: ignore[no-any-return]


async def slowly(seed: int, name: str, value: Value) -> Value:
    for _ in range(at(seed, name + "?").randint(0, 3)):
        await asyncio.sleep(0)
    return value


async def items(values: list[Any], *, fails: bool) -> AsyncIterator[Any]:
    for value in values:
        await asyncio.sleep(0)
        yield value
    if fails:
        raise ERRORS[0]


@strawberry.type
class Plain:
    """All attributes, some of which are not what they should be."""

    text: str
    number: int | None
    ratio: float | None
    color: Color | None
    points: Points | None
    at: datetime | None
    anything: JSON | None
    words: list[str]
    grid: list[list[int | None]] | None
    inner: "Plain | None"
    others: list["Plain"] | None
    maybe_others: list["Plain | None"] | None


def plain(seed: int, depth: int = 2) -> Plain:
    """A plain object."""
    below = [plain(seed * 7 + one, depth - 1) for one in range(at(seed, "n").randint(0, 3))] if depth else []

    def one(name: str, good: Any, *odd: Any) -> Any:
        return pick(seed, name, good, *odd, odds=0.02)

    return Plain(
        text=one("text", f"text {seed}", seed, b"bytes"),
        number=one("number", seed % 100, 2**40, "12", "x", True),
        ratio=one("ratio", seed / 3, float("nan"), seed, Decimal("1.5")),
        color=one("color", Color.RED if seed % 2 else Color.GREEN, "r", "BLUE"),
        points=one("points", Points(Decimal(seed)), "no number"),
        at=one("at", datetime(2026, 1, 1, tzinfo=UTC), "yesterday"),
        anything=one("anything", JSON({"a": [seed]}), [1], "x"),
        words=one("words", ["a", "b"], ("c", "d"), "abc", ["a", None], {"a": 1}, iter(["a"])),
        grid=one("grid", [[1, None], []], [None, [1]], [[1], "x"], [[1, "no"]]),
        inner=one("inner", below[0] if below else None, "no object", SimpleNamespace(text="a thing of no type")),
        others=one("others", below, [*below, None], [*below, ValueError("an item")]),
        maybe_others=one("maybe_others", tuple(below), [*below, None], [*below, ValueError("an item")]),
    )


@strawberry.interface
class Named:
    """What all animals have."""

    seed: int
    name: str

    @strawberry.field
    async def friend(self, info: Info) -> "Named | None":
        """Somebody else, loaded with others."""
        return pick_or_raise(self.seed, "friend", await info.context.load(self.seed % 13), "a stranger")  # type: ignore[no-any-return]


@strawberry.type
class Cat(Named):
    """An animal."""

    lives: int

    @strawberry.field
    def plain(self) -> Plain:
        """An object that must be there."""
        return pick_or_raise(self.seed, "plain", plain(self.seed))


@strawberry.type
class Dog(Named):
    """Another animal."""

    @strawberry.field
    async def tricks(self) -> int | None:
        """What only dogs know."""
        return await slowly(self.seed, "tricks", pick_or_raise(self.seed, "tricks", 1, "one"))

    @strawberry.field
    async def must(self) -> int:
        """A number that must be there."""
        return await slowly(self.seed, "must", pick_or_raise(self.seed, "must", 1, "one"))


Animal = Annotated[Cat | Dog, strawberry.union("Animal")]


def animal(seed: int) -> Any:
    """A cat or a dog."""
    name = pick(seed, "name", f"Animal {seed}", 12)
    return Cat(seed=seed, name=name, lives=9) if seed % 2 else Dog(seed=seed, name=name)
