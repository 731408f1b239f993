"""Shares of a chunk at the same time, each in a lane: while one waits for the database, others are at the rules.

All lines of a member are in one share, in their order, and a share begins when the one before it in its lane stands.
Where lines of two members depend on each other a chunk stays whole, and where they do over two chunks, the second waits
for all of the first: what comes of a file never depends on who was first.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Self, TypeAlias
from unicodedata import normalize
from zlib import crc32

from sqlalchemy import Connection

from domain.access import Permission
from domain.crypto import lookup_form
from domain.errors import TesseraError
from domain.file_terms import MOST_LANES, FileTerms
from domain.member import ADDRESS_KEYS
from domain.store.member import are_merged, led_to
from resolvers.batch_line import BatchLine
from resolvers.batch_post import Posted, Share, post_share
from resolvers.bonus import PostBonus
from resolvers.context import Context
from resolvers.member import ImportMember
from resolvers.transaction import SubmitTransaction

LEAST_LINES = 100
"""A chunk of fewer is not worth a second database transaction."""

IN_FLIGHT = 2
"""Chunks of which lines may be posted while others of them are not: the oldest has to stand before a third begins."""

_BUCKETS = MOST_LANES
"""Members by what their references are hashed to. Each lane has some, so loaders with other lanes keep apart too."""


Post: TypeAlias = Callable[[Context, int, Share], Awaitable[Posted]]
"""Posts shares of this batch in the order in which it is called, and none after one that failed."""

Owners: TypeAlias = Mapping[tuple[str, str], str | None]
"""Whose in a chunk is what there is once in a program, by kind and value."""


@dataclass(slots=True)
class _Chunk:
    """What is under way of a chunk: `owners` is what may not stand at others in one beside it."""

    count: int
    owners: Owners
    shares: Sequence[asyncio.Future[Posted]]


@dataclass(slots=True)
class Lanes:
    """The lanes of one file, and the chunks that are under way in them; none is any more when it is left.

    Fewer than two: each chunk stands before the next begins. `width`: how many times the lines of a chunk that goes
    whole one may have. `standing`: how many lines stand of those that were given, without a gap. `posted`: how many of
    them did not before, and how many of these were `rejected`.
    """

    posts: Sequence[Post] = ()
    width: int = 1
    standing: int = 0
    posted: int = 0
    rejected: int = 0
    _chunks: deque[_Chunk] = field(default_factory=deque)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await asyncio.gather(*(share for chunk in self._chunks for share in chunk.shares), return_exceptions=True)

    async def post(self, ctx: Context, batch_id: int, lines: Sequence[BatchLine]) -> None:
        """Post a chunk: in one database transaction, or begin to in one for each share. Raises as `post_share` does."""
        ctx.principal.require(Permission.BATCH_WRITE)
        shares, owners = await shares_of(ctx, lines, len(self.posts))
        if len(shares) > 1 and not self._is_apart(owners):
            await self.end()
            # By now the ones before stand, and may decide on this one.
            shares, owners = await shares_of(ctx, lines, len(self.posts))
        if len(shares) == 1:
            await self.end()
            await self._post_whole(ctx, batch_id, lines)
            return
        while len(self._chunks) >= IN_FLIGHT:
            await self._end_oldest()
        begun = [asyncio.ensure_future(self.posts[lane](ctx, batch_id, share)) for lane, share in shares.items()]
        self._chunks.append(_Chunk(len(lines), owners, begun))

    async def end(self) -> None:
        """Wait for what is under way. Raises what posting raises, once its chunk has ended."""
        while self._chunks:
            await self._end_oldest()

    async def _post_whole(self, ctx: Context, batch_id: int, lines: Sequence[BatchLine]) -> None:
        """One after another as many lines as one database transaction may have."""
        most = -(-len(lines) // self.width)
        for first in range(0, len(lines), most):
            part = lines[first : first + most]
            self._note(len(part), [await post_share(ctx, batch_id, Share(lines=part))])

    def _is_apart(self, owners: Owners) -> bool:
        return all(chunk.owners[key] == owners[key] for chunk in self._chunks for key in chunk.owners.keys() & owners)

    async def _end_oldest(self) -> None:
        chunk, ended = self._chunks[0], list[Posted]()
        for one in await asyncio.gather(*chunk.shares, return_exceptions=True):
            if isinstance(one, BaseException):
                raise one
            ended.append(one)
        self._chunks.popleft()
        self._note(chunk.count, ended)

    def _note(self, lines: int, ended: Sequence[Posted]) -> None:
        self.standing += lines
        self.posted += sum(one.lines for one in ended)
        self.rejected += sum(one.rejected for one in ended)


OpenLanes: TypeAlias = Callable[[int], Lanes | AbstractAsyncContextManager[Lanes]]
"""Opens the lanes of a file of which so many rows are left."""


def may_go_in_shares(file_type: str, terms: FileTerms) -> bool:
    """Whether there can be chunks of a file that need not stay whole."""
    return file_type in {"TXN", "BNS", "CPD"} and terms.reject_limit_percent is None


def lanes_here(_rows: int) -> Lanes:
    """Two in this process: it is at the rules of one while the database is at the other."""
    return Lanes((in_order(post_share), in_order(post_share)))


def no_lanes(_rows: int) -> Lanes:
    """None: nothing is under way when a chunk ends, for a process that rests then."""
    return Lanes()


def in_order(post: Callable[[Context, int, Share], Awaitable[Posted]]) -> Post:
    """Posts a share once the one before it stands; if that does not, neither does this."""
    last: asyncio.Future[Posted] | None = None

    async def after(before: asyncio.Future[Posted] | None, ctx: Context, batch_id: int, share: Share) -> Posted:
        if before is not None:
            await before
        return await post(ctx, batch_id, share)

    def next_one(ctx: Context, batch_id: int, share: Share) -> asyncio.Future[Posted]:
        nonlocal last
        last = asyncio.ensure_future(after(last, ctx, batch_id, share))
        return last

    return next_one


async def shares_of(ctx: Context, lines: Sequence[BatchLine], lanes: int) -> tuple[dict[int, Share], Owners]:
    """What of a chunk may be posted at the same time, by lane, and what another beside it may not name as another's."""
    whole: tuple[dict[int, Share], Owners] = ({0: Share(lines=lines)}, {})
    if lanes < 2 or ctx.services.db.has_one_writer or len(lines) < LEAST_LINES:
        return whole
    members = [_member_of(line) for line in lines]
    owners = None if "" in members else _owners(lines, members)
    if owners is None:
        return whole
    references = sorted({one for one in members if one is not None})
    enrols = any(isinstance(line.command, ImportMember) for line in lines)
    if not await ctx.read(lambda tx: _are_apart(tx, ctx, references, enrols=enrols)):
        return whole
    own: list[list[BatchLine]] = [[] for _ in range(lanes)]
    for line, member in zip(lines, members, strict=True):
        own[crc32((member or "").encode()) % _BUCKETS % lanes].append(line)
    shares = {lane: Share(lines=mine, buckets=range(lane, _BUCKETS, lanes)) for lane, mine in enumerate(own) if mine}
    return shares, owners


