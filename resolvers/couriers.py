"""What a process knows of the webhooks that it delivers: who is under way, and that it is about to end."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

LEASE = timedelta(seconds=30)
"""How long a process that works on an endpoint may be silent before another takes it up."""
_SEND_S = 12.0
"""How much of that has to be left where something is sent: longer than any request takes, so that no two do."""


@dataclass(slots=True, eq=False)
class Lease:
    """An endpoint that this process works on, for as long as it says so."""

    program_id: int
    endpoint_id: int
    number: int
    _good_until: float = field(default_factory=lambda: time.monotonic() + LEASE.total_seconds())

    def prolonged(self, since: float) -> None:
        """It was prolonged in the database, by who began to do so at this instant of the monotonic clock."""
        self._good_until = since + LEASE.total_seconds()

    def lost(self) -> None:
        """Another process has it."""
        self._good_until = 0.0

    @property
    def is_good(self) -> bool:
        """Whether there is time to send something."""
        return time.monotonic() < self._good_until - _SEND_S


@dataclass(slots=True)
class Couriers:
    """`bell` rings when there may be something to deliver. `hurry`: what ends requests that are under way."""

    bell: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    hurry: set[Callable[[], None]] = field(default_factory=set)
    is_stopping: bool = False

    async def stop(self, patience_s: float) -> None:
        """Begin no request any more, wait so long for those under way, then end them; what they were is noted."""
        self.is_stopping = True
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=patience_s)
        for end in list(self.hurry):
            end()
        await asyncio.gather(*self.tasks, return_exceptions=True)
