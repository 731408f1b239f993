"""Use cases that change one item or section of the configuration, and check the whole of it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from unicodedata import normalize

from domain.access import Permission
from domain.errors import ConfigurationRefused
from domain.rules.difference import ITEM_NAMES
from domain.rules.join import in_sequence, join_documents
from domain.rules.problem import shown
from resolvers.configuration import (
    AppliedConfiguration,
    make_current,
    read_configuration,
    read_source,
    source_of,
)
from resolvers.context import Context

Items = list[Any]

ItemList = Literal[
    "product_codes",
    "transaction_attributes",
    "member_attributes",
    "aggregates",
    "rule_groups",
    "rules",
    "levels",
    "segments",
    "campaigns",
    "catalog",
    "examples",
]
"""The lists whose items are saved and removed by name; `rules` are those of one group, `levels` those of the tiers."""

PlainSection = Literal["program", "expiry", "tiers", "referrals", "files"]
"""The sections that are one object."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SaveConfigurationItem:
    """An item of a list, or keys of a section. `group` is that of a rule.

    An item replaces the one of its name, where that stands, or is added at the end. A group that leaves out
    its rules keeps them. A plain section keeps the keys that are left out, but an expiry that names its policy
    is given whole, because the other keys belong to the policy.
    """

    section: ItemList | PlainSection
    item: Any
    group: str | None = None
    expected_version: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveConfigurationItem:
    """An item to remove, by its name (its key or code where that is what names it). `group` is that of a rule."""

    section: ItemList
    name: str
    group: str | None = None
    expected_version: int | None = None


async def save_configuration_item(ctx: Context, command: SaveConfigurationItem) -> AppliedConfiguration:
    """Save an item or a section. Raises Forbidden, ConfigurationRefused (an item that cannot be read),
    ConfigurationChanged, ConfigurationRefused (an unknown group; faults of the whole document with their paths).
    """
    ctx.principal.require(_permission(command.section))
    item = await asyncio.to_thread(_read_item, command.section, command.item)
    change = _told("save", command.section, command.group, item.get(ITEM_NAMES.get(command.section, "")))
    return await make_current(
        ctx,
        lambda stored: read_configuration(save_item(stored, command.section, item, command.group)),
        expected_version=command.expected_version,
        change=change,
    )


async def remove_configuration_item(ctx: Context, command: RemoveConfigurationItem) -> AppliedConfiguration:
    """Remove an item. Raises Forbidden, ConfigurationChanged, ConfigurationRefused (an unknown name or group;
    what the rest of the document still uses, with the path of the use; a level that members have).
    """
    ctx.principal.require(_permission(command.section))
    change = _told("remove", command.section, command.group, command.name)
    return await make_current(
        ctx,
        lambda stored: read_configuration(remove_item(stored, command.section, command.name, command.group)),
        expected_version=command.expected_version,
        change=change,
    )


def save_item(
    document: Mapping[str, Any], section: str, item: Mapping[str, Any], group: str | None = None
) -> dict[str, Any]:
    """The document with the item in it, not checked. Raises ConfigurationRefused for an unknown group."""
    if section not in ITEM_NAMES:
        before = document.get(section) or {}
        is_whole = section == "expiry" and "policy" in item
        return {**document, section: item if is_whole else _merged(section, before, item)}
    by = ITEM_NAMES[section]

    def change(items: Items) -> Items:
        saved, name = dict(item), item.get(by)
        places = [index for index, one in enumerate(items) if one[by] == name]
        if section == "rule_groups":
            saved.setdefault("rules", items[places[0]]["rules"] if places else [])
        if not places:
            return in_sequence(section, [*items, saved])
        return in_sequence(section, [saved if index == places[0] else one for index, one in enumerate(items)])

    return with_list(document, section, group, change)


def remove_item(document: Mapping[str, Any], section: str, name: str, group: str | None = None) -> dict[str, Any]:
    """The document without the item, not checked. Raises ConfigurationRefused for an unknown name or group."""
    by, wanted = ITEM_NAMES[section], normalize("NFC", name)

    def change(items: Items) -> Items:
        kept = [one for one in items if one[by] != wanted]
        if len(kept) == len(items):
            raise _unknown(section, wanted)
        return kept

    return with_list(document, section, group, change)


def with_list(
    document: Mapping[str, Any], section: str, group: str | None, change: Callable[[Items], Items]
) -> dict[str, Any]:
    """The document with one of its lists changed, wherever that stands. Raises ConfigurationRefused (the group)."""
    if section == "rules":
        wanted, groups = normalize("NFC", group or ""), document.get("rule_groups") or []
        if all(one["name"] != wanted for one in groups):
            raise _unknown("rule_groups", wanted)
        changed = [{**one, "rules": change(one["rules"])} if one["name"] == wanted else one for one in groups]
        return {**document, "rule_groups": changed}
    if section == "levels":
        tiers = document.get("tiers") or {}
        return {**document, "tiers": {**tiers, "levels": change(tiers.get("levels") or [])}}
    return {**document, section: change(document.get(section) or [])}


def _merged(section: str, before: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """Key by key; lists inside are given whole, so that the levels of tiers can be taken away as well."""
    return {
        **before,
        **{
            key: value if isinstance(value, list) else join_documents(before.get(key), value, key)
            for key, value in item.items()
        },
    }


def _read_item(section: str, given: Any) -> dict[str, Any]:
    """The item under the limits and in the notation of a file. Raises ConfigurationRefused."""
    item = read_source(source_of({section: given}))[section]
    if not isinstance(item, dict):
        raise ConfigurationRefused(f"{section}: the item must be an object")
    return item


def _unknown(section: str, name: str) -> ConfigurationRefused:
    return ConfigurationRefused(f"{section}: nothing here is named {shown(name)}")


def _permission(section: str) -> Permission:
    """Who sees to the catalogue need not be let at the rules."""
    return Permission.CATALOG_WRITE if section == "catalog" else Permission.CONFIGURATION_WRITE


def _told(action: str, section: str, group: str | None, name: object) -> dict[str, Any]:
    """What the audit trail says about a change, without what was not given."""
    told = {"action": action, "section": section, "group": group, "name": name}
    return {key: value for key, value in told.items() if isinstance(value, str)}
