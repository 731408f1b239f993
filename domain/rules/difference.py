"""What one configuration document has that another has not: by list and name."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ITEM_NAMES: Mapping[str, str] = {
    "product_codes": "code",
    "transaction_attributes": "key",
    "member_attributes": "key",
    "aggregates": "key",
    "rule_groups": "name",
    "rules": "name",
    "levels": "name",
    "segments": "name",
    "campaigns": "name",
    "messages": "name",
    "catalog": "code",
    "examples": "name",
}
"""The lists of a document, with what tells their items apart."""

_INNER = {"rule_groups": "rules", "tiers": "levels"}
"""Lists inside of items and sections, which are compared by themselves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListChange:
    """What became of a list, or of the keys of a section. `where` is `rule_groups`, `rules of Base`, `program`.

    `reordered`: those that stand on both sides have another sequence.
    """

    where: str
    added: Sequence[str] = ()
    changed: Sequence[str] = ()
    removed: Sequence[str] = ()
    kept: Sequence[str] = ()
    reordered: bool = False

    @property
    def is_change(self) -> bool:
        """Whether anything became of it."""
        return bool(self.added or self.changed or self.removed or self.reordered)


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[ListChange]:
    """The changes between two whole documents, in their order; what is empty on both sides is left out."""
    return [one for one in _compared(before, after) if one.added or one.changed or one.removed or one.kept]


def _compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[ListChange]:
    for name in after:
        if name in ITEM_NAMES:
            old, new = _named(name, before.get(name)), _named(name, after[name])
            yield _change(name, old, new)
            for item in new if name in _INNER else ():
                yield _inner(f"{_INNER[name]} of {item}", _INNER[name], old.get(item, {}), new[item])
        elif isinstance(after[name], Mapping):
            yield _change(name, before.get(name) or {}, after[name])
            if name in _INNER:
                yield _inner(_INNER[name], _INNER[name], before.get(name) or {}, after[name])


def _inner(where: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> ListChange:
    return _change(where, _named(name, before.get(name)), _named(name, after.get(name)))


def _named(name: str, items: Any) -> dict[str, Any]:
    return {str(one[ITEM_NAMES[name]]): one for one in items or ()}


def _change(where: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> ListChange:
    inner = _INNER.get(where)
    old = {key: _text(value, inner) for key, value in before.items() if key != inner}
    new = {key: _text(value, inner) for key, value in after.items() if key != inner}
    return ListChange(
        where=where,
        added=[key for key in new if key not in old],
        changed=[key for key in new if key in old and new[key] != old[key]],
        removed=[key for key in old if key not in new],
        kept=[key for key in new if new[key] == old.get(key)],
        # The keys of a section are in no sequence.
        reordered=where.partition(" ")[0] in ITEM_NAMES
        and [key for key in new if key in old] != [key for key in old if key in new],
    )


def _text(value: Any, inner: str | None) -> str:
    """A value as it is compared, without the list inside it."""
    own = {key: one for key, one in value.items() if key != inner} if isinstance(value, Mapping) else value
    return json.dumps(own, sort_keys=True, default=str)
