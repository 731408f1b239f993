"""The sizes that bound the work of every later check, looked at before anything is read closely."""

from collections.abc import Iterator
from typing import Any

from domain.rules.document import MAX_DEPTH, MAX_VALUES
from domain.rules.problem import Problem, child

MAX_RULES = 500
MAX_CONDITION_NODES = 200
MAX_CONDITION_DEPTH = 16


def size_problems(document: dict[str, Any]) -> list[Problem]:
    """Too many or too deep values, too many rules, and conditions with too many or too deep nodes.

    Tolerates documents of any shape.
    """
    problems: list[Problem] = []
    rules = groups = 0
    for path, group in _items(document.get("rule_groups"), "rule_groups"):
        for rule_path, rule in _items(_get(group, "rules"), f"{path}.rules"):
            rules += 1
            problems.extend(_condition_problems(_get(rule, "when"), f"{rule_path}.when"))
        groups += 1
    if rules > MAX_RULES or groups > MAX_RULES:
        problems.append(Problem("rule_groups", f"more than {MAX_RULES} rules or groups"))
    for section in ("aggregates", "segments"):
        for path, item in _items(document.get(section), section):
            problems.extend(_condition_problems(_get(item, "when"), f"{path}.when"))
    return problems or _tree_problems(document)


def _tree_problems(document: dict[str, Any]) -> list[Problem]:
    """What `load_document` refuses in a file; a document may also have come another way."""
    values, depth = 0, 0
    level: list[Any] = [document]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            return [Problem("", f"nested deeper than {MAX_DEPTH}")]
        values += sum(map(len, level))
        if values > MAX_VALUES:
            return [Problem("", f"more than {MAX_VALUES} values")]
        parts = (part for node in level for part in (node.values() if isinstance(node, dict) else node))
        level = [part for part in parts if isinstance(part, dict | list)]
    return []


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
