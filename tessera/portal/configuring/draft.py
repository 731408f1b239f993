"""A change that somebody is about to make: forms carry it from page to page, until it is applied."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, cast
from unicodedata import normalize

import orjson

from domain.errors import BadRequest, ConfigurationRefused
from domain.rules.difference import ITEM_NAMES
from domain.rules.join import in_sequence
from domain.rules.problem import shown
from resolvers.configuration import source_of
from resolvers.configuration_item import Items, with_list
from resolvers.configuration_version import find_configuration
from tessera.portal.visit import Visit

FILE, VERSION = "file", "version"
"""Drafts that are a whole document: one that somebody has, and one that was in force before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What becomes of one item or section.

    `name` is the item that it is about, None for a new one; `item` what it is to be, None where it goes away or only
    moves by `step` places. `group` is where a rule is to stand, `from_group` where it stands. `results` are what
    examples are to give from then on, by name: a rule and the examples that it breaks change together.
    """

    section: str
    item: Mapping[str, Any] | None = None
    name: str | None = None
    group: str | None = None
    from_group: str | None = None
    step: int = 0
    results: Mapping[str, str] = field(default_factory=dict)

    @property
    def new_name(self) -> str:
        """What the item is called once the draft is in force; of a section, the section."""
        by = ITEM_NAMES.get(self.section)
        if by is None:
            return self.section
        return str(self.item.get(by, "")) if self.item is not None else self.name or ""


def encode(draft: Draft) -> str:
    """The draft as the value of a field."""
    return orjson.dumps(asdict(draft)).decode()


def decode(text: str) -> Draft:
    """The draft of a field. Raises BadRequest."""
    try:
        given = orjson.loads(text)
        draft = Draft(**given)
    except (ValueError, TypeError) as error:
        raise BadRequest("draft: cannot be read", field="draft") from error
    if not isinstance(draft.results, dict) or not isinstance(draft.item, dict | None):
        raise BadRequest("draft: cannot be read", field="draft")
    texts = (draft.section, draft.name or "", draft.group or "", draft.from_group or "", *draft.results.values())
    if not all(isinstance(one, str) for one in texts):
        raise BadRequest("draft: cannot be read", field="draft")
    is_numbered = draft.section != VERSION or re.fullmatch("[0-9]{1,9}", draft.name or "") is not None
    if (draft.item is None and not draft.name) or not is_numbered or not isinstance(draft.step, int):
        raise BadRequest("draft: says nothing", field="draft")
    return draft


@dataclass(frozen=True, slots=True)
class Source:
    """A draft as the use cases take it: a document, which with `prune` is all of the configuration."""

    body: bytes
    prune: bool


async def read_draft(visit: Visit, draft: Draft, document: Mapping[str, Any]) -> Source:
    """The draft over the document in force. Raises ConfigurationRefused (an item or version that is not there)."""
    if draft.section == FILE and draft.item is not None:
        return Source(str(draft.item.get("source", "")).encode(), bool(draft.item.get("prune")))
    if draft.section == VERSION:
        found = await find_configuration(visit.ctx, int(draft.name or 0))
        if found is None:
            raise ConfigurationRefused(f"there is no version {draft.name}")
        return Source(source_of(found.document).encode(), prune=True)
    return Source(source_of(next_document(document, draft)).encode(), prune=True)


def next_document(document: Mapping[str, Any], draft: Draft) -> dict[str, Any]:
    """The document with the draft in it, not checked. Raises ConfigurationRefused for what is not there."""
    following = _with_item(document, draft)
    if draft.results:
        examples = items_of(following, "examples")
        following["examples"] = [{**one, "points": draft.results.get(one["name"], one["points"])} for one in examples]
    return following


def _with_item(document: Mapping[str, Any], draft: Draft) -> dict[str, Any]:
    if draft.section not in ITEM_NAMES:
        return {**document, draft.section: draft.item}
    name = None if draft.name is None else normalize("NFC", draft.name)
    if draft.from_group is not None and draft.from_group != draft.group and name is not None:
        gone = with_list(document, draft.section, draft.from_group, lambda items: _without(items, draft.section, name))
        return with_list(gone, draft.section, draft.group, lambda items: [*items, draft.item])

    def change(items: Items) -> Items:
        if name is None:
            return in_sequence(draft.section, [*items, draft.item])
        if draft.item is None:
            return _moved(items, draft, name) if draft.step else _without(items, draft.section, name)
        at = _place(items, draft.section, name)
        return in_sequence(draft.section, [*items[:at], draft.item, *items[at + 1 :]])

    return with_list(document, draft.section, draft.group, change)


def find_item(
    document: Mapping[str, Any], section: str, name: str, group: str | None = None
) -> Mapping[str, Any] | None:
    """An item of a list by its name; None where there is none."""
    by = ITEM_NAMES[section]
    return next((one for one in items_of(document, section, group) if one[by] == normalize("NFC", name)), None)


def items_of(document: Mapping[str, Any], section: str, group: str | None = None) -> list[Mapping[str, Any]]:
    """A list of the document: the rules of a group, the levels of the tiers, or one of its own."""
    if section == "rules":
        groups = [one["rules"] for one in document["rule_groups"] if one["name"] == group]
        return groups[0] if groups else []
    if section == "levels":
        return cast(list[Mapping[str, Any]], document["tiers"]["levels"])
    return cast(list[Mapping[str, Any]], document.get(section) or [])


def path_of(document: Mapping[str, Any], draft: Draft) -> str:
    """Where what the draft is about stands in a document: how the paths of its faults begin."""
    by = ITEM_NAMES.get(draft.section)
    if by is None:
        return draft.section
    items = items_of(document, draft.section, draft.group)
    # A second item of a name stands at the end.
    at = max((index for index, one in enumerate(items) if str(one.get(by, "")) == draft.new_name), default=0)
    if draft.section == "rules":
        groups = [one["name"] for one in document["rule_groups"]]
        return f"rule_groups[{groups.index(draft.group) if draft.group in groups else 0}].rules[{at}]"
    return f"tiers.levels[{at}]" if draft.section == "levels" else f"{draft.section}[{at}]"


def _place(items: Items, section: str, name: str) -> int:
    by = ITEM_NAMES[section]
    for index, one in enumerate(items):
        if one[by] == name:
            return index
    raise ConfigurationRefused(f"{section}: nothing here is named {shown(name)}")


def _without(items: Items, section: str, name: str) -> Items:
    at = _place(items, section, name)
    return [*items[:at], *items[at + 1 :]]


def _moved(items: Items, draft: Draft, name: str) -> Items:
    at = _place(items, draft.section, name)
    to = min(max(at + draft.step, 0), len(items) - 1)
    others = [*items[:at], *items[at + 1 :]]
    return [*others[:to], items[at], *others[to:]]
