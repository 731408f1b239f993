"""What is wrong with a value of the document or of its variables: which input it is, in the words of this API.

GraphQL's own messages quote the whole object that the value stands in, in the notation of Python.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLError,
    ListValueNode,
    Node,
    ObjectValueNode,
    VariableNode,
    Visitor,
    visit,
)

MAX_REASON = 300

_VARIABLE = re.compile(r"Variable '\$(\w+)' has invalid value(?: at ([.\[]\S*))?: (.*)", re.DOTALL)
_ARGUMENT = re.compile(r"Argument '(\w+)' has invalid value(?: at ([.\[]\S*))?: (.*)", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_MISSING = re.compile(r"Expected value of type '\w+' to include required field '(\w+)'")
_UNKNOWN = re.compile(r"Expected value of type '(\w+)' not to include unknown field '(\w+)'")
_NULL = re.compile(r"Expected (?:(?:a )?value of|variable '\$\w+' provided to) non-null type")
_ECHO = re.compile(r",? ?[Ff]ound: .*|(?<= value): .*", re.DOTALL)
_GUESS = re.compile(r" Did you mean [^?]*\?")

Path = tuple[str | int, ...]
Places = Mapping[str, Path]


class FaultyInput(GraphQLError):
    """A fault whose input is known: `field` is the way to it, without the argument whose object it stands in."""

    def __init__(self, error: GraphQLError, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}", error.nodes, error.source, error.positions, error.path)
        self.field = field


def name_variable(error: GraphQLError, places: Places) -> GraphQLError:
    """The error with the input that it is about, where it is about a variable."""
    found = _VARIABLE.fullmatch(error.message) or _ARGUMENT.fullmatch(error.message)
    if found is None:
        return error
    name, way, message = found.groups()
    path: Path = tuple(int(index) if index else step for step, index in _STEP.findall(way or ""))
    return _named(error, (*(places.get(name, (name,)) if found.re is _VARIABLE else (name,)), *path), message)


def places_of(document: DocumentNode) -> Places:
    """The argument that each variable stands in, and the way down to it; not of those that stand in several."""
    found: dict[str, set[Path]] = {}
    waiting: list[Any] = list(document.definitions)
    while waiting:
        node = waiting.pop()
        waiting += getattr(getattr(node, "selection_set", None), "selections", ())
        for owner in (node, *(getattr(node, "directives", None) or ())):
            for argument in getattr(owner, "arguments", None) or ():
                for variable, path in _uses_in(argument.value, (argument.name.value,)):
                    found.setdefault(variable, set()).add(path)
    return {variable: path for variable, (path, *others) in found.items() if not others}


def _uses_in(value: Node, path: Path) -> Iterator[tuple[str, Path]]:
    """Every variable in the value of an argument, with its place."""
    if isinstance(value, VariableNode):
        yield value.name.value, path
    for step, inner in _steps(value):
        yield from _uses_in(inner, (*path, step))


def name_literal(error: GraphQLError, document: DocumentNode) -> GraphQLError:
    """The error with the input that it is about, where it is about a value that is written into the document."""
    if not error.nodes:
        return error
    finder = _Finder(error.nodes[0])
    visit(document, finder)
    return error if finder.path is None else _named(error, finder.path, error.message)


def _named(error: GraphQLError, path: Path, message: str) -> FaultyInput:
    guess = _GUESS.search(message)
    meant = guess[0] if guess else ""
    if missing := _MISSING.match(message):
        return FaultyInput(error, text_of((*path, missing[1])), "is missing")
    if unknown := _UNKNOWN.match(message):
        path = path if path[-1:] == (unknown[2],) else (*path, unknown[2])
        return FaultyInput(error, text_of(path), f"{unknown[1]} has no such field.{meant}")
    if _NULL.match(message):
        return FaultyInput(error, text_of(path), "must not be null")
    reason = _ECHO.sub("", _GUESS.sub("", message))[:MAX_REASON]
    return FaultyInput(error, text_of(path), reason + meant)


def _steps(value: Node) -> list[tuple[str | int, Node]]:
    """What stands in an object or a list, by its name or number."""
    if isinstance(value, ObjectValueNode):
        return [(one.name.value, one.value) for one in value.fields]
    return list(enumerate(value.values)) if isinstance(value, ListValueNode) else []


def text_of(path: Path) -> str:
    """The name of an input, by the way to it."""
    # An argument that is an object, such as `input` and `filter`, goes without saying.
    below = path[1:] if len(path) > 1 and isinstance(path[1], str) else path
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in below).removeprefix(".")


class _Finder(Visitor):
    """Finds the argument that a value stands in, and the way down to it."""

    def __init__(self, target: Node) -> None:
        super().__init__()
        self._target = target
        self.path: Path | None = None

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        """Look into one argument."""
        below = self._way_to(node.value)
        if below is not None:
            self.path = (node.name.value, *below)

    def _way_to(self, node: Node) -> Path | None:
        if node is self._target:
            return ()
        if isinstance(node, ObjectValueNode):
            for one in node.fields:
                if one is self._target:  # It is at fault itself where its name is.
                    return (one.name.value,)
        for step, inner in _steps(node):
            below = self._way_to(inner)
            if below is not None:
                return (step, *below)
        return None
