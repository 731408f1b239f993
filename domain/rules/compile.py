"""A configuration to closures, once per version: what `evaluate` runs for every transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.points import EXACT
from domain.program_zone import load_zone, start_of_day, to_instant
from domain.rules.attributes import index_products
from domain.rules.compile_condition import ConditionCompiler, Env, Test
from domain.rules.exact import denominator, factor_of, scaled
from domain.rules.model import Category, Configuration, ExpiryOverride, Flat, Rule, RuleGroup
from domain.rules.vocabulary import Vocabulary, vocabulary_of

Give = Callable[[Env], Decimal]

_ZERO = Decimal(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledRule:
    """A rule that may run; gifts and the cap are counted in parts of the group's denominator.

    `starts` is inclusive and `ends` exclusive, both in UTC; `sequence` is the place in the file.
    """

    name: str
    sequence: int
    test: Test | None
    give: Give
    cap: Decimal | None
    cap_points: int | None
    starts: datetime | None
    ends: datetime | None
    expires: ExpiryOverride | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledGroup:
    """A group with its enabled rules. `half` and `unit` are what its rounding adds and divides by."""

    name: str
    category: Category
    stop_at_first: bool
    parts: int
    cap: Decimal | None
    cap_points: int | None
    doubled: Decimal
    half: Decimal
    unit: Decimal
    rules: tuple[CompiledRule, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledRules:
    """Everything that an evaluation needs; holds no state and may be shared between threads."""

    zone: ZoneInfo
    points_decimals: int
    needs_moment: bool
    products: dict[str, frozenset[str]]
    groups: tuple[CompiledGroup, ...]


def compile_rules(configuration: Configuration) -> CompiledRules:
    """The closures of a configuration that `parse` gave: it has checked what is relied on here."""
    zone = load_zone(configuration.program.time_zone)
    words = vocabulary_of(configuration)
    conditions = ConditionCompiler(words, zone)
    groups = tuple(
        _compile_group(group, configuration, words, conditions, zone)
        for group in configuration.rule_groups
        if group.enabled
    )
    return CompiledRules(
        zone=zone,
        points_decimals=configuration.program.points_decimals,
        needs_moment=conditions.needs_moment,
        products=index_products(configuration.product_codes),
        groups=groups,
    )


def _compile_group(
    group: RuleGroup,
    configuration: Configuration,
    words: Vocabulary,
    conditions: ConditionCompiler,
    zone: ZoneInfo,
) -> CompiledGroup:
    parts = denominator(rule.award for rule in group.rules)
    cap = group.caps.transaction
    return CompiledGroup(
        name=group.name,
        category=group.category,
        stop_at_first=group.stop_at_first,
        parts=parts,
        cap=None if cap is None else Decimal(cap * parts),
        cap_points=cap,
        # Half up of total / parts in units of 10**-places is (2 * total * 10**places + parts) // (2 * parts).
        doubled=Decimal(2 * 10**configuration.program.points_decimals),
        half=Decimal(parts),
        unit=Decimal(2 * parts),
        rules=tuple(
            _compile_rule(rule, sequence, parts, words, conditions, zone)
            for sequence, rule in enumerate(group.rules)
            if rule.enabled
        ),
    )


def _compile_rule(
    rule: Rule,
    sequence: int,
    parts: int,
    words: Vocabulary,
    conditions: ConditionCompiler,
    zone: ZoneInfo,
) -> CompiledRule:
    return CompiledRule(
        name=rule.name,
        sequence=sequence,
        test=None if rule.when is None else conditions.compile(rule.when),
        give=_compile_award(rule, parts, words),
        cap=None if rule.cap is None else Decimal(rule.cap * parts),
        cap_points=rule.cap,
        starts=None if rule.valid_from is None else to_instant(rule.valid_from, zone),
        ends=None if rule.valid_to is None else _end_of(rule.valid_to, zone),
        expires=rule.expires,
    )


def _compile_award(rule: Rule, parts: int, words: Vocabulary) -> Give:
    award = rule.award
    factor = scaled(factor_of(award), parts)
    if isinstance(award, Flat):
        return lambda env: factor
    word = words[award.of]
    slot, key, multiply = word.slot, word.key, EXACT.multiply

    def give(env: Env) -> Decimal:
        value = env[slot].get(key)
        # A rule never takes points away: what is missing or negative gives nothing.
        return multiply(factor, value) if value is not None and value > 0 else _ZERO

    return give


def _end_of(last: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(last, datetime):
        return to_instant(last, zone) + timedelta(microseconds=1)
    return start_of_day(last + timedelta(days=1), zone)
