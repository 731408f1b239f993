"""Conditions as forms: a tree of groups and rows, read from fields and written back without a loss.

A field of a node is named `when-PLACE-WHAT`: its place is `0` for the root, `0.1` for the second part of that.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.rules.vocabulary import LISTS, OPERATORS, Vocabulary, Word
from tessera.portal.visit import Visit

ALL, ANY, NONE, NOT_ALL, ROW = "all", "any", "none", "not_all", "row"
GROUPS: Mapping[str, str] = {
    ALL: "All of these are true",
    ANY: "At least one of these is true",
    NONE: "None of these is true",
    NOT_ALL: "Not all of these are true",
}
MAX_NODES = 60
"""A condition with more is edited as text: a form has no room for it."""

OTHER = "@"
"""Behind an operator: against another attribute."""
_NAME = re.compile(r"when-(0(?:\.[0-9]{1,3}){0,16})-kind")


@dataclass(slots=True, kw_only=True)
class Node:
    """A group with its parts, or a row. `values` as they stand in the inputs; `is_bare`: the root is that one row.

    `is_next`: a button has just been pressed, and one goes on here.
    """

    kind: str
    parts: list["Node"] = field(default_factory=list)
    attribute: str = ""
    op: str = "eq"
    values: list[str] = field(default_factory=list)
    other: str = ""
    is_bare: bool = False
    place: str = "0"
    is_next: bool = False


def to_tree(given: Mapping[str, Any] | None) -> Node:
    """The tree of a condition; a single comparison stands in a group of its own."""
    node = Node(kind=ALL) if given is None else _node(given)
    if node.kind == ROW:
        node = Node(kind=ALL, parts=[node], is_bare=True)
    return placed(node)


def count_nodes(given: Mapping[str, Any] | None) -> int:
    """How large a condition is."""
    return 0 if given is None else sum(1 for _ in walk(to_tree(given)))


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for part in node.parts:
        yield from walk(part)


def placed(node: Node, place: str = "0") -> Node:
    """The node with its places, and those of its parts, set anew."""
    node.place = place
    for index, part in enumerate(node.parts):
        placed(part, f"{place}.{index}")
    return node


def _node(given: Mapping[str, Any]) -> Node:
    for kind in (ALL, ANY):
        if kind in given:
            return Node(kind=kind, parts=[_node(one) for one in given[kind]])
    if "not" in given:
        inner = given["not"]
        if ANY in inner:
            return Node(kind=NONE, parts=[_node(one) for one in inner[ANY]])
        if ALL in inner:
            return Node(kind=NOT_ALL, parts=[_node(one) for one in inner[ALL]])
        return Node(kind=NONE, parts=[_node(inner)])
    value = given.get("value")
    values = value if isinstance(value, list) else [] if value is None else [value]
    return Node(
        kind=ROW,
        attribute=given["attribute"],
        op=given["op"] + (OTHER if given.get("attribute_value") else ""),
        other=given.get("attribute_value") or "",
        values=[_text(one) for one in values],
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_tree(visit: Visit, words: Vocabulary) -> Node:
    """The tree that the form shows. Rows are read by what their attribute is."""
    found: dict[str, Node] = {}
    for name in visit.form:
        if match := _NAME.fullmatch(name):
            found[match[1]] = _read_node(visit, match[1], words)
    for place in sorted(found, key=lambda one: [int(part) for part in one.split(".")]):
        above = found.get(place.rpartition(".")[0])
        if above is not None:
            above.parts.append(found[place])
    root = found.get("0") or Node(kind=ALL)
    return placed(root if root.kind != ROW else Node(kind=ALL, parts=[root]))


def _read_node(visit: Visit, place: str, words: Vocabulary) -> Node:
    kind = visit.given(f"when-{place}-kind")
    if kind in GROUPS:
        return Node(kind=kind, is_bare=visit.given(f"when-{place}-bare") == "yes")
    attribute, chosen = visit.given(f"when-{place}-attribute"), visit.given(f"when-{place}-op") or "eq"
    values = [one.strip() for one in visit.many(f"when-{place}-value") if one.strip()]
    word, op = words.get(attribute), chosen.removesuffix(OTHER)
    if visit.given(f"when-{place}-was") not in {"", attribute}:
        # Another attribute: what was asked of the one before means nothing.
        values = []
    if word is not None and op not in OPERATORS[word.kind]:
        op = chosen = next(one for one in ("eq", "contains") if one in OPERATORS[word.kind])
    if op in LISTS and not is_listed(word) and len(values) == 1:
        values = split(values[0])
    other = visit.given(f"when-{place}-other") if chosen.endswith(OTHER) else ""
    return Node(kind=ROW, attribute=attribute, op=chosen, values=values, other=other)


def split(text: str) -> list[str]:
    """Values with commas between them; one that has a comma of its own is quoted."""
    try:
        [cells] = csv.reader([text.replace("\n", ",").replace("\r", "")], skipinitialspace=True)
    except (ValueError, csv.Error):
        cells = text.split(",")
    return [one.strip() for one in cells if one.strip()]


def joined(values: Sequence[str]) -> str:
    """Values as `split` reads them."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(values)
    return out.getvalue().replace(",", ", ") if not any("," in one for one in values) else out.getvalue()


