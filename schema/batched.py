"""How a loader asks: what many fields ask for at once becomes one call of a use case, or one call after the other."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

from strawberry.dataloader import DataLoader

from domain.errors import TesseraError

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def by_key(load: Callable[[list[Key]], Awaitable[Mapping[Key, Value]]]) -> DataLoader[Key, Value | None]:
    """A loader of many keys at once; what is not found is None."""

    async def load_many(keys: list[Key]) -> Sequence[Value | None]:
        found = await load(keys)
        return [found.get(key) for key in keys]

    return DataLoader(load_fn=load_many)


def one_by_one(load: Callable[[Key], Awaitable[Value]]) -> DataLoader[Key, Value]:
    """A loader of one key after the other, for what has no use case for many."""

    async def load_many(keys: list[Key]) -> Sequence[Value | BaseException]:
        return [await _outcome(load(key)) for key in keys]

    return DataLoader(load_fn=load_many)


async def _outcome(pending: Awaitable[Any]) -> Any:
    """The value, or the refusal in its place, so that one refused key leaves the others alone."""
    try:
        return await pending
    except TesseraError as refusal:
        return refusal
