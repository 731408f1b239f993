"""Use cases that read the tiers of many members in a fixed number of statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from domain.access import Permission
from domain.points import from_minor
from domain.store.balance import read_figures
from domain.store.entry import earned_since
from domain.store.member import find_members
from domain.store.program import ProgramState
from domain.store.reading import read
from domain.store.tier import TierChange, joined, read_changes, tiers
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

    def body(tx: Connection) -> dict[int, MemberTier]:
        state = ctx.program(tx)
        terms = state.configuration.tiers
        if terms.assessment == "off":
            return {}
        retention = timedelta(days=terms.retention_days) if terms.assessment == "automatic" else None
        found = {}
        for stored in find_members(tx, ctx.services.keys, state.id, ids=ctx.visible_members(tx, member_ids)):
            one, multiplier = stored.member, multiplier_of(terms, stored.member.tier)
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

    return await ctx.read(body)


async def list_tier_progress(ctx: Context, member_ids: Sequence[int]) -> dict[int, TierWay]:
    """How far these members are from their next tiers; nothing where tiers are off. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)
    now = ctx.services.clock()

    def body(tx: Connection) -> dict[int, TierWay]:
        state = ctx.program(tx)
        terms = state.configuration.tiers
        if terms.assessment == "off":
            return {}
        visible = ctx.visible_members(tx, member_ids)
        points = _points(tx, state, visible, now)
        history, standing = read(tx, tiers(state.id, visible)), Standing(state)
        if terms.aggregate is not None:
            standing.load_counts(tx, visible, [now])
        found = {}
        for one in visible:
            value = None if terms.aggregate is None else standing.aggregate(one, terms.aggregate, now)
            current = history[one][-1].tier if one in history else None
            counted = points.get(one, Decimal(0))
            found[one] = TierWay(
                points=None if terms.basis == "aggregate" else counted,
                aggregate=value,
                progress=progress(terms, counted, value, current),
            )
        return found

    return await ctx.read(body)


def _points(tx: Connection, state: ProgramState, member_ids: Sequence[int], now: datetime) -> dict[int, Decimal]:
    """The points that count for tiers: what was earned for good, or in the last year, by whoever is the member now."""
    others = read(tx, joined(state.id, member_ids))
    earned: dict[int, dict[int, int]] = {}
    for one in read_figures(tx, state.id, member_ids, now):
        joint = others[one.member_id].earned if one.member_id in others else {}
        earned[one.member_id] = {one.account_id: one.spend + one.bonus, **joint}
    if state.configuration.tiers.window == "rolling_365":
        accounts = [account_id for by_account in earned.values() for account_id in by_account]
        recent = earned_since(tx, state.id, accounts, now - ROLLING)
        earned = {one: {each: recent.get(each, 0) for each in by_account} for one, by_account in earned.items()}
    return {one: from_minor(max(0, sum(points.values())), state.places) for one, points in earned.items()}


async def list_tier_changes(ctx: Context, member_ids: Sequence[int]) -> dict[int, list[TierChange]]:
    """Every tier that these members had, newest first. Raises Forbidden."""
    ctx.principal.require(Permission.MEMBER_READ)

    def body(tx: Connection) -> dict[int, list[TierChange]]:
        changes = read_changes(tx, ctx.principal.program, ctx.visible_members(tx, member_ids))
        return {member_id: found[::-1] for member_id, found in changes.items()}

    return await ctx.read(body)
