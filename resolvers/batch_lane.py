"""Two halves of a chunk at the same time: while the database is at one, the rules are at the other.

All lines of a member are in one half, in their order, and a half begins when the same half of the chunk before stands.
Where lines of two members depend on each other a chunk stays whole, and where they do over two chunks, the second waits
for all of the first: what comes of a file never depends on who was first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self
from zlib import crc32

from sqlalchemy import Connection

from domain.errors import TesseraError
from domain.store.member import are_merged
from resolvers.batch_line import BatchLine, BatchRow
from resolvers.bonus import PostBonus
from resolvers.context import Context
from resolvers.transaction import SubmitTransaction

LEAST_LINES = 100
"""A chunk of fewer is not worth a second database transaction."""

Half = tuple[int | None, Sequence[BatchLine]]
"""The number of a half, None for a whole chunk, and its lines."""

Owners = Mapping[tuple[str, str], str | None]
"""Whose in a chunk is what there is once in a program, by kind and value."""

IN_FLIGHT = 2
"""Chunks of which lines may be posted while others of them are not: the oldest has to stand before a third begins."""


@dataclass(slots=True)
class Lanes:
    """The halves of one file that are under way, each in a lane of its own; none is any more when it is left."""

    _under_way: dict[int, asyncio.Task[list[BatchRow]]] = field(default_factory=dict)
    _owners: Owners = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    @property
    def is_busy(self) -> bool:
        """Whether something is under way that was not waited for."""
        return bool(self._under_way)

    async def post(
        self, ctx: Context, lines: Sequence[BatchLine], post: Callable[[Half], Awaitable[list[BatchRow]]]
    ) -> list[BatchRow]:
        """Begin to post a chunk; the outcomes of what ended meanwhile. Raises what posting raises."""
        halves, owners = await halves_of(ctx, lines)
        rows: list[BatchRow] = []
        if len(halves) == 1 or any(self._owners.get(key, owner) != owner for key, owner in owners.items()):
            rows += await self.end()
        self._owners = owners
        for number, half in halves:
            if number is None:
                return rows + await post((number, half))
            if number in self._under_way:
                rows += await self._under_way.pop(number)
            self._under_way[number] = asyncio.ensure_future(post((number, half)))
        return rows

    async def end(self) -> list[BatchRow]:
        """The outcomes of what is under way. Raises what posting raises, once both lanes have ended."""
        ended = await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        self._under_way.clear()
        rows: list[BatchRow] = []
        for one in ended:
            if isinstance(one, BaseException):
                raise one
            rows += one
        return rows


async def halves_of(ctx: Context, lines: Sequence[BatchLine]) -> tuple[list[Half], Owners]:
    """What of a chunk may be posted at the same time, and what may not stand at others in the chunk beside it."""
    whole: tuple[list[Half], Owners] = ([(None, lines)], {})
    if ctx.services.db.has_one_writer or len(lines) < LEAST_LINES:
        return whole
    members = [_member_of(line) for line in lines]
    owners = None if "" in members else _owners(lines, members)
    if owners is None:
        return whole
    references = sorted({one for one in members if one is not None})
    if not await ctx.read(lambda tx: _are_apart(tx, ctx, references)):
        return whole
    halves: tuple[list[BatchLine], list[BatchLine]] = ([], [])
    for line, member in zip(lines, members, strict=True):
        halves[crc32((member or "").encode()) & 1].append(line)
    return [(number, half) for number, half in enumerate(halves) if half], owners


def _member_of(line: BatchLine) -> str | None:
    """Whose a line is; None for one that cannot be read, empty where only the database knows."""
    match line.command:
        case SubmitTransaction(card_number=None, sub_relation_identifier=None) as one:
            return one.member_relation_reference or ""
        case PostBonus() as one:
            return one.relation_reference or ""
        case TesseraError():
            return None
        case _:
            return ""


def _owners(lines: Sequence[BatchLine], members: Sequence[str | None]) -> Owners | None:
    """Who has what there is once in a program; None where two members name the same: the first of them has it."""
    owners: dict[tuple[str, str], str | None] = {}
    for line, member in zip(lines, members, strict=True):
        command = line.command
        keys = [("key", getattr(command, "idempotency_key", None))]
        if isinstance(command, SubmitTransaction):
            keys.append(("transaction", command.transaction_id.strip()))
        for kind, key in keys:
            if key and owners.setdefault((kind, key), member) != member:
                return None
    return owners


def _are_apart(tx: Connection, ctx: Context, references: Sequence[str]) -> bool:
    """Whether these are as many members, and nothing of the file as a whole is looked at after each line."""
    configuration = ctx.program(tx).configuration
    rewards_others = configuration.referrals.enabled and configuration.referrals.reward_on == "first_transaction"
    has_limit = configuration.files.reject_limit_percent is not None
    return not rewards_others and not has_limit and not are_merged(tx, ctx.principal.program, references)
