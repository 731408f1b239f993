"""Use cases that read the tiers of many members in a fixed number of statements."""

# What functions within functions say of their types is not to be worked out each time.
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from domain.access import Permission
from domain.points import from_minor
from domain.store.asking import Asking
from domain.store.program import ProgramState
from domain.store.tier import TierChange, earned_jointly, read_changes
from domain.tiers import TierProgress, multiplier_of, progress
from resolvers.context import Context
from resolvers.standing import Standing
from resolvers.tiering import ROLLING

__all__ = ["MemberTier", "TierChange", "TierWay", "list_tier_changes", "list_tier_progress", "list_tiers"]


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberTier:
    """The tier of a member. `qualified_until` None: nothing takes it away by itself."""

    name: str
    since: datetime | None
    multiplier: Decimal
    qualified_until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TierWay:
    """The way to the next tier, with what counts so far; None for what the program's tiers do not go by."""

    points: Decimal | None
    aggregate: Decimal | None
    progress: TierProgress


async def list_tiers(ctx: Context, member_ids: Sequence[int]) -> dict[int, MemberTier]:
    """The tiers of those of these members that have one; nobody has where tiers are off. Raises Forbidden."""
    ctx.principal.require(Permission.MEMBER_READ)

    def asking() -> Asking[dict[int, MemberTier]]:
        state = yield from ctx.asking_program()
        terms = state.configuration.tiers
        if terms.assessment == "off":
            return {}
        retention = timedelta(days=terms.retention_days) if terms.assessment == "automatic" else None
        found = {}
        members = yield from ctx.asking_members(member_ids)
        for one in members.values():
            multiplier = multiplier_of(terms, one.tier)
            if one.tier is None or multiplier is None:
                continue
            qualified = one.tier_qualified_at
            found[one.id] = MemberTier(
                name=one.tier,
                since=one.tier_since,
                multiplier=multiplier,
                qualified_until=None if retention is None or qualified is None else qualified + retention,
            )
        return found

    return await ctx.ask(asking)


async def list_tier_progress(ctx: Context, member_ids: Sequence[int]) -> dict[int, TierWay]:
    """How far these members are from their next tiers; nothing where tiers are off. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)
    now = ctx.services.clock()

    def body(tx: Connection) -> dict[int, TierWay]:
        state = ctx.program(tx)
        terms = state.configuration.tiers
        if terms.assessment == "off":
            return {}
        members = ctx.members(tx, member_ids)
        points = {} if terms.basis == "aggregate" else _points(tx, state, list(members), now)
        standing = Standing(state)
        if terms.aggregate is not None:
            standing.load_aggregate(tx, list(members), terms.aggregate, now)
        found = {}
        for one, person in members.items():
            value = None if terms.aggregate is None else standing.aggregate(one, terms.aggregate, now)
            counted = points.get(one, Decimal(0))
            found[one] = TierWay(
                points=None if terms.basis == "aggregate" else counted,
                aggregate=value,
                progress=progress(terms, counted, value, person.tier),
            )
        return found

    return await ctx.read(body)


def _points(tx: Connection, state: ProgramState, member_ids: Sequence[int], now: datetime) -> dict[int, Decimal]:
    """The points that count for tiers: what was earned for good, or in the last year, by whoever is the member now."""
    since = now - ROLLING if state.configuration.tiers.window == "rolling_365" else None
    earned = earned_jointly(tx, state.id, member_ids, since)
    return {one: from_minor(max(0, points), state.places) for one, points in earned.items()}


async def list_tier_changes(ctx: Context, member_ids: Sequence[int]) -> dict[int, list[TierChange]]:
    """Every tier that these members had, newest first. Raises Forbidden."""
    ctx.principal.require(Permission.MEMBER_READ)

    def body(tx: Connection) -> dict[int, list[TierChange]]:
        changes = read_changes(tx, ctx.principal.program, ctx.visible_members(tx, member_ids))
        return {member_id: found[::-1] for member_id, found in changes.items()}

    return await ctx.read(body)
