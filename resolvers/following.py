"""Use cases of who wants to be told: events of members and of batches, from any point of the feed on."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import InvalidRequest, MemberNotFound, RedemptionNotFound
from domain.models.types import to_json
from domain.store.batch import load_batch
from domain.store.feed import Selection, StoredEvent, newest_numbers, read_events
from domain.store.merge import answering, merged_ids
from domain.store.queue import find_queue_batch
from resolvers.access_cache import KnownToken
from resolvers.context import Context
from resolvers.feed import PAGE, Follower
from resolvers.progress import BATCH_TOPIC, file_progress, queue_progress

__all__ = ["BATCH_TOPIC", "ORDERS", "POSTINGS", "Event", "Recheck", "follow_batches", "follow_members", "newest_event"]

POSTINGS, ORDERS = "points.", "order."
"""How the topics of postings, and of orders, begin."""

# While events come, a caller whose token was revoked is found out as fast as in calls.
_FRESH_S = 1.0

Event: TypeAlias = StoredEvent
Recheck: TypeAlias = Callable[[], Awaitable[KnownToken]]
"""Asks again who the caller is. Raises Unauthorized where the token is good no longer."""
_Choose: TypeAlias = Callable[[Connection, Context], Selection]


async def newest_event(ctx: Context) -> int:
    """The number of the newest event of the caller's program; 0 before the first. Raises Forbidden."""
    ctx.principal.require(Permission.MEMBER_READ)
    program_id = ctx.principal.program
    return (await ctx.read(lambda tx: newest_numbers(tx, [program_id]))).get(program_id, 0)


def follow_members(
    ctx: Context, relation_reference: str | None, *, after: int | None, recheck: Recheck, prefix: str = ""
) -> AsyncGenerator[Sequence[Event], None]:
    """Events of a member, or of all members of the program, in pages; those behind the number `after`, or new ones.

    A member-bound caller follows its own member, whatever it was merged into. `prefix` is how the topics begin.
    Raises Forbidden, MemberNotFound (at any time: an erasure ends it), TooManyRequests, InvalidRequest (after),
    Unauthorized (at any time), FollowerTooSlow, FeedStopped.
    """

    def choose(tx: Connection, ctx: Context) -> Selection:
        ctx.principal.require(Permission.MEMBER_READ)
        ctx.principal.require(Permission.LEDGER_READ)
        reference = ctx.principal.member(relation_reference)
        if reference is None:
            return Selection(of_members=True, prefix=prefix)
        own = answering(tx, ctx.principal.program, reference)
        if own is None:
            raise MemberNotFound
        members = {own, *merged_ids(tx, ctx.principal.program, [own])}
        return Selection(of_members=True, prefix=prefix, member_ids=frozenset(members))

    return _follow(ctx, choose, after, recheck)


async def follow_batches(
    ctx: Context,
    *,
    after: int | None,
    recheck: Recheck,
    batch_id: int | None = None,
    queue_id: UUID | None = None,
) -> AsyncGenerator[Sequence[Event], None]:
    """How files and queued batches of the program get on, in pages of events: those behind `after`, or new ones.

    Of one file (`batch_id`) or one queued batch (`queue_id`) it begins with how far that is, and ends with its end.
    Raises Forbidden, RedemptionNotFound (123: no such batch), TooManyRequests, InvalidRequest (after), Unauthorized
    (at any time), FollowerTooSlow, FeedStopped.
    """

    def choose(_: Connection, ctx: Context) -> Selection:
        ctx.principal.require(Permission.BATCH_READ)
        return Selection(of_members=False, prefix=BATCH_TOPIC)

    if batch_id is None and queue_id is None:
        async with aclosing(_follow(ctx, choose, after, recheck)) as pages:
            async for page in pages:
                yield page
        return
    now = await ctx.read(lambda tx: _current(tx, ctx, batch_id, queue_id))
    if after is None or now.told["finished"]:
        yield [now]
        after = now.seq
    if now.told["finished"]:
        return
    wanted = {name: now.told.get(name) for name in ("batch_id", "queue_id")}
    async with aclosing(_follow(ctx, choose, after, recheck)) as pages:
        async for page in pages:
            mine = [one for one in page if {name: one.told.get(name) for name in wanted} == wanted]
            if mine:
                yield mine
            if mine and mine[-1].told["finished"]:
                return


