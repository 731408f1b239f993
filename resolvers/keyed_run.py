"""The idempotency keys of a run: a key that stood before, or earlier in the run, is answered and not done again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from domain.errors import KeyReused, TesseraError
from domain.store.idempotency import Bound, refusal_outcome


class Keyed(Protocol):
    """What may have a key; the fingerprint says whether two are the same."""

    @property
    def key(self) -> str | None:
        """The key as stored."""

    @property
    def fingerprint(self) -> bytes:
        """What a repetition must have in common."""


Item = TypeVar("Item", bound=Keyed)
Result = TypeVar("Result")


@dataclass(slots=True)
class KeyedRun(Generic[Item]):
    """`bound` is what keys stood for before the run, and refusals since; `binding` is what it has to store."""

    bound: dict[str, Bound] = field(default_factory=dict)
    binding: dict[str, Bound] = field(default_factory=dict)
    _running: dict[str, Item] = field(default_factory=dict)

    def decide(
        self, one: Item, take: Callable[[Item], None], replay: Callable[[Item, Bound], Result]
    ) -> Item | Result | TesseraError:
        """The item that was taken (an earlier one with its key is taken once), a replay, or the refusal."""
        key = one.key
        try:
            if key in self.bound:
                return replay(one, self.bound[key])
            if key in self._running:
                return self._same(self._running[key], one)
            take(one)
        except TesseraError as error:
            if key and key not in self.bound and key not in self._running and error.binds_key:
                self.bound[key] = self.binding[key] = Bound(one.fingerprint, refusal_outcome(error))
            return error
        if key:
            self._running[key] = one
        return one

    def _same(self, first: Item, one: Item) -> Item:
        if first.fingerprint != one.fingerprint:
            raise KeyReused
        return first
