"""Reads rule groups, rules and awards, whose shape the schema has checked."""

from datetime import datetime
from typing import Any

from domain.rules.exact import MAX_DENOMINATOR, denominator
from domain.rules.model import Award, Flat, GroupCaps, Percent, PerUnit, Rule, RuleGroup
from domain.rules.parse_attribute import read_name
from domain.rules.parse_condition import read_condition, word_at
from domain.rules.parse_program import read_amount, read_moment, read_override, settled
from domain.rules.problem import Problems, child
from domain.rules.vocabulary import MOMENT, Vocabulary


def read_groups(given: list[dict[str, Any]], words: Vocabulary, problems: Problems) -> tuple[RuleGroup, ...]:
    """The groups in sequence; notes duplicate names, and conditions and awards that do not fit."""
    problems.distinct((group["name"] for group in given), lambda index: f"rule_groups[{index}].name")
    return tuple(_read_group(group, child("rule_groups", index), words, problems) for index, group in enumerate(given))


def _read_group(given: dict[str, Any], path: str, words: Vocabulary, problems: Problems) -> RuleGroup:
    rules = given["rules"]
    problems.distinct((rule["name"] for rule in rules), lambda index: f"{path}.rules[{index}].name")
    group = RuleGroup(
        name=read_name(given["name"], f"{path}.name", problems),
        enabled=given.get("enabled", True),
        category=given.get("category", "spend"),
        stop_at_first=given.get("stop_at_first", False),
        caps=GroupCaps(transaction=settled(given.get("caps", {}).get("transaction"))),
        rules=tuple(
            _read_rule(rule, child(f"{path}.rules", index), words, problems) for index, rule in enumerate(rules)
        ),
    )
    if denominator(rule.award for rule in group.rules) > MAX_DENOMINATOR:
        problems.add(path, "the units `per` of the rules have too large a common multiple")
    return group


def _read_rule(given: dict[str, Any], path: str, words: Vocabulary, problems: Problems) -> Rule:
    when = given.get("when")
    rule = Rule(
        name=read_name(given["name"], f"{path}.name", problems),
        enabled=given.get("enabled", True),
        when=None if when is None else read_condition(when, f"{path}.when", words, problems),
        award=_read_award(given["award"], f"{path}.award", words, problems),
        cap=settled(given.get("cap")),
        valid_from=read_moment(given.get("valid_from"), f"{path}.valid_from", problems),
        valid_to=read_moment(given.get("valid_to"), f"{path}.valid_to", problems),
        expires=read_override(given["award"].get("expires"), f"{path}.award.expires", problems),
    )
    _check_validity(rule, path, problems)
    return rule


def _read_award(given: dict[str, Any], path: str, words: Vocabulary, problems: Problems) -> Award:
    def amount(key: str, default: int | None = None) -> Any:
        return read_amount(given.get(key, default), f"{path}.{key}", problems, positive=True)

    if given["type"] == "flat":
        return Flat(points=amount("points"))
    _check_counted(given["of"], f"{path}.of", words, problems)
    if given["type"] == "percent":
        return Percent(of=given["of"], percent=amount("percent"))
    return PerUnit(of=given["of"], points=amount("points"), per=amount("per", 1))


def _check_counted(given: str, path: str, words: Vocabulary, problems: Problems) -> None:
    word = word_at(given, path, words, problems)
    if word is not None and (word.kind != "number" or word.slot == MOMENT):
        problems.add(path, "must be a number of the transaction or the member")


def _check_validity(rule: Rule, path: str, problems: Problems) -> None:
    first, last = rule.valid_from, rule.valid_to
    if first is None or last is None:
        return
    # Two days apart, no offset can turn the order round; closer, an empty span does no harm.
    days = [value.date() if isinstance(value, datetime) else value for value in (first, last)]
    if (days[0] - days[1]).days > 2 or (type(first) is type(last) and _is_after(first, last)):
        problems.add(f"{path}.valid_to", "is before valid_from")


def _is_after(first: Any, last: Any) -> bool:
    try:
        return bool(first > last)
    except TypeError:
        return False  # one has an offset and the other has none