def _current(tx: Connection, ctx: Context, batch_id: int | None, queue_id: UUID | None) -> Event:
    """How far a batch is, as an event. Raises Forbidden, RedemptionNotFound."""
    ctx.principal.require(Permission.BATCH_READ)
    program_id = ctx.principal.program
    # Read before the batch: what comes behind this number may say the same again, but leaves nothing out.
    seq = newest_numbers(tx, [program_id]).get(program_id, 0)
    if queue_id is None:
        file = load_batch(tx, program_id, batch_id or 0)
        told = None if file is None else file_progress(file)
    else:
        queued = find_queue_batch(tx, program_id, queue_id)
        told = None if queued is None else queue_progress(queued)
    if told is None:
        raise RedemptionNotFound("no such batch")
    return Event(seq=seq, topic=BATCH_TOPIC, member_id=None, payload=to_json(told), created_at=ctx.services.clock())


async def _follow(
    ctx: Context, choose: _Choose, after: int | None, recheck: Recheck
) -> AsyncGenerator[Sequence[Event], None]:
    feed, program_id = ctx.services.feed, ctx.principal.program

    def begin(tx: Connection) -> tuple[Selection, int]:
        return choose(tx, ctx), newest_numbers(tx, [program_id]).get(program_id, 0)

    with feed.counted(ctx.principal):
        selection, newest = await ctx.read(begin)
        if after is not None and after > newest:
            raise InvalidRequest("after: no event has this id yet", field="after")
        follower = Follower(selection, newest if after is None else after)
        with feed.followed(program_id, newest, follower):
            following = _Following(ctx, choose, recheck, follower)
            async with aclosing(following.pages()) as pages:
                async for page in pages:
                    yield page


@dataclass(slots=True)
class _Following:
    ctx: Context
    choose: _Choose
    recheck: Recheck
    follower: Follower
    _checked_at: float = field(default_factory=time.monotonic)
    _rest_s: float = 0.0

    async def pages(self) -> AsyncGenerator[Sequence[Event], None]:
        """What comes, for as long as the caller may have it."""
        while True:
            self.follower.check()
            page = await (self.follower.take(self._rest_s) if self.follower.is_live else self._catch_up())
            if time.monotonic() - self._checked_at >= (_FRESH_S if page else self._rest_s):
                await self._check()
                page = [one for one in page if self.follower.selection.has(one)]
            if page:
                yield page

    async def _catch_up(self) -> Sequence[Event]:
        """The next page from the database; when there is none, the reader hands on what comes."""
        ctx, follower, program_id = self.ctx, self.follower, self.ctx.principal.program
        target, position = ctx.services.feed.position(program_id), follower.position
        page: Sequence[Event] = ()
        if position < target:
            page = await ctx.read(
                lambda tx: read_events(
                    tx, program_id, after=position, until=target, limit=PAGE, selection=follower.selection
                )
            )
        is_full = len(page) == PAGE
        follower.position = max(position, page[-1].seq if is_full else target)
        # Nothing is handed on between this look and the next event, so nothing is missed and nothing comes twice.
        follower.is_live = follower.position >= ctx.services.feed.position(program_id)
        return page

    async def _check(self) -> None:
        """Ask again who the caller is, and what it may see by now. Raises Unauthorized, Forbidden, MemberNotFound."""
        known = await self.recheck()
        self.ctx = ctx = replace(self.ctx, principal=known.principal)
        selection = await ctx.read(lambda tx: self.choose(tx, ctx))
        ctx.services.feed.reselect(ctx.principal.program, self.follower, selection)
        self._checked_at = time.monotonic()
        self._rest_s = ctx.services.feed.recheck_s
        if known.generation is not None:
            left_s = (known.lapses_at - ctx.services.clock()).total_seconds()
            self._rest_s = max(0.0, min(self._rest_s, left_s))
