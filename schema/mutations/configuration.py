"""Mutations of a program's configuration: whole, or one item or section, which is a row of a table here."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import strawberry
from strawberry.scalars import JSON

from resolvers.attribute import AttributeFormat as Format
from resolvers.attribute import ImportAttributes, import_attributes
from resolvers.configuration import AppliedConfiguration, apply_configuration
from resolvers.configuration_item import (
    ItemList,
    PlainSection,
    RemoveConfigurationItem,
    SaveConfigurationItem,
    remove_configuration_item,
    save_configuration_item,
)
from schema.context import Info
from schema.field import mutation
from schema.types.configuration import AttributeEntity, AttributeFormat, Configuration, to_configuration

Input = TypeVar("Input")

_SECTIONS: dict[AttributeEntity, ItemList] = {
    AttributeEntity.TRANSACTION: "transaction_attributes",
    AttributeEntity.MEMBER: "member_attributes",
}


def _expected() -> int | None:
    described: int | None = strawberry.field(
        default=None,
        description="The version that the change was made from: refused if another is in force. Null: not compared.",
    )
    return described


@strawberry.input(description="A configuration to apply.")
class ConfigurationApplyInput:
    document: str = strawberry.field(description="The document as YAML or JSON text.")
    prune: bool = strawberry.field(
        default=False, description="Remove what the document leaves out; else that stays as it is."
    )
    expected_version: int | None = _expected()


@strawberry.input(description="An item of the configuration, or keys of a section, as a configuration file has it.")
class ConfigurationItemSaveInput:
    item: JSON = strawberry.field(description="The item. What is not whole is best written as a text.")
    expected_version: int | None = _expected()


@strawberry.input(description="An item to remove from the configuration.")
class ConfigurationItemRemoveInput:
    name: str = strawberry.field(
        description="Its name; of product codes and items of the catalogue the code, of aggregates the key."
    )
    expected_version: int | None = _expected()


@strawberry.input(description="A rule, as a configuration file has it.")
class RuleSaveInput:
    group: str = strawberry.field(description="The name of its group.")
    item: JSON = strawberry.field(description="The rule. What is not whole is best written as a text.")
    expected_version: int | None = _expected()


@strawberry.input(description="A rule to remove.")
class RuleRemoveInput:
    group: str = strawberry.field(description="The name of its group.")
    name: str = strawberry.field(description="Its name.")
    expected_version: int | None = _expected()


@strawberry.input(description="An attribute definition, as a configuration file has it.")
class AttributeSaveInput:
    entity: AttributeEntity = strawberry.field(description="What the attribute belongs to.")
    item: JSON = strawberry.field(description="The definition: key, name, type, values, mandatory, unique, pi.")
    expected_version: int | None = _expected()


@strawberry.input(description="An attribute definition to remove.")
class AttributeRemoveInput:
    entity: AttributeEntity = strawberry.field(description="What the attribute belongs to.")
    key: str = strawberry.field(description="Its key.")
    expected_version: int | None = _expected()


@strawberry.input(description="A file of attribute definitions.")
class AttributeImportInput:
    format: AttributeFormat = strawberry.field(description="How it is written.")
    content: str = strawberry.field(description="The file's text.")
    expected_version: int | None = _expected()


@strawberry.type(description="The configuration in force.")
class ConfigurationPayload:
    configuration: Configuration = strawberry.field(description="The configuration.")
    changed: bool = strawberry.field(description="False where nothing new was said.")


class ConfigurationMutation:
    """Complete, and a type, at the end of this module: most of its fields are rows of tables."""

    @mutation("Apply a configuration document, whole or not at all.")
    async def configuration_apply(self, info: Info, input: ConfigurationApplyInput) -> ConfigurationPayload | None:
        return _payload(
            await apply_configuration(
                info.context.changing(),
                input.document.encode(),
                prune=input.prune,
                expected_version=input.expected_version,
            )
        )

    @mutation("Add an attribute definition, or replace the one of this key.")
    async def attribute_save(self, info: Info, input: AttributeSaveInput) -> ConfigurationPayload | None:
        command = SaveConfigurationItem(
            section=_SECTIONS[input.entity], item=input.item, expected_version=input.expected_version
        )
        return _payload(await save_configuration_item(info.context.changing(), command))

    @mutation("Remove an attribute definition; one that something uses is refused.")
    async def attribute_remove(self, info: Info, input: AttributeRemoveInput) -> ConfigurationPayload | None:
        command = RemoveConfigurationItem(
            section=_SECTIONS[input.entity], name=input.key, expected_version=input.expected_version
        )
        return _payload(await remove_configuration_item(info.context.changing(), command))

    @mutation("Add and change the attribute definitions of a file; those that it does not name stay.")
    async def attribute_import(self, info: Info, input: AttributeImportInput) -> ConfigurationPayload | None:
        command = ImportAttributes(
            format=Format[input.format.name], content=input.content, expected_version=input.expected_version
        )
        return _payload(await import_attributes(info.context.changing(), command))

    @mutation("Add a rule to a group, or replace the one of this name.")
    async def rule_save(self, info: Info, input: RuleSaveInput) -> ConfigurationPayload | None:
        command = SaveConfigurationItem(
            section="rules", group=input.group, item=input.item, expected_version=input.expected_version
        )
        return _payload(await save_configuration_item(info.context.changing(), command))

    @mutation("Remove a rule.")
    async def rule_remove(self, info: Info, input: RuleRemoveInput) -> ConfigurationPayload | None:
        command = RemoveConfigurationItem(
            section="rules", group=input.group, name=input.name, expected_version=input.expected_version
        )
        return _payload(await remove_configuration_item(info.context.changing(), command))


def _payload(applied: AppliedConfiguration) -> ConfigurationPayload:
    return ConfigurationPayload(configuration=to_configuration(applied), changed=applied.changed)


_ITEMS: tuple[tuple[str, ItemList, str], ...] = (
    ("product_code", "product_codes", "a product code"),
    ("aggregate", "aggregates", "an aggregate"),
    ("rule_group", "rule_groups", "a group of rules; one that leaves out its rules keeps them"),
    ("tier_level", "levels", "a level of the tiers"),
    ("segment", "segments", "a segment"),
    ("campaign", "campaigns", "a campaign"),
    ("catalog_item", "catalog", "an item of the catalogue"),
    ("example", "examples", "an example, which every later configuration has to satisfy"),
)
"""Items of lists: the noun of the mutations, the list, and what it is for the description."""

_PLAIN: tuple[tuple[str, PlainSection, str], ...] = (
    ("program_settings_save", "program", "Change settings of the program; those that are left out stay."),
    ("expiry_save", "expiry", "Change when points lapse; with a policy the terms are given whole."),
    ("tier_save", "tiers", "Change the tiers; keys that are left out stay, levels are given whole."),
    ("referral_save", "referrals", "Change the terms of referrals; keys that are left out stay."),
    ("file_settings_save", "files", "Change the settings of batch files; those that are left out stay."),
)
"""Sections that are one object: the mutation, the section, the description."""


def _save(section: ItemList | PlainSection) -> Callable[..., Awaitable[ConfigurationPayload | None]]:
    async def save(info: Info, input: ConfigurationItemSaveInput) -> ConfigurationPayload | None:
        command = SaveConfigurationItem(section=section, item=input.item, expected_version=input.expected_version)
        return _payload(await save_configuration_item(info.context.changing(), command))

    return save


def _remove(section: ItemList) -> Callable[..., Awaitable[ConfigurationPayload | None]]:
    async def remove(info: Info, input: ConfigurationItemRemoveInput) -> ConfigurationPayload | None:
        command = RemoveConfigurationItem(section=section, name=input.name, expected_version=input.expected_version)
        return _payload(await remove_configuration_item(info.context.changing(), command))

    return remove


for _noun, _list, _what in _ITEMS:
    setattr(ConfigurationMutation, f"{_noun}_save", mutation(f"Add, or replace by its name: {_what}.")(_save(_list)))
    _removal = mutation(f"Remove {_what.partition(';')[0].partition(',')[0]}; one that something uses is refused.")
    setattr(ConfigurationMutation, f"{_noun}_remove", _removal(_remove(_list)))
for _name, _section, _description in _PLAIN:
    setattr(ConfigurationMutation, _name, mutation(_description)(_save(_section)))
strawberry.type(ConfigurationMutation)
