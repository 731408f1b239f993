"""What a process holds of the rate limits that it shares: slices, which it leases as it needs them."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

from domain.errors import TooManyRequests
from domain.rate import SECOND_NS, Lease, Rate, seconds_until

SLICE_LIFE_NS = SECOND_NS
"""A slice that was not used up by then is given up, so that no process saves requests for later."""

_SHARES = 4096

Ask = Callable[[int], Awaitable[Lease]]
"""Leases up to so many requests."""


@dataclass(slots=True)
class _Share:
    left: int = 0
    slice: int = 1
    lapses_at: int = 0
    closed_until: int = 0
    waiting: int = 0
    asked: asyncio.Future[None] | None = None

    def refuse_while_closed(self, now: int) -> None:
        if now < self.closed_until:
            raise TooManyRequests(retry_after_s=seconds_until(self.closed_until, now))

    def answered(self, done: asyncio.Future[None]) -> None:
        if self.asked is done:
            self.asked = None
        if not done.cancelled():
            done.exception()  # Nobody may be left who waits for it.


@dataclass(slots=True)
class RateShares:
    """Bounded; what it forgets was leased for nothing, which only lets fewer requests through."""

    _shares: OrderedDict[Hashable, _Share] = field(default_factory=OrderedDict)

    async def take(self, key: Hashable, rate: Rate, now_ns: Callable[[], int], ask: Ask) -> None:
        """Take one request out of the bucket `key`. Raises TooManyRequests, and whatever `ask` raises.

        Most calls find a slice here and wait for nothing; those that come while one is leased wait for it together.
        """
        share = self._share(key)
        while not share.left or now_ns() >= share.lapses_at:
            now = now_ns()
            # A clock that was put back must not close the bucket for longer than it takes to fill: ask again.
            if share.closed_until <= now + rate.span_ns:
                share.refuse_while_closed(now)
            share.waiting += 1
            try:
                await self._asked_once(share, rate, now_ns, ask)
            finally:
                share.waiting -= 1
            share.refuse_while_closed(now_ns())
        share.left -= 1

    def _share(self, key: Hashable) -> _Share:
        share = self._shares.get(key)
        if share is None:
            share = self._shares[key] = _Share()
            if len(self._shares) > _SHARES:
                self._shares.popitem(last=False)
        return share

    async def _asked_once(self, share: _Share, rate: Rate, now_ns: Callable[[], int], ask: Ask) -> None:
        if share.asked is None or share.asked.done():
            share.asked = asyncio.ensure_future(self._lease(share, rate, now_ns, ask))
            share.asked.add_done_callback(share.answered)
        # A caller that gives up does not take the slice away from the others.
        await asyncio.shield(share.asked)

    async def _lease(self, share: _Share, rate: Rate, now_ns: Callable[[], int], ask: Ask) -> None:
        """Lease the next slice: twice the last one where that was used up in time, else half of it."""
        grown = share.slice // 2 if share.left else share.slice * 2 if share.lapses_at > now_ns() else 1
        wanted = min(max(1, grown, share.waiting), rate.largest_slice)
        lease = await ask(wanted)
        now = now_ns()
        share.slice, share.left, share.lapses_at = wanted, lease.granted, now + SLICE_LIFE_NS
        share.closed_until = 0 if lease.granted else max(rate.opens_at(lease.full_at), now + 1)
