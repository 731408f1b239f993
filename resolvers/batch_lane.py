"""Two halves of a chunk at the same time: while the database is at one, the rules are at the other.

All lines of a member are in one half, in their order, and both halves stand before the next chunk begins. Where lines
of two members depend on each other a chunk stays whole, so that what comes of a file never depends on who was first.
"""

from collections.abc import Sequence
from zlib import crc32

from sqlalchemy import Connection

from domain.errors import TesseraError
from domain.store.member import are_merged
from resolvers.batch_line import BatchLine
from resolvers.bonus import PostBonus
from resolvers.context import Context
from resolvers.transaction import SubmitTransaction

LEAST_LINES = 100
"""A chunk of fewer is not worth a second database transaction."""

Half = tuple[int | None, Sequence[BatchLine]]
"""The number of a half, None for a whole chunk, and its lines."""


async def halves_of(ctx: Context, lines: Sequence[BatchLine]) -> list[Half]:
    """What of a chunk may be posted at the same time."""
    whole: list[Half] = [(None, lines)]
    if ctx.services.db.has_one_writer or len(lines) < LEAST_LINES:
        return whole
    members = [_member_of(line) for line in lines]
    if "" in members or _has_shared_keys(lines, members):
        return whole
    references = sorted({one for one in members if one is not None})
    if not await ctx.read(lambda tx: _are_apart(tx, ctx, references)):
        return whole
    halves: tuple[list[BatchLine], list[BatchLine]] = ([], [])
    for line, member in zip(lines, members, strict=True):
        halves[crc32((member or "").encode()) & 1].append(line)
    return [(number, half) for number, half in enumerate(halves) if half]


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


def _has_shared_keys(lines: Sequence[BatchLine], members: Sequence[str | None]) -> bool:
    """Whether something that there is once in a program stands at two members: the first of them has it."""
    owners: dict[tuple[str, str], str | None] = {}
    for line, member in zip(lines, members, strict=True):
        command = line.command
        keys = [("key", getattr(command, "idempotency_key", None))]
        if isinstance(command, SubmitTransaction):
            keys.append(("transaction", command.transaction_id.strip()))
        for kind, key in keys:
            if key and owners.setdefault((kind, key), member) != member:
                return True
    return False


def _are_apart(tx: Connection, ctx: Context, references: Sequence[str]) -> bool:
    """Whether these are as many members, and nothing of the file as a whole is looked at after each line."""
    configuration = ctx.program(tx).configuration
    rewards_others = configuration.referrals.enabled and configuration.referrals.reward_on == "first_transaction"
    has_limit = configuration.files.reject_limit_percent is not None
    return not rewards_others and not has_limit and not are_merged(tx, ctx.principal.program, references)
