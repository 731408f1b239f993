"""A round of an endpoint: what is due is read, posted in the order of each member, and what became of it is noted.

An event that arrives leaves nothing behind but the position of its endpoint, which moves on at the end of the round.
A process that ends before is followed by one that posts the round again: at least once, and in order.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from domain.store import webhook as endpoints
from domain.store import webhook_delivery as store
from domain.store.webhook import MOST_BEHIND
from domain.webhook import signed_headers
from domain.webhook_event import topics_of, wants
from resolvers.carrier import Answer, Carrier, NoAnswer
from resolvers.context import Services
from resolvers.couriers import Lease
from resolvers.webhook_letter import Letter, write_letters

AT_ONCE = 8
"""Requests to one endpoint at a time, and how many of a round have to fail, with none that arrives, to end it."""
PAGE, LANES, RETRIES, SCAN = 100, 50, 200, 20_000
"""New events, members who are behind, events of those, and events that are looked through, in one round."""
ROUND_S = 20.0
"""After so long a round begins nothing any more."""
GONE = 410

_log = structlog.get_logger("tessera.webhooks")


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """An event to post. `known`: its row, where it was tried, or held back, before."""

    letter: Letter
    known: Row[Any] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What became of a request. `outcome` tells people; it holds nothing of what was sent or answered."""

    at: datetime
    is_delivered: bool
    outcome: str
    is_gone: bool = False
    retry_after_s: int | None = None


@dataclass(kw_only=True, slots=True)
class Round:
    """What is to be posted to an endpoint, and what became of it by number. `held` waits behind what failed before.

    `position`: up to where in the feed the endpoint is when the round is over.
    """

    endpoint: Row[Any]
    secrets: Sequence[str]
    items: Sequence[Item]
    held: Sequence[Letter]
    position: int
    attempts: dict[int, Attempt] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do, and nothing to note."""
        return not self.items and not self.held and self.position == self.endpoint.position

    @property
    def delivered(self) -> int:
        """How many arrived."""
        return sum(one.is_delivered for one in self.attempts.values())


def load_round(tx: Connection, services: Services, lease: Lease, now: datetime) -> Round | None:
    """What is to be done at an endpoint; None where the lease was lost, or the endpoint disabled."""
    row = endpoints.load_leased(tx, lease.program_id, lease.endpoint_id, lease.number)
    if row is None or not row.enabled:
        return None
    is_down = row.failures > 0
    due = store.due_deliveries(tx, row.program_id, row.id, now, lanes=AT_ONCE - 1 if is_down else LANES, limit=RETRIES)
    if is_down:
        due = [one for one in due if one.status == store.WAITING]
    events = store.load_events(tx, row.program_id, [one.feed_seq for one in due])
    until = min(endpoints.newest_number(tx, row.program_id), row.position + SCAN)
    limit = 0 if row.behind >= MOST_BEHIND else PAGE
    topics = topics_of(row.event_types)
    fresh = store.wanted_events(tx, row.program_id, topics, after=row.position, until=until, limit=limit)
    position = fresh[-1].seq if fresh and len(fresh) == limit else until if limit else row.position
    letters = write_letters(tx, services.programs.current(tx, row.program_id), [*events, *fresh])
    known = {one.feed_seq: one for one in due}
    new = [one for one in letters if one.seq not in known and wants(row.event_types, one.type)]
    blocked = store.blocked_lanes(tx, row.program_id, row.id, {one.lane for one in new})
    free = [one.seq for one in new if one.lane not in blocked]
    if is_down and len(free) > 1:
        # One new event is enough to see whether an endpoint is back; the others wait in the feed, at no cost.
        position = free[1] - 1
        new = [one for one in new if one.seq <= position]
    return Round(
        endpoint=row,
        secrets=secrets_of(services, row, now),
        items=[
            *(Item(letter=one, known=known[one.seq]) for one in letters if one.seq in known),
            *(Item(letter=one) for one in new if one.lane not in blocked),
        ],
        held=[one for one in new if one.lane in blocked],
        position=max(position, row.position),
    )


def secrets_of(services: Services, row: Row[Any], now: datetime) -> list[str]:
    """What an endpoint's messages are signed with: while one secret gives way to another, with both."""
    secrets = [services.keys.open_webhook(row.secret)]
    if row.old_secret is not None and row.old_secret_until > now:
        secrets.append(services.keys.open_webhook(row.old_secret))
    return secrets


@dataclass(slots=True)
class Posting:
    """Posts a round: several members at a time, the events of each in order, up to the first that fails."""

    round: Round
    carrier: Carrier
    clock: Callable[[], datetime]
    may_send: Callable[[], bool]
    _lanes: deque[list[Item]] = field(default_factory=deque)
    _workers: list[asyncio.Task[None]] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Post what can be posted; what became of it is in the round. What was not tried is not there."""
        self._lanes.extend(_by_lane(self.round.items))
        self._workers = [asyncio.create_task(self._work()) for _ in range(min(AT_ONCE, len(self._lanes)))]
        if self._workers:
            try:
                await asyncio.wait(self._workers)
            finally:
                self.end()
        for one in self._workers:
            if not one.cancelled():
                one.result()

    def end(self) -> None:
        """End requests that are under way: they count as not tried."""
        for one in self._workers:
            one.cancel()

    async def _work(self) -> None:
        while self._lanes:
            for item in self._lanes.popleft():
                if not self._goes_on:
                    return
                attempt = self.round.attempts[item.letter.seq] = await self._post(item.letter)
                if not attempt.is_delivered:
                    break

    @property
    def _goes_on(self) -> bool:
        tried, arrived = len(self.round.attempts), self.round.delivered
        is_down = tried >= AT_ONCE and not arrived
        return not is_down and time.monotonic() < self._began + ROUND_S and self.may_send()

    async def _post(self, letter: Letter) -> Attempt:
        now = self.clock()
        headers = signed_headers(self.round.secrets, letter.id, now, letter.body)
        try:
            answer = await self.carrier.post(self.round.endpoint.url, headers, letter.body)
        except NoAnswer as error:
            return Attempt(at=now, is_delivered=False, outcome=str(error))
        except Exception as error:
            # A fault of ours with one message counts as a failure of it, and stops nothing else.
            _log.exception("a webhook could not be posted")
            return Attempt(at=now, is_delivered=False, outcome=f"could not be posted ({type(error).__name__})")
        return attempt_of(answer, now)


def attempt_of(answer: Answer, at: datetime) -> Attempt:
    """What an answer says of an attempt."""
    return Attempt(
        at=at,
        is_delivered=answer.is_success,
        outcome=f"HTTP {answer.status}",
        is_gone=answer.status == GONE,
        retry_after_s=answer.retry_after_s,
    )


def _by_lane(items: Iterable[Item]) -> list[list[Item]]:
    lanes: dict[int, list[Item]] = {}
    for one in items:
        lanes.setdefault(one.letter.lane, []).append(one)
    return list(lanes.values())
