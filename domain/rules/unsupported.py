"""What the published shape has and this version does not run: refused by name, never ignored.

Each entry goes away with the capability that brings it. The sizes that bound the work of every
later check are looked at here as well, before anything is read closely.
"""

from collections.abc import Iterator
from typing import Any

from domain.rules.problem import Problem, child

NOT_YET = "not supported yet"

MAX_RULES = 500
MAX_CONDITION_NODES = 200
MAX_CONDITION_DEPTH = 16

SECTIONS = ("aggregates", "tiers", "segments", "campaigns", "referrals")
AWARD_TYPES = frozenset({"multiplier", "every_nth"})
COUNTED_CAPS = ("day", "month", "lifetime")
INPUTS = frozenset({"sub_relation", "aggregate", "tier", "segments"})


def unsupported_problems(document: dict[str, Any]) -> Iterator[Problem]:
    """Every use of what is not supported yet; tolerates documents of any shape."""
    for section in SECTIONS:
        if document.get(section):
            yield Problem(section, f"{section} are {NOT_YET}")
    if _get(document.get("program"), "accrual_cap_per_month") is not None:
        yield Problem("program.accrual_cap_per_month", f"the program's monthly cap is {NOT_YET}")
    if _get(document.get("expiry"), "policy") == "inactivity":
        yield Problem("expiry.policy", f"expiry by inactivity is {NOT_YET}")
    for path, group in _items(document.get("rule_groups"), "rule_groups"):
        caps = _get(group, "caps")
        for cap in COUNTED_CAPS:
            if _get(caps, cap) is not None:
                yield Problem(f"{path}.caps.{cap}", f"a cap per {cap} is {NOT_YET}")
        for rule_path, rule in _items(_get(group, "rules"), f"{path}.rules"):
            yield from _award_problems(_get(rule, "award"), f"{rule_path}.award")


def size_problems(document: dict[str, Any]) -> list[Problem]:
    """Too many rules, and conditions with too many or too deep nodes; tolerates any shape."""
    problems: list[Problem] = []
    rules = groups = 0
    for path, group in _items(document.get("rule_groups"), "rule_groups"):
        for rule_path, rule in _items(_get(group, "rules"), f"{path}.rules"):
            rules += 1
            problems.extend(_condition_problems(_get(rule, "when"), f"{rule_path}.when"))
        groups += 1
    if rules > MAX_RULES or groups > MAX_RULES:
        problems.append(Problem("rule_groups", f"more than {MAX_RULES} rules or groups"))
    return problems


def _award_problems(award: Any, path: str) -> Iterator[Problem]:
    kind = _get(award, "type")
    if isinstance(kind, str) and kind in AWARD_TYPES:
        yield Problem(f"{path}.type", f"awards of type {kind} are {NOT_YET}")
    if _get(award, "release_after_days") is not None:
        yield Problem(f"{path}.release_after_days", f"a release delay is {NOT_YET}")


def _condition_problems(root: Any, path: str) -> list[Problem]:
    nodes, level, depth = 0, [root], 0
    while level:
        nodes += len(level)
        depth += 1
        if nodes > MAX_CONDITION_NODES:
            return [Problem(path, f"more than {MAX_CONDITION_NODES} conditions")]
        if depth > MAX_CONDITION_DEPTH:
            return [Problem(path, f"conditions nested deeper than {MAX_CONDITION_DEPTH}")]
        level = [part for node in level for part in _parts(node)]
    return []


def _parts(node: Any) -> list[Any]:
    parts: list[Any] = []
    for key in ("all", "any"):
        listed = _get(node, key)
        parts.extend(listed if isinstance(listed, list) else ())
    negated = _get(node, "not")
    return parts if negated is None else [*parts, negated]


def _get(node: Any, key: str) -> Any:
    return node.get(key) if isinstance(node, dict) else None


def _items(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    for index, item in enumerate(node if isinstance(node, list) else ()):
        yield child(path, index), item