def _member_of(line: BatchLine) -> str | None:
    """Whose a line is; None for one that cannot be read, empty where only the database knows."""
    match line.command:
        case SubmitTransaction(card_number=None, sub_relation_identifier=None) as one:
            return one.member_relation_reference or ""
        case PostBonus() as one:
            return one.relation_reference or ""
        case ImportMember() as one:
            return normalize("NFC", str(one.values.get("relation_reference", "")))
        case TesseraError():
            return None
        case _:
            return ""


def _owners(lines: Sequence[BatchLine], members: Sequence[str | None]) -> Owners | None:
    """Who has what there is once in a program; None where two lines name the same that are to go in their order."""
    owners: dict[tuple[str, str], str | None] = {}
    for line, member in zip(lines, members, strict=True):
        for key, owner in _named_once(line, member):
            if owners.setdefault(key, owner) != owner:
                return None
    return owners


def _named_once(line: BatchLine, member: str | None) -> Iterator[tuple[tuple[str, str], str | None]]:
    """What of a line there is once in a program, each with whose it is."""
    match line.command:
        case ImportMember() as one:
            # Who comes a second time is no new member any more: the line is its own alone.
            yield ("member", member or ""), str(line.line)
            for kind in ADDRESS_KEYS:
                if value := one.values.get(kind):
                    yield (kind, lookup_form(str(value))), member
        case SubmitTransaction() | PostBonus() as one:
            if one.idempotency_key:
                yield ("key", one.idempotency_key), member
            if isinstance(one, SubmitTransaction):
                yield ("transaction", one.transaction_id.strip()), member


def _are_apart(tx: Connection, ctx: Context, references: Sequence[str], *, enrols: bool) -> bool:
    """Whether these are as many members, and nothing of the file as a whole is looked at after each line.

    In a file of members they are new: who has an address already may give it up, and another takes it.
    """
    configuration, program_id = ctx.program(tx).configuration, ctx.principal.program
    if configuration.files.reject_limit_percent is not None:
        return False
    if enrols:
        has_own = any(one.unique for one in configuration.member_attributes)
        return not has_own and not led_to(tx, program_id, references)
    rewards_others = configuration.referrals.enabled and configuration.referrals.reward_on == "first_transaction"
    return not rewards_others and not are_merged(tx, program_id, references)
