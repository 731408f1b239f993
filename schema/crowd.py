"""The WebSockets of a process, counted: all, those of each caller, and those that do not say yet who they are."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from domain.access import Principal
from resolvers.feed import MAX_OF_CLIENT, MAX_OF_MEMBER
from schema.closing import TRY_AGAIN, Closed

Key = TypeVar("Key")

MAX_CONNECTIONS = 2000
# Of one address; who means well says in milliseconds who it is. Without this one machine could take all places.
MAX_WAITING = 100


@dataclass(slots=True)
class Crowd:
    """Who is connected."""

    _open: int = 0
    _waiting: Counter[str] = field(default_factory=Counter)
    _of: Counter[tuple[int | None, str]] = field(default_factory=Counter)

    def is_full(self, address: str) -> bool:
        """Whether nobody more is let in, or nobody more from this address."""
        return self._open >= MAX_CONNECTIONS or self._waiting[address] >= MAX_WAITING

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for one connection."""
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    @contextmanager
    def waiting(self, address: str) -> Iterator[None]:
        """For as long as nobody knows who it is."""
        self._waiting[address] += 1
        try:
            yield
        finally:
            _uncount(self._waiting, address)

    @contextmanager
    def known(self, principal: Principal) -> Iterator[None]:
        """For as long as it is a caller's. Raises Closed where the caller has too many."""
        key = principal.program_id, principal.member_reference or principal.actor
        if self._of[key] >= (MAX_OF_CLIENT if principal.member_reference is None else MAX_OF_MEMBER):
            raise Closed(TRY_AGAIN, "Too many connections")
        self._of[key] += 1
        try:
            yield
        finally:
            _uncount(self._of, key)


def _uncount(counts: Counter[Key], key: Key) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
