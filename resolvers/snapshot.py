"""The use case of taking the snapshot of a frozen segment: who fits now, or a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import ConfigurationChanged, InvalidRequest, MemberNotFound
from domain.rules.model import Segment
from domain.rules.segment import fits_snapshot
from domain.store import audit
from domain.store.member import find_members
from domain.store.program import ProgramState
from domain.store.segment import (
    add_to_snapshot,
    candidates,
    count_snapshot,
    lock_snapshots,
    members_of,
    take_out_of_snapshot,
)
from resolvers.context import Context
from resolvers.segment import segment_named
from resolvers.standing import Standing

MAX_LISTED = 5000
MEMBERS_PER_READ = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class FreezeSegment:
    """Take the snapshot of a segment anew (`replaces`), or more members into it.

    `members` are references, at most MAX_LISTED; None: everybody for whom the segment's condition holds now.
    """

    segment: str
    replaces: bool
    members: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentFrozen:
    """How many members the snapshot has now, and how many came and went."""

    segment: str
    size: int
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class _Page:
    version: int
    fitting: Sequence[int]
    position: int | None


async def freeze_segment(ctx: Context, command: FreezeSegment) -> SegmentFrozen:
    """Take members into the snapshot of a frozen segment.

    Who fits is found out in short reads and stored in one step, so nobody ever sees half of a snapshot and no
    purchase waits for the search. Raises Forbidden, InvalidRequest (unknown, dynamic or without a condition; too
    many listed), MemberNotFound (of a listed reference), ConfigurationChanged (while members were looked at).
    """
    ctx.principal.require(Permission.CONFIGURATION_WRITE)
    if command.members is not None:
        if len(command.members) > MAX_LISTED:
            raise InvalidRequest(f"members: at most {MAX_LISTED}", field="members")
        listed = sorted(set(command.members))
        return await ctx.write(lambda tx: _take_listed(tx, ctx, command, listed))
    version, fitting = await _who_fits(ctx, command.segment)

    def body(tx: Connection) -> SegmentFrozen:
        state = ctx.program_in_force(tx)
        _check_version(state, version)
        return _take(tx, ctx, state, command, fitting)

    return await ctx.write(body)


async def _who_fits(ctx: Context, name: str) -> tuple[int, list[int]]:
    """Everybody for whom the condition holds now, and the version of the configuration that says so."""
    now, found = ctx.services.clock(), list[int]()
    page = await ctx.read(partial(_look, ctx, name, now, None))
    version = page.version
    while page.position is not None:
        found += page.fitting
        page = await ctx.read(partial(_look, ctx, name, now, page.position))
        if page.version != version:
            raise ConfigurationChanged(f"version {page.version} is in force")
    return version, found


def _look(ctx: Context, name: str, now: datetime, after_id: int | None, tx: Connection) -> _Page:
    state = ctx.program(tx)
    if _frozen_segment(state, name).when is None:
        raise InvalidRequest("members: the segment has no condition, so they have to be listed", field="members")
    members = candidates(tx, ctx.services.keys, state.id, first=MEMBERS_PER_READ, after_id=after_id)
    standing = Standing(state, of_segments=True)
    standing.load(tx, members, [now])
    fitting = [one.id for one in members if fits_snapshot(state.rules, name, standing.profile(one, now))]
    return _Page(state.config_version, fitting, members[-1].id if members else None)


def _take_listed(tx: Connection, ctx: Context, command: FreezeSegment, references: Sequence[str]) -> SegmentFrozen:
    state = ctx.program_in_force(tx)
    _frozen_segment(state, command.segment)
    found = find_members(tx, ctx.services.keys, state.id, references=references) if references else []
    unknown = set(references) - {one.asked_for for one in found}
    if unknown:
        raise MemberNotFound(f"members: {sorted(unknown)[0][:100]}", field="members")
    return _take(tx, ctx, state, command, sorted({one.member.id for one in found}))


def _take(
    tx: Connection, ctx: Context, state: ProgramState, command: FreezeSegment, member_ids: Sequence[int]
) -> SegmentFrozen:
    name = command.segment
    lock_snapshots(tx, state.id)
    before, chosen = members_of(tx, state.id, name), set(member_ids)
    removed = take_out_of_snapshot(tx, state.id, name, before - chosen) if command.replaces else 0
    added = add_to_snapshot(tx, state.id, name, chosen - before)
    frozen = SegmentFrozen(segment=name, size=count_snapshot(tx, state.id, name), added=added, removed=removed)
    audit.record(
        tx,
        state.id,
        now=ctx.services.clock(),
        actor=ctx.principal,
        action="segment.freeze",
        subject=f"segment:{name}",
        before={"size": len(before)},
        after={
            "mode": "REPLACE" if command.replaces else "APPEND",
            "listed": command.members is not None,
            "config_version": state.config_version,
            "size": frozen.size,
            "added": added,
            "removed": removed,
        },
    )
    return frozen


def _frozen_segment(state: ProgramState, name: str) -> Segment:
    segment = segment_named(state, name)
    if segment.kind != "frozen":
        raise InvalidRequest("segment: is dynamic, only a frozen one has a snapshot", field="segment")
    return segment


def _check_version(state: ProgramState, version: int) -> None:
    if state.config_version != version:
        raise ConfigurationChanged(f"version {state.config_version} is in force")
