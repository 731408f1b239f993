"""Reads rule groups, rules and awards, whose shape the schema has checked."""

from dataclasses import dataclass
from typing import Any

from domain.rules.exact import MAX_DENOMINATOR, denominator
from domain.rules.model import Award, EveryNth, Flat, GroupCaps, Multiplier, Percent, PerUnit, Rule, RuleGroup
from domain.rules.parse_attribute import read_name
from domain.rules.parse_condition import read_condition, word_at
from domain.rules.parse_program import check_span, read_amount, read_factor, read_moment, read_override, settled
from domain.rules.problem import Problems, child, shown
from domain.rules.vocabulary import AGGREGATE, MEMBER, TRANSACTION, Vocabulary

MAX_MULTIPLIERS = 20
_COUNTABLE = (TRANSACTION, MEMBER, AGGREGATE)


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleWords:
    """What rules may speak of: the words of conditions, and the keys of aggregates that count."""

    words: Vocabulary
    counts: frozenset[str]


def read_groups(given: list[dict[str, Any]], words: RuleWords, problems: Problems) -> tuple[RuleGroup, ...]:
    """The groups in sequence; notes duplicate names, and conditions and awards that do not fit."""
    problems.distinct((group["name"] for group in given), lambda index: f"rule_groups[{index}].name")
    return tuple(_read_group(group, child("rule_groups", index), words, problems) for index, group in enumerate(given))


def _read_group(given: dict[str, Any], path: str, words: RuleWords, problems: Problems) -> RuleGroup:
    rules = given["rules"]
    problems.distinct((rule["name"] for rule in rules), lambda index: f"{path}.rules[{index}].name")
    group = RuleGroup(
        name=read_name(given["name"], f"{path}.name", problems),
        enabled=given.get("enabled", True),
        category=given.get("category", "spend"),
        stop_at_first=given.get("stop_at_first", False),
        caps=GroupCaps(**{window: settled(limit) for window, limit in given.get("caps", {}).items()}),
        rules=tuple(
            _read_rule(rule, child(f"{path}.rules", index), words, problems) for index, rule in enumerate(rules)
        ),
    )
    if denominator(rule.award for rule in group.rules) > MAX_DENOMINATOR:
        problems.add(path, "the units `per` of the rules have too large a common multiple")
    if sum(isinstance(rule.award, Multiplier) for rule in group.rules) > MAX_MULTIPLIERS:
        problems.add(f"{path}.rules", f"more than {MAX_MULTIPLIERS} multipliers")
    return group


def _read_rule(given: dict[str, Any], path: str, words: RuleWords, problems: Problems) -> Rule:
    when = given.get("when")
    rule = Rule(
        name=read_name(given["name"], f"{path}.name", problems),
        enabled=given.get("enabled", True),
        when=None if when is None else read_condition(when, f"{path}.when", words.words, problems),
        award=_read_award(given["award"], f"{path}.award", words, problems),
        cap=settled(given.get("cap")),
        valid_from=read_moment(given.get("valid_from"), f"{path}.valid_from", problems),
        valid_to=read_moment(given.get("valid_to"), f"{path}.valid_to", problems),
        expires=read_override(given["award"].get("expires"), f"{path}.award.expires", problems),
        release_after_days=settled(given["award"].get("release_after_days")),
    )
    if rule.cap is not None and isinstance(rule.award, Multiplier):
        problems.add(f"{path}.cap", "has no meaning with a multiplier")
    check_span(rule.valid_from, rule.valid_to, f"{path}.valid_to", "valid_from", problems)
    return rule


def _read_award(given: dict[str, Any], path: str, words: RuleWords, problems: Problems) -> Award:
    def amount(key: str, default: int | None = None) -> Any:
        return read_amount(given.get(key, default), f"{path}.{key}", problems, positive=True)

    match given["type"]:
        case "flat":
            return Flat(points=amount("points"))
        case "multiplier":
            return Multiplier(factor=read_factor(given["factor"], f"{path}.factor", problems))
        case "every_nth":
            if given["count"] not in words.counts:
                problems.add(f"{path}.count", f"is no aggregate of the function count: {shown(given['count'])}")
            return EveryNth(count=given["count"], n=settled(given["n"]), points=amount("points"))
        case kind:
            _check_counted(given["of"], f"{path}.of", words.words, problems)
            if kind == "percent":
                return Percent(of=given["of"], percent=amount("percent"))
            return PerUnit(of=given["of"], points=amount("points"), per=amount("per", 1))


def _check_counted(given: str, path: str, words: Vocabulary, problems: Problems) -> None:
    word = word_at(given, path, words, problems)
    if word is not None and (word.kind != "number" or word.slot not in _COUNTABLE):
        problems.add(path, "must be a number of the transaction, the member or an aggregate")
