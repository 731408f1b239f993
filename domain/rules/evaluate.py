"""What a transaction earns: exact, rounded once per group, and able to explain itself.

Groups in sequence, then the flat bonuses of campaigns. In each: every rule's gift, cut by the rule's cap,
summed, times the tier, the campaigns and the group's multipliers, cut by the caps of the group and then of
the program, rounded half up, and counted before the next group. A cap grants what is left below it; the
rules that come first are granted first.
"""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Context, Decimal, Inexact, Overflow

from domain.points import EXACT, MAX_POINTS, from_minor, plain
from domain.rules.award import (
    AwardLot,
    CapCut,
    Evaluation,
    Factor,
    Gift,
    GroupAward,
    shares_of,
)
from domain.rules.cap import CapCounter, CapKey, cap_keys
from domain.rules.compile_condition import Env
from domain.rules.compiled import CompiledGroup, CompiledRule, CompiledRules, LotTerms
from domain.rules.facts import Facts, env_of

__all__ = [
    "AwardLot",
    "AwardTooLarge",
    "CapKey",
    "Evaluation",
    "Facts",
    "GroupAward",
    "cap_keys",
    "evaluate",
]

# Bound once: they are called for every gift.
_add, _multiply, _subtract = EXACT.add, EXACT.multiply, EXACT.subtract
_ZERO, _ONE = Decimal(0), Decimal(1)
_SPOILAGE = Context(prec=30, rounding=ROUND_DOWN)


class AwardTooLarge(ValueError):
    """A group would give more points than any posting may have."""


def evaluate(compiled: CompiledRules, facts: Facts, used: Mapping[CapKey, int]) -> Evaluation:
    """The awards of a transaction; `used` is what each counter of `cap_keys`, in that order, has in smallest units.

    `AwardTooLarge` beyond `MAX_POINTS`.
    """
    env, counter = env_of(compiled, facts), CapCounter(used)
    awards: list[GroupAward] = []
    fruitless: list[GroupAward] = []
    unposted = _ZERO
    try:
        factors = tuple(_factors(compiled, facts, env)) if compiled.campaign_factors or compiled.tier_factors else ()
        for group in compiled.groups:
            gifts, multipliers = _gifts(group, env)
            if gifts:
                award = _award(compiled, group, gifts, multipliers, factors, counter, env)
                if award.points:
                    awards.append(award)
                else:
                    fruitless.append(award)
                    unposted = _add(unposted, award.spoilage)
    except (Inexact, Overflow) as error:
        raise AwardTooLarge("the award has more digits than can be counted") from error
    return Evaluation(awards=tuple(awards), unposted=unposted, counted=counter.counted, fruitless=tuple(fruitless))


def _award(
    compiled: CompiledRules,
    group: CompiledGroup,
    gifts: list[Gift],
    multipliers: list[CompiledRule],
    factors: tuple[Factor, ...],
    counter: CapCounter,
    env: Env,
) -> GroupAward:
    if not group.multiplied:
        factors = ()
    total = _multiplied(gifts, multipliers, factors)
    minor = _rounded(group, total)
    cuts: list[CapCut] = []
    if _may_be_capped(group, total, minor, counter):
        total, cuts = _cap(compiled, group, total, counter)
        minor = _rounded(group, total)
    if minor > MAX_POINTS:
        raise AwardTooLarge(f"group {group.name} gives more than {MAX_POINTS}")
    if minor:
        counter.count(group.caps, minor)
    return GroupAward(
        compiled=group,
        points=minor,
        points_decimals=compiled.points_decimals,
        spoilage=_spoilage(group, total, minor, compiled.points_decimals),
        lots=_lots(group, gifts, multipliers, factors, total, minor),
        gifts=gifts,
        multipliers=multipliers,
        factors=factors,
        cuts=cuts,
        total=total,
        env=env,
    )


def _factors(compiled: CompiledRules, facts: Facts, env: Env) -> list[Factor]:
    """What multiplies every group: the tier, and the campaigns that are on for the member."""
    factors = []
    if facts.tier is not None and facts.tier in compiled.tier_factors:
        factors.append(Factor("tier", facts.tier, compiled.tier_factors[facts.tier]))
    for campaign in compiled.campaign_factors:
        if campaign.test(env):
            factors.append(Factor("campaign", campaign.name, campaign.factor))
    return factors