def is_listed(word: Word | None) -> bool:
    """Whether the values of an attribute are chosen, not typed."""
    return word is not None and 0 < len(word.choices) <= 40


def change_tree(root: Node, what: str) -> Node:
    """The tree after a button was pressed: `add-row:PLACE`, `add-group:PLACE`, `remove:PLACE`."""
    verb, _, place = what.partition(":")
    nodes = {one.place: one for one in walk(root)}
    node, above = nodes.get(place), nodes.get(place.rpartition(".")[0])
    if node is not None and verb == "add-row":
        node.parts.append(Node(kind=ROW, is_next=True))
    elif node is not None and verb == "add-group":
        node.parts.append(Node(kind=ANY if node.kind == ALL else ALL, parts=[Node(kind=ROW, is_next=True)]))
    elif node is not None and above is not None and verb == "remove":
        above.parts.remove(node)
        above.is_next = True
    # What was one row alone is a list now.
    root.is_bare = root.is_bare and len(root.parts) == 1 and root.parts[0].kind == ROW
    return placed(root)


def to_condition(root: Node, words: Vocabulary) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """The condition of the tree, None where nothing is asked, and the node of each path in it."""
    places: dict[str, str] = {}
    bare = root.is_bare and len(root.parts) == 1
    written = _write(root.parts[0] if bare else root, "when", words, places)
    return written, places


def _write(node: Node, path: str, words: Vocabulary, places: dict[str, str]) -> dict[str, Any] | None:
    places[path] = f"when-{node.place}"
    if node.kind == ROW:
        return _comparison(node, words) if node.attribute else None
    is_negated = node.kind in {NONE, NOT_ALL}
    filled = [one for one in node.parts if not _is_blank(one)]
    if not filled:
        return None
    if node.kind == NONE and len(filled) == 1:
        return {"not": _write(filled[0], f"{path}.not", words, places)}
    key = ANY if node.kind in {ANY, NONE} else ALL
    below = f"{path}.not.{key}" if is_negated else f"{path}.{key}"
    parts = [_write(one, f"{below}[{index}]", words, places) for index, one in enumerate(filled)]
    return {"not": {key: parts}} if is_negated else {key: parts}


def _is_blank(node: Node) -> bool:
    return not node.attribute if node.kind == ROW else all(_is_blank(one) for one in node.parts)


def _comparison(node: Node, words: Vocabulary) -> dict[str, Any]:
    op, word = node.op.removesuffix(OTHER), words.get(node.attribute)
    written: dict[str, Any] = {"attribute": node.attribute, "op": op}
    if node.op.endswith(OTHER):
        return written | ({"attribute_value": node.other} if node.other else {})
    values = [_value(one, op, word) for one in node.values]
    if op in LISTS or op == "between":
        return written | ({"value": values} if values else {})
    if op == "is_set":
        return written | {"value": node.values != ["false"]}
    return written | ({"value": values[0]} if values else {})


def _value(text: str, op: str, word: Word | None) -> Any:
    """Texts stay texts; numbers too, which keeps their digits; yes and no are what they are."""
    if word is not None and word.kind == "boolean" and op != "is_set":
        return {"true": True, "false": False}.get(text, text)
    if word is not None and word.kind == "number" and re.fullmatch(r"-?(0|[1-9][0-9]{0,14})", text):
        return int(text)
    return text
