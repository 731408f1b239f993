"""What a transaction earns: exact, rounded once per group, and able to explain itself.

In each group: every rule's gift, cut by the rule's cap, summed, cut by the group's cap, rounded half
up. A cap grants what is left below it; the rules that come first are granted first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain.points import EXACT, MAX_POINTS, from_minor, plain, plain_text
from domain.rules.compile import CompiledGroup, CompiledRule, CompiledRules
from domain.rules.compile_condition import Env
from domain.rules.exact import exact_text
from domain.rules.model import Category, ExpiryOverride

_ZERO = Decimal(0)
_NO_MOMENT: Mapping[str, Any] = {}
_SPOILAGE = Context(prec=30, rounding=ROUND_DOWN)


class AwardTooLarge(ValueError):
    """A group would give more points than any posting may have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """A transaction as the rules see it: typed values (`validate_attributes`), and its aware date."""

    transaction: Mapping[str, Any]
    at: datetime
    member: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class AwardLot:
    """Part of an award with one expiry; None is the program's own."""

    points: int
    expires: ExpiryOverride | None


@dataclass(slots=True)
class Gift:
    """What a rule that matched gave, and what the caps left of it, in parts of the denominator."""

    rule: CompiledRule
    gave: Decimal
    kept: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupAward:
    """What one group gave, in smallest units; the lots sum to `points`, which is more than 0.

    `spoilage` is in points: exact sum minus posted points, negative where rounding went up.
    """

    compiled: CompiledGroup
    points: int
    points_decimals: int
    spoilage: Decimal
    lots: tuple[AwardLot, ...]
    gifts: list[Gift]
    uncut: Decimal
    total: Decimal

    @property
    def group(self) -> str:
        """The group's name."""
        return self.compiled.name

    @property
    def category(self) -> Category:
        """The statement bucket."""
        return self.compiled.category

    @property
    def explanation(self) -> dict[str, Any]:
        """Which rules matched, what each gave, which cap cut it, and the rounding; built on each reading.

        JSON-able, with exact figures as texts.
        """
        parts = self.compiled.parts
        caps = []
        if self.total != self.uncut:
            cut = exact_text(EXACT.subtract(self.uncut, self.total), parts)
            caps.append({"cap": "transaction", "limit": self.compiled.cap_points, "cut": cut})
        return {
            "rules": [_explained(gift, parts) for gift in self.gifts],
            "caps": caps,
            "exact": exact_text(self.total, parts),
            "rounding": "half_up",
            "points": plain_text(from_minor(self.points, self.points_decimals)),
            "spoilage": format(self.spoilage, "f"),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """The awards in sequence. `unposted` is what groups gave that rounded to nothing, in points."""

    awards: tuple[GroupAward, ...]
    unposted: Decimal

    @property
    def points(self) -> int:
        """All awards together, in smallest units."""
        return sum(award.points for award in self.awards)


def evaluate(compiled: CompiledRules, facts: Facts) -> Evaluation:
    """The awards of a transaction. `AwardTooLarge` beyond `MAX_POINTS`."""
    moment = moment_of(facts.at, compiled.zone) if compiled.needs_moment else _NO_MOMENT
    env: Env = (facts.transaction, facts.member, moment)
    awards: list[GroupAward] = []
    unposted = _ZERO
    for group in compiled.groups:
        gifts = _gifts(group, env, facts.at)
        if not gifts:
            continue
        uncut, total = _cap_group(group, gifts)
        minor = _rounded(group, total)
        spoilage = _spoilage(group, total, minor, compiled.points_decimals)
        if minor:
            awards.append(
                GroupAward(
                    compiled=group,
                    points=minor,
                    points_decimals=compiled.points_decimals,
                    spoilage=spoilage,
                    lots=_lots(group, gifts, minor),
                    gifts=gifts,
                    uncut=uncut,
                    total=total,
                )
            )
        else:
            unposted = EXACT.add(unposted, spoilage)
    return Evaluation(awards=tuple(awards), unposted=unposted)


def moment_of(at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """The facts of the moment on the program's clocks."""
    local = at.astimezone(zone).replace(tzinfo=None)
    return {
        "transaction_date": local,
        "today": local.date(),
        "month": local.month,
        "day": local.day,
        "weekday": local.isoweekday(),
        "hour": local.hour,
    }


def _gifts(group: CompiledGroup, env: Env, at: datetime) -> list[Gift]:
    gifts: list[Gift] = []
    for rule in group.rules:
        if rule.starts is not None and at < rule.starts:
            continue
        if rule.ends is not None and at >= rule.ends:
            continue
        if rule.test is None or rule.test(env):
            gave = rule.give(env)
            cap = rule.cap
            gifts.append(Gift(rule, gave, gave if cap is None or gave <= cap else cap))
            if group.stop_at_first:
                break
    return gifts


def _cap_group(group: CompiledGroup, gifts: list[Gift]) -> tuple[Decimal, Decimal]:
    """The sums before and after the group's cap, which is taken off the gifts from the last one on."""
    uncut = _ZERO
    for gift in gifts:
        uncut = EXACT.add(uncut, gift.kept)
    if group.cap is None or uncut <= group.cap:
        return uncut, uncut
    left = group.cap
    for gift in gifts:
        gift.kept = min(gift.kept, left)
        left = EXACT.subtract(left, gift.kept)
    return uncut, group.cap


def _rounded(group: CompiledGroup, total: Decimal) -> int:
    doubled = EXACT.multiply(total, group.doubled)
    minor = int(EXACT.divide_int(EXACT.add(doubled, group.half), group.unit))
    if minor > MAX_POINTS:
        raise AwardTooLarge(f"group {group.name} gives more than {MAX_POINTS}")
    return minor


def _spoilage(group: CompiledGroup, total: Decimal, minor: int, places: int) -> Decimal:
    posted = from_minor(minor, places)
    if group.parts == 1:
        return plain(EXACT.subtract(total, posted))
    # A remainder in thirds has no end; it is reported with as many digits as anyone can use.
    exact = EXACT.subtract(total, EXACT.multiply(posted, group.half))
    return plain(_SPOILAGE.divide(exact, group.half))


def _lots(group: CompiledGroup, gifts: list[Gift], minor: int) -> tuple[AwardLot, ...]:
    only = gifts[0].rule.expires
    if all(gift.rule.expires is only for gift in gifts):
        return (AwardLot(points=minor, expires=only),)
    by_expiry: dict[ExpiryOverride | None, Decimal] = {}
    for gift in gifts:
        expires = gift.rule.expires
        by_expiry[expires] = EXACT.add(by_expiry.get(expires, _ZERO), gift.kept)
    # Each lot is the step between two rounded running sums, so that the lots sum to the award.
    lots, running, before = [], _ZERO, 0
    for expires, kept in by_expiry.items():
        running = EXACT.add(running, kept)
        reached = _rounded(group, running)
        if reached > before:
            lots.append(AwardLot(points=reached - before, expires=expires))
        before = reached
    return tuple(lots)


def _explained(gift: Gift, parts: int) -> dict[str, Any]:
    rule = gift.rule
    told: dict[str, Any] = {
        "rule": rule.name,
        "sequence": rule.sequence,
        "gave": exact_text(gift.gave, parts),
    }
    if rule.cap is not None and gift.gave > rule.cap:
        told["cap"] = rule.cap_points
    if gift.kept is not gift.gave:
        told["kept"] = exact_text(gift.kept, parts)
    return told