def _gifts(group: CompiledGroup, env: Env) -> tuple[list[Gift], list[CompiledRule]]:
    """The gifts of the rules that match, and the multipliers that do."""
    gifts: list[Gift] = []
    multipliers: list[CompiledRule] = []
    for rule in group.rules:
        if rule.test(env):
            if rule.factor is not None:
                # It gives nothing itself, so that it is not the match at which a group stops.
                multipliers.append(rule)
                continue
            gave = rule.give(env)
            cap = rule.cap
            gifts.append(Gift(rule, gave, gave if cap is None or gave <= cap else cap))
            if group.stop_at_first:
                break
    return gifts, multipliers


def _multiplied(gifts: list[Gift], multipliers: list[CompiledRule], factors: tuple[Factor, ...]) -> Decimal:
    total = _ZERO
    for gift in gifts:
        total = _add(total, gift.kept)
    for factor in factors:
        total = _multiply(total, factor.factor)
    for rule in multipliers:
        total = _multiply(total, _ONE if rule.factor is None else rule.factor)
    return total


def _may_be_capped(group: CompiledGroup, total: Decimal, minor: int, counter: CapCounter) -> bool:
    """Whether a cap is reached, told fast: what rounds to less than what is left is itself below it."""
    if group.cap is not None and total > group.cap:
        return True
    for cap in group.caps:  # noqa: SIM110 - a loop is twice as fast as a generator
        if minor >= counter.leaves(cap):
            return True
    return False


def _cap(
    compiled: CompiledRules, group: CompiledGroup, total: Decimal, counter: CapCounter
) -> tuple[Decimal, list[CapCut]]:
    """What the caps leave of the total, each cut by what the one before left, and what each took.

    What is left below a cap is a whole number of smallest units: what does not pass it, does not pass it
    when it is rounded up either.
    """
    cuts: list[CapCut] = []
    if group.cap is not None and group.cap_points is not None and total > group.cap:
        cuts.append(CapCut("transaction", group.cap_points, None, _subtract(total, group.cap)))
        total = group.cap
    for cap in group.caps:
        used = counter.used(cap)
        left = EXACT.scaleb(Decimal(counter.leaves(cap) * group.parts), -compiled.points_decimals)
        if total > left:
            name = cap.window if cap.scope else f"program_{cap.window}"
            cuts.append(CapCut(name, cap.points, used, _subtract(total, left)))
            total = left
    return total, cuts


def _rounded(group: CompiledGroup, total: Decimal) -> int:
    scaled = _add(_multiply(total, group.scale), group.half)
    return int(scaled if group.parts == 1 else EXACT.divide_int(scaled, group.whole))


def _spoilage(group: CompiledGroup, total: Decimal, minor: int, places: int) -> Decimal:
    posted = from_minor(minor, places)
    if group.parts == 1:
        spoilt = _subtract(total, posted)
        return plain(spoilt) if spoilt else _ZERO
    # A remainder in thirds has no end; it is reported with as many digits as anyone can use.
    exact = _subtract(total, _multiply(posted, group.whole))
    return plain(_SPOILAGE.divide(exact, group.whole))


def _lots(
    group: CompiledGroup,
    gifts: list[Gift],
    multipliers: list[CompiledRule],
    factors: tuple[Factor, ...],
    total: Decimal,
    minor: int,
) -> tuple[AwardLot, ...]:
    if not minor:
        return ()
    only = group.terms
    if only is not None:
        return (AwardLot(points=minor, expires=only.expires, release_after_days=only.release_after_days),)
    by_terms: dict[LotTerms, Decimal] = {}
    for terms, share in shares_of(gifts, multipliers, factors, total):
        by_terms[terms] = _add(by_terms.get(terms, _ZERO), share)
    # Each lot is the step between two rounded running sums, so that the lots sum to the award.
    lots, running, before = [], _ZERO, 0
    for terms, share in by_terms.items():
        running = _add(running, share)
        reached = _rounded(group, running)
        if reached > before:
            points = reached - before
            lots.append(AwardLot(points=points, expires=terms.expires, release_after_days=terms.release_after_days))
        before = reached
    return tuple(lots)
