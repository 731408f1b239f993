"""What an evaluation gives, and how it explains itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import Any, NamedTuple

from domain.points import EXACT, minor_text, plain_text
from domain.record import record
from domain.rules.cap import CapKey
from domain.rules.compile_condition import Env
from domain.rules.compiled import CompiledGroup, CompiledRule, Input, LotTerms, has_share
from domain.rules.exact import exact_text
from domain.rules.model import Category, ExpiryOverride
from domain.rules.vocabulary import SEGMENTS

MASKED = "***"
"""Stands in an explanation for personal information that is set."""

_ZERO, _ONE = Decimal(0), Decimal(1)


@record
class AwardLot:
    """Part of an award with one expiry and one release; None is the program's own, and at once."""

    points: int
    expires: ExpiryOverride | None
    release_after_days: int | None = None


@dataclass(slots=True)
class Gift:
    """What a rule that matched gave, and what its own cap left of it, in parts of the denominator."""

    rule: CompiledRule
    gave: Decimal
    kept: Decimal


class Factor(NamedTuple):
    """A factor of the tier or of a campaign."""

    kind: str
    name: str
    factor: Decimal


class CapCut(NamedTuple):
    """What a cap took, in parts of the denominator; `used` in smallest units, None where nothing is counted."""

    cap: str
    limit: int
    used: int | None
    cut: Decimal


@record
class GroupAward:
    """What one group gave, in smallest units; the lots sum to `points`.

    `factors` are the tier's and the campaigns', `multipliers` the group's own rules. `total` is what the
    caps left, in parts. `spoilage` is in points: exact sum minus posted points, negative where rounding
    went up. `held`: what of it waits for a decision, and is not in `points`.
    """

    compiled: CompiledGroup
    points: int
    points_decimals: int
    spoilage: Decimal
    lots: tuple[AwardLot, ...]
    gifts: list[Gift]
    multipliers: list[CompiledRule]
    factors: tuple[Factor, ...]
    cuts: list[CapCut]
    total: Decimal
    env: Env
    held: int = 0

    @property
    def group(self) -> str:
        """The group's name; `Campaign NAME` for the flat bonus of a campaign."""
        return self.compiled.name

    @property
    def category(self) -> Category:
        """The statement bucket."""
        return self.compiled.category

    @property
    def explanation(self) -> dict[str, Any]:
        """Which rules matched, what each read and gave, factors, caps that cut, and the rounding.

        JSON-able, with exact figures as texts; built on each reading. What the rules kept, times all
        factors, minus all cuts, is `exact`; so is the sum of the shares. `exact` is points plus spoilage,
        and what is held.
        """
        rules, factors = self._gifts_explained(), []
        for one in self.factors:
            factors.append({"of": one.kind, "name": one.name, "factor": plain_text(one.factor)})
        if self.multipliers:
            rules = sorted((*rules, *self._multipliers_explained()), key=itemgetter("sequence"))
            factors += [
                {"of": "rule", "name": one.name, "factor": plain_text(_factor(one))} for one in self.multipliers
            ]
        told: dict[str, Any] = {
            "rules": rules,
            "factors": factors,
            "caps": [self._cut_explained(cut) for cut in self.cuts] if self.cuts else [],
            "exact": exact_text(self.total, self.compiled.parts),
            "rounding": "half_up",
            "points": minor_text(self.points, self.points_decimals),
            "spoilage": format(self.spoilage, "f"),
        }
        if self.held:
            told["held"] = minor_text(self.held, self.points_decimals)
        if self.compiled.message is not None:
            told["message"] = self.compiled.message
        return told

    def _gifts_explained(self) -> list[dict[str, Any]]:
        parts, rules = self.compiled.parts, []
        # Where nothing multiplies and nothing cuts, each rule's share is what it kept.
        is_plain = not (self.multipliers or self.factors or self.cuts)
        shares = None if is_plain else iter(self._shares())
        for gift in self.gifts:
            gave, kept = gift.gave, gift.kept
            told = self._rule_explained(gift.rule)
            told["gave"] = exact_text(gave, parts)
            if kept is not gave and kept != gave:
                told["cap"], told["kept"] = gift.rule.cap_points, exact_text(kept, parts)
            if shares is not None and (share := next(shares)[1]) != kept:
                told["share"] = exact_text(share, parts)
            rules.append(told)
        return rules

    def _multipliers_explained(self) -> Iterator[dict[str, Any]]:
        own = iter(self._shares()[len(self.gifts) :])
        for rule in self.multipliers:
            told = self._rule_explained(rule) | {"factor": plain_text(_factor(rule))}
            if has_share(rule):
                told["share"] = exact_text(next(own)[1], self.compiled.parts)
            yield told

    def _rule_explained(self, rule: CompiledRule) -> dict[str, Any]:
        env, inputs = self.env, {}
        for one in rule.inputs:
            inputs[one.path] = _input_text(one, env)
        told: dict[str, Any] = {"rule": rule.name, "sequence": rule.sequence, "inputs": inputs}
        own, delay = rule.terms
        if own is not None:
            told["expires"] = {"months": own.months} if own.last_day is None else {"date": own.last_day.isoformat()}
        return told if delay is None else told | {"release_after_days": delay}

    def _cut_explained(self, cut: CapCut) -> dict[str, Any]:
        told = {"cap": cut.cap, "limit": cut.limit, "cut": exact_text(cut.cut, self.compiled.parts)}
        if cut.used is not None:
            told["used"] = minor_text(cut.used, self.points_decimals)
        return told

    def _shares(self) -> list[tuple[LotTerms, Decimal]]:
        return shares_of(self.gifts, self.multipliers, self.factors, self.total)


