"""Two halves of a chunk at the same time: while the database is at one, the rules are at the other.

All lines of a member are in one half, in their order, and a half begins when the same half of the chunk before stands.
Where lines of two members depend on each other a chunk stays whole, and where they do over two chunks, the second waits
for all of the first: what comes of a file never depends on who was first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self
from unicodedata import normalize
from zlib import crc32

from sqlalchemy import Connection

from domain.crypto import lookup_form
from domain.errors import TesseraError
from domain.member import ADDRESS_KEYS
from domain.store.member import are_merged, led_to
from resolvers.batch_line import BatchLine, BatchRow
from resolvers.bonus import PostBonus
from resolvers.context import Context
from resolvers.member import ImportMember
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
        if len(halves) == 1:
            rows += await self.end()
        elif any(self._owners.get(key, owner) != owner for key, owner in owners.items()):
            rows += await self.end()
            # By now the one before stands, and may decide on this one.
            halves, owners = await halves_of(ctx, lines)
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
    enrols = any(isinstance(line.command, ImportMember) for line in lines)
    if not await ctx.read(lambda tx: _are_apart(tx, ctx, references, enrols=enrols)):
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
