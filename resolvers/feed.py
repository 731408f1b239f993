"""What a process knows of the feed: one reader for all who follow it, and how far each of them is.

Whoever follows a program first catches up from the database, page by page at its own pace, and then is handed what
the reader finds. No more than so many events wait for anybody: who does not take them in time is cut off, and
comes back with the number of the last event that it saw.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from domain.access import Principal
from domain.errors import TooManyRequests
from domain.store.feed import Selection, StoredEvent

PAGE = 100
MAX_QUEUED = 1000
MAX_OF_MEMBER, MAX_OF_CLIENT, MAX_OF_PROCESS = 20, 1000, 5000
"""How many subscriptions one caller, and all together, may have in a process."""


class FollowerTooSlow(Exception):
    """More events wait for somebody than are kept."""


class FeedStopped(Exception):
    """The process is about to end."""


@dataclass(slots=True, eq=False)
class Follower:
    """Somebody who follows a program. `position`: the number up to which it was given what it asked for."""

    selection: Selection
    position: int
    is_live: bool = False
    _waiting: deque[StoredEvent] = field(default_factory=deque)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _is_late: bool = False
    _is_stopped: bool = False

    def offer(self, event: StoredEvent) -> None:
        """Keep an event for it, if it is one that it asked for and cannot find in the database by itself."""
        if self.is_live and event.seq > self.position and self.selection.has(event):
            if len(self._waiting) >= MAX_QUEUED:
                self._is_late = True
            else:
                self._waiting.append(event)
            self._woken.set()

    def stop(self) -> None:
        """Let it end."""
        self._is_stopped = True
        self._woken.set()

    def check(self) -> None:
        """Raise FeedStopped, FollowerTooSlow."""
        if self._is_stopped:
            raise FeedStopped
        if self._is_late:
            raise FollowerTooSlow

    async def take(self, timeout_s: float) -> list[StoredEvent]:
        """The next events, or none where none came in time. Raises FeedStopped, FollowerTooSlow."""
        if not self._waiting and not self._is_stopped:
            self._woken.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._woken.wait()
            except TimeoutError:
                return []
        self.check()
        return [self._waiting.popleft() for _ in range(min(PAGE, len(self._waiting)))]


@dataclass(slots=True)
class _Followers:
    """Those of one program, by the members that they follow, so that an event is offered to few; None: to any."""

    _all: set[Follower] = field(default_factory=set)
    _of: dict[int | None, set[Follower]] = field(default_factory=lambda: defaultdict(set))

    def __bool__(self) -> bool:
        return bool(self._all)

    def __iter__(self) -> Iterator[Follower]:
        return iter(self._all)

    def add(self, follower: Follower) -> None:
        """Offer it what it selects from now on."""
        self._all.add(follower)
        for key in _keys(follower.selection):
            self._of[key].add(follower)

    def discard(self, follower: Follower) -> None:
        """Offer it nothing any more."""
        self._all.discard(follower)
        for key in _keys(follower.selection):
            self._of[key].discard(follower)
            if not self._of[key]:
                del self._of[key]

    def publish(self, event: StoredEvent) -> None:
        """Offer an event to whoever may want it."""
        # The key None stands for itself only once, for events of no member.
        for key in {None, event.member_id}:
            for follower in self._of.get(key, ()):
                follower.offer(event)


def _keys(selection: Selection) -> Collection[int | None]:
    return (None,) if selection.member_ids is None else selection.member_ids


@dataclass(slots=True)
class Feed:
    """Followers by program, and how far the reader is in each. `recheck_s`: how long an idle caller is believed."""

    recheck_s: float = 15.0
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    is_stopping: bool = False
    _positions: dict[int, int] = field(default_factory=dict)
    _followers: dict[int, _Followers] = field(default_factory=lambda: defaultdict(_Followers))
    _counts: Counter[tuple[int, str]] = field(default_factory=Counter)

    @property
    def positions(self) -> dict[int, int]:
        """How far the reader is, by program that anybody follows."""
        return dict(self._positions)

    def position(self, program_id: int) -> int:
        """How far the reader is in a program that somebody follows."""
        return self._positions[program_id]

    @contextmanager
    def counted(self, principal: Principal) -> Iterator[None]:
        """Count a subscription of this caller while it lasts. Raises TooManyRequests."""
        key = (principal.program, principal.member_reference or principal.actor)
        most = MAX_OF_CLIENT if principal.member_reference is None else MAX_OF_MEMBER
        if self._counts[key] >= most or self._counts.total() >= MAX_OF_PROCESS:
            raise TooManyRequests("too many subscriptions at once", retry_after_s=5)
        self._counts[key] += 1
        try:
            yield
        finally:
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key]

    @contextmanager
    def followed(self, program_id: int, newest: int, follower: Follower) -> Iterator[None]:
        """Follow a program; the reader begins behind `newest` where nobody follows it yet. Raises FeedStopped."""
        if self.is_stopping:
            raise FeedStopped
        self._positions.setdefault(program_id, newest)
        self._followers[program_id].add(follower)
        try:
            yield
        finally:
            self._followers[program_id].discard(follower)
            if not self._followers[program_id]:
                del self._followers[program_id], self._positions[program_id]

    def reselect(self, program_id: int, follower: Follower, selection: Selection) -> None:
        """Go on with another selection, which a merge may have changed."""
        self._followers[program_id].discard(follower)
        follower.selection = selection
        self._followers[program_id].add(follower)

    def publish(self, program_id: int, events: Sequence[StoredEvent]) -> None:
        """Hand the next events of a program to all who follow it."""
        if not events or program_id not in self._positions:
            return
        for event in events:
            self._followers[program_id].publish(event)
        self._positions[program_id] = events[-1].seq

    def stop(self) -> None:
        """End every subscription, and take no more."""
        self.is_stopping = True
        for followers in self._followers.values():
            for one in followers:
                one.stop()