@record
class Evaluation:
    """The awards in sequence. `unposted` is what groups gave that rounded to nothing, in points.

    `counted` is what the caps have to be counted up by. `fruitless` are groups whose rules matched and whose
    award is 0 points: only their explanations are of use.
    """

    awards: tuple[GroupAward, ...]
    unposted: Decimal
    counted: dict[CapKey, int]
    fruitless: tuple[GroupAward, ...] = ()

    @property
    def points(self) -> int:
        """All awards together, in smallest units."""
        return sum([award.points for award in self.awards])


def shares_of(
    gifts: list[Gift], multipliers: list[CompiledRule], factors: tuple[Factor, ...], total: Decimal
) -> list[tuple[LotTerms, Decimal]]:
    """How the gifts, and the multipliers that have terms of their own, share in the capped total, in their order.

    What caps took is missing from the last ones.
    """
    shares = [(gift.rule.terms, gift.kept) for gift in gifts]
    for rule in multipliers:
        factor = _factor(rule)
        if has_share(rule):
            extra = EXACT.subtract(factor, _ONE)
            more = _ZERO
            for _, share in shares:
                more = EXACT.add(more, EXACT.multiply(share, extra))
            shares.append((rule.terms, more))
        else:
            shares = [(terms, EXACT.multiply(share, factor)) for terms, share in shares]
    for one in factors:
        shares = [(terms, EXACT.multiply(share, one.factor)) for terms, share in shares]
    left, granted = total, []
    for terms, share in shares:
        granted.append((terms, min(share, left)))
        left = EXACT.subtract(left, granted[-1][1])
    return granted


def _factor(rule: CompiledRule) -> Decimal:
    return _ONE if rule.factor is None else rule.factor


def _input_text(one: Input, env: Env) -> str | None:
    if one.slot == SEGMENTS:
        return ", ".join(name for name in one.names if env[SEGMENTS].holds(name, env))
    value = env[one.slot].get(one.key)
    if value is None:
        return None
    if one.masked:
        return MASKED
    # By the exact type, and the most frequent ones first: it is asked for each input of each rule that matches.
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]  # it is a text
    if kind is Decimal:
        return plain_text(value)
    if kind is bool:
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)
