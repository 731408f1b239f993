"""How a loader asks: what many fields ask for at once becomes one call of a use case, or one call after the other."""

# What functions within functions say of their types is not to be worked out each time.
from __future__ import annotations

from asyncio import shield
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from strawberry.dataloader import DataLoader

from domain.errors import TesseraError
from resolvers.context import Context

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class _SharedLoader(DataLoader[Key, Value]):
    """A loader whose answers many fields wait for: where an error cancels one of them, the others go on waiting."""

    def load(self, key: Key) -> Awaitable[Value]:
        return shield(super().load(key))


def by_key(load: Callable[[list[Key]], Awaitable[Mapping[Key, Value]]]) -> DataLoader[Key, Value | None]:
    """A loader of many keys at once; what is not found is None."""

    async def load_many(keys: list[Key]) -> Sequence[Value | None]:
        found = await load(keys)
        return [found.get(key) for key in keys]

    return _SharedLoader(load_fn=load_many)


def _one_by_one(load: Callable[[Key], Awaitable[Value]]) -> DataLoader[Key, Value]:
    """A loader of one key after the other, for what has no use case for many."""

    async def load_many(keys: list[Key]) -> Sequence[Value | BaseException]:
        return [await _outcome(load(key)) for key in keys]

    return _SharedLoader(load_fn=load_many)


class ByKey(Generic[Key, Value]):
    """A loader of what a use case gives for many keys at once, made when a request first asks for it."""

    def __init__(self, load: Callable[[Context, list[Key]], Awaitable[Mapping[Key, Value]]]) -> None:
        self._load = load

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, loaders: Any, owner: type | None = None) -> DataLoader[Key, Value | None]:
        load, ctx = self._load, loaders.ctx
        # From now on the instance's own attribute is found first.
        made = loaders.__dict__[self._name] = by_key(lambda keys: load(ctx, keys))
        return made


class OneByOne(Generic[Key, Value]):
    """The same for what has no use case for many at once."""

    def __init__(self, load: Callable[[Context, Key], Awaitable[Value]]) -> None:
        self._load = load

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, loaders: Any, owner: type | None = None) -> DataLoader[Key, Value]:
        load, ctx = self._load, loaders.ctx
        made: DataLoader[Key, Value] = _one_by_one(lambda key: load(ctx, key))
        loaders.__dict__[self._name] = made
        return made


async def _outcome(pending: Awaitable[Any]) -> Any:
    """The value, or the refusal in its place, so that one refused key leaves the others alone."""
    try:
        return await pending
    except TesseraError as refusal:
        return refusal
