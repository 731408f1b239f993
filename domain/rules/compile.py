"""A configuration to closures, once per version: what `evaluate` runs for every transaction."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from domain.points import EXACT
from domain.program_zone import end_of, load_zone, to_instant
from domain.rules.asked import asked_in
from domain.rules.attributes import index_products
from domain.rules.campaign import time_of
from domain.rules.compile_condition import ConditionCompiler, Env, Test, all_of
from domain.rules.compiled import (
    CompiledAggregate,
    CompiledCap,
    CompiledFactor,
    CompiledGroup,
    CompiledRule,
    CompiledRules,
    Give,
    Input,
    LotTerms,
    Span,
    has_share,
)
from domain.rules.exact import denominator, factor_of, scaled
from domain.rules.model import (
    Award,
    Campaign,
    CapWindow,
    Comparison,
    Condition,
    Configuration,
    EveryNth,
    Flat,
    Multiplier,
    Percent,
    PerUnit,
    Rule,
    RuleGroup,
)
from domain.rules.vocabulary import AGGREGATE, INSTANT, SEGMENTS, TRANSACTION, Vocabulary, vocabulary_of

__all__ = ["CompiledGroup", "CompiledRule", "CompiledRules", "compile_rules"]

_ZERO, _HALF = Decimal(0), Decimal("0.5")
_WINDOWS: tuple[CapWindow, ...] = ("day", "month", "lifetime")


def compile_rules(configuration: Configuration) -> CompiledRules:
    """The closures of a configuration that `parse` gave: it has checked what is relied on here."""
    return _Compiler(configuration).compile()


class _Compiler:
    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._zone = load_zone(configuration.program.time_zone)
        self._words = vocabulary_of(configuration)
        self._conditions = ConditionCompiler(self._words, self._zone)
        self._places: dict[tuple[str, CapWindow], int] = {}
        self._aggregates = {
            aggregate.key: CompiledAggregate(aggregate=aggregate, test=self._test(aggregate.when))
            for aggregate in configuration.aggregates
        }

    def compile(self) -> CompiledRules:
        """All of it. The conditions come before `moments`, which they fill."""
        configuration = self._configuration
        groups = tuple(self._groups())
        caps = {cap.place: cap for group in groups for cap in group.caps}
        factors = tuple(self._campaign_factors())
        dynamic = {one.name: self._test(one.when) for one in configuration.segments if one.kind == "dynamic"}
        frozen = [one for one in configuration.segments if one.kind == "frozen"]
        snapshots = {one.name: self._conditions.compile(one.when) for one in frozen if one.when is not None}
        tiers = configuration.tiers
        return CompiledRules(
            zone=self._zone,
            points_decimals=configuration.program.points_decimals,
            moments=tuple(sorted(self._conditions.moments)),
            products=index_products(configuration.product_codes),
            groups=groups,
            caps=tuple(caps.values()),
            tier_factors=(
                {}
                if tiers.assessment == "off"
                else {level.name: level.multiplier for level in tiers.levels if level.multiplier != 1}
            ),
            campaign_factors=factors,
            aggregates=tuple(self._aggregates.values()),
            segments={**dynamic, **dict.fromkeys(one.name for one in frozen)},
            snapshots=snapshots,
        )

    def _groups(self) -> Iterator[CompiledGroup]:
        for group in self._configuration.rule_groups:
            if group.enabled:
                yield self._group(group)
        for campaign in self._configuration.campaigns:
            if isinstance(campaign.award, Flat):
                bonus = self._group(_group_of(campaign))
                yield replace(bonus, multiplied=False, message=campaign.message)

    def _group(self, group: RuleGroup) -> CompiledGroup:
        parts = denominator(rule.award for rule in group.rules)
        rules = tuple(self._rule(rule, sequence, parts) for sequence, rule in enumerate(group.rules) if rule.enabled)
        cap = group.caps.transaction
        return CompiledGroup(
            name=group.name,
            category=group.category,
            stop_at_first=group.stop_at_first,
            multiplied=True,
            parts=parts,
            cap=None if cap is None else Decimal(cap * parts),
            cap_points=cap,
            caps=tuple(self._caps(group)),
            # Half up of total / parts in units of 10**-places is (total * 10**places + parts / 2) // parts.
            scale=Decimal(10**self._configuration.program.points_decimals),
            half=EXACT.multiply(Decimal(parts), _HALF),
            whole=Decimal(parts),
            rules=rules,
            terms=_common_terms(rules),
        )

    def _caps(self, group: RuleGroup) -> Iterator[CompiledCap]:
        program = self._configuration.program
        limits = [(group.name, window, getattr(group.caps, window)) for window in _WINDOWS]
        for scope, window, points in (*limits, ("", _WINDOWS[1], program.accrual_cap_per_month)):
            if points is not None:
                # The program's cap is one and the same for all groups.
                place = self._places.setdefault((scope, window), len(self._places))
                limit = points * 10**program.points_decimals
                yield CompiledCap(place=place, scope=scope, window=window, points=points, limit=limit)

    def _rule(self, rule: Rule, sequence: int, parts: int) -> CompiledRule:
        award = rule.award
        return CompiledRule(
            name=rule.name,
            sequence=sequence,
            test=self._rule_test(rule),
            give=_give(award, parts, self._words),
            factor=award.factor if isinstance(award, Multiplier) else None,
            cap=None if rule.cap is None else Decimal(rule.cap * parts),
            cap_points=rule.cap,
            terms=LotTerms(rule.expires, rule.release_after_days),
            inputs=tuple(self._inputs(rule)),
        )

    def _rule_test(self, rule: Rule) -> Test:
        tests = []
        if rule.valid_from is not None or rule.valid_to is not None:
            starts = None if rule.valid_from is None else to_instant(rule.valid_from, self._zone)
            ends = None if rule.valid_to is None else end_of(rule.valid_to, self._zone)
            tests.append(_within(Span(starts, ends)))
        if rule.when is not None:
            tests.append(self._conditions.compile(rule.when))
        if isinstance(rule.award, EveryNth):
            tests.append(_nth(self._aggregates[rule.award.count], rule.award.n))
        return all_of(tests)

    def _test(self, condition: Condition | None) -> Test | None:
        return None if condition is None else self._conditions.compile(condition)

    def _campaign_factors(self) -> Iterator[CompiledFactor]:
        for campaign in self._configuration.campaigns:
            if isinstance(campaign.award, Multiplier):
                time, condition = time_of(campaign, self._zone), _segment_condition(campaign)
                members = [] if condition is None else [self._conditions.compile(condition)]
                yield CompiledFactor(
                    name=campaign.name,
                    factor=campaign.award.factor,
                    test=all_of([_within(Span(time.starts, time.ends)), *members]),
                )

    def _inputs(self, rule: Rule) -> Iterator[Input]:
        asked: dict[str, list[str]] = {path: [] for path in _counted_in(rule.award)}
        for path, names in asked_in(rule.when):
            asked.setdefault(path, []).extend(names)
        for path, constants in asked.items():
            word = self._words[path]
            masked = word.definition is not None and word.definition.pi
            known = tuple(dict.fromkeys(constants)) if word.slot == SEGMENTS else ()
            yield Input(path=path, slot=word.slot, key=word.key, masked=masked, names=known)


def _common_terms(rules: tuple[CompiledRule, ...]) -> LotTerms | None:
    terms = {rule.terms for rule in rules if rule.factor is None or has_share(rule)}
    return terms.pop() if len(terms) == 1 else None


def _group_of(campaign: Campaign) -> RuleGroup:
    rule = Rule(
        name=campaign.name,
        award=campaign.award,
        when=_segment_condition(campaign),
        valid_from=campaign.starts,
        valid_to=campaign.ends,
    )
    return RuleGroup(name=f"Campaign {campaign.name}", category="bonus", rules=(rule,))


def _segment_condition(campaign: Campaign) -> Condition | None:
    if campaign.segment is None:
        return None
    return Comparison(attribute="segments", op="contains", value=campaign.segment)


def _give(award: Award, parts: int, words: Vocabulary) -> Give:
    if not isinstance(award, PerUnit | Percent):
        fixed = _ZERO if isinstance(award, Multiplier) else scaled(factor_of(award), parts)
        return lambda env: fixed
    factor, word = scaled(factor_of(award), parts), words[award.of]
    slot, key, multiply = word.slot, word.key, EXACT.multiply

    def give(env: Env) -> Decimal:
        value = env[slot].get(key)
        # A rule never takes points away: what is missing or negative gives nothing.
        return multiply(factor, value) if value is not None and value > 0 else _ZERO

    return give


def _within(span: Span) -> Test:
    return lambda env: span.holds(env[INSTANT])


def _nth(counted: CompiledAggregate, n: int) -> Test:
    key, of, counts = counted.aggregate.key, counted.aggregate.of, counted.test

    def test(env: Env) -> bool:
        value = env[AGGREGATE].get(key)
        if not value or value % n:
            return False
        # A transaction that is not counted leaves the count where it was, and must not be given the prize again.
        return (counts is None or counts(env)) and (of is None or env[TRANSACTION].get(of) is not None)

    return test


def _counted_in(award: Award) -> list[str]:
    if isinstance(award, EveryNth):
        return [f"aggregate.{award.count}"]
    return [award.of] if isinstance(award, PerUnit | Percent) else []
