"""A configuration file that says a part, joined with what stands: its faults are told with the file's own paths."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from domain.rules.difference import ITEM_NAMES
from domain.rules.model import Configuration
from domain.rules.parse import parse
from domain.rules.problem import ConfigurationInvalid, Problem, child

_STANDS = "(it stands in the configuration in force, and the file leaves it there)"
_STEP = re.compile(r"\.?(?P<key>[A-Za-z_][A-Za-z0-9_]*)|\[(?P<index>[0-9]+)\]")


def parse_joined(given: Mapping[str, Any], stored: Mapping[str, Any]) -> Configuration:
    """The configuration of a file over what stands. `ConfigurationInvalid` with every fault of the whole.

    A path is that in the file; of what the file leaves as it is, that in the stored document, which the fault says.
    """
    whole = join_documents(stored, given)
    try:
        return parse(whole)
    except ConfigurationInvalid as error:
        raise ConfigurationInvalid(_as_given(one, whole, given) for one in error.problems) from error


def join_documents(stored: Any, given: Any, name: str = "") -> Any:
    """`given` over `stored`: objects by key, named lists by name, everything else replaced."""
    if isinstance(stored, Mapping) and isinstance(given, Mapping):
        if name in {"expiry", "award", "when"}:
            return given
        return {
            **stored,
            **{key: join_documents(stored.get(key), value, key) for key, value in given.items()},
        }
    by = ITEM_NAMES.get(name)
    if by is None or not isinstance(stored, list) or not isinstance(given, list):
        return given
    if not all(isinstance(one, Mapping) and isinstance(one.get(by), str) for one in given):
        return given
    items = {one.get(by): one for one in stored}
    seen: set[str] = set()
    repeated = []
    for one in given:
        if one[by] in seen:
            # A fault, which the check of the whole names: without what stands it would find others that are none.
            repeated.append(one)
        else:
            items[one[by]] = join_documents(items.get(one[by]), one)
        seen.add(one[by])
    return in_sequence(name, [*items.values(), *repeated])


def in_sequence(name: str, items: list[Any]) -> list[Any]:
    """Levels in ascending order, because one that is added may stand between others; other lists as they are."""
    if name != "levels":
        return items
    try:
        return sorted(items, key=lambda level: Decimal(level["from"]))
    except (KeyError, TypeError, ValueError, InvalidOperation):
        # What cannot be ordered has a fault, which the check of the whole document names.
        return items


def _as_given(problem: Problem, whole: Any, given: Any) -> Problem:
    """The fault with its path in the file, as far as the file says what it is about."""
    path, rest, name = "", problem.path, ""
    while step := _STEP.match(rest):
        at: Any = step["key"]
        if at is not None:
            if not isinstance(given, Mapping) or not isinstance(whole, Mapping) or at not in {*given, *whole}:
                break
            is_given, place = at in given, at
        else:
            if not isinstance(given, list) or not isinstance(whole, list):
                break
            at = int(step["index"])
            place = _index(whole, given, at, ITEM_NAMES.get(name))
            is_given = place is not None
        if not is_given:
            return Problem(problem.path, f"{problem.message} {_STANDS}")
        path, name = child(path, place), step["key"] or ""
        whole, given, rest = whole[at] if step["index"] else whole.get(at), given[place], rest[step.end() :]
    return Problem(path + rest, problem.message)


def _index(whole: Sequence[Any], given: Sequence[Any], at: int, by: str | None) -> int | None:
    """Where in the file's list an item of the joined one stands: the first of a name is the first in both."""
    if whole is given or by is None:
        return at
    names, wanted = [one[by] for one in whole], whole[at][by]
    places = [index for index, one in enumerate(given) if one[by] == wanted]
    before = names[:at].count(wanted)
    return places[before] if before < len(places) else None
