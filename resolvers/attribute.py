"""Use cases of attribute definitions: what forms show, and how definitions travel between programs."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from domain.access import Permission
from domain.rules.fixed import (
    FIXED_MEMBER_ATTRIBUTES,
    FIXED_TRANSACTION_ATTRIBUTES,
    member_definitions,
    transaction_definitions,
)
from domain.rules.model import AttributeDefinition, Configuration
from resolvers.attribute_file import SECTIONS, read_csv, read_json, write_csv, write_json
from resolvers.configuration import AppliedConfiguration, make_current, read_configuration
from resolvers.context import Context

_FIELDS = frozenset(AttributeDefinition.__dataclass_fields__)
_FIXED = {
    "transaction": frozenset(one.key for one in FIXED_TRANSACTION_ATTRIBUTES),
    "member": frozenset(one.key for one in FIXED_MEMBER_ATTRIBUTES),
}


class AttributeFormat(Enum):
    """How definitions are written down."""

    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportAttributes:
    """Definitions to add or to change, as text."""

    format: AttributeFormat
    content: str
    expected_version: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgramAttribute:
    """An attribute that records of a program may have. `entity` is `transaction` or `member`."""

    entity: str
    is_fixed: bool
    definition: AttributeDefinition


def list_attributes(document: Mapping[str, Any]) -> Sequence[ProgramAttribute]:
    """Every attribute of a stored document: of each entity first the fixed ones, then the program's own."""
    configuration = Configuration(
        transaction_attributes=_definitions(document, "transaction"), member_attributes=_definitions(document, "member")
    )
    found = {
        "transaction": transaction_definitions(configuration),
        "member": member_definitions(configuration),
    }
    return [
        ProgramAttribute(entity=entity, is_fixed=one.key in _FIXED[entity], definition=one)
        for entity, definitions in found.items()
        for one in definitions
    ]


async def export_attributes(ctx: Context, written_as: AttributeFormat) -> str:
    """The program's own definitions, and what it says about fixed ones. Raises Forbidden."""
    ctx.principal.require(Permission.CONFIGURATION_READ)
    document = await ctx.read(lambda tx: ctx.program(tx).document)
    return write_csv(document) if written_as is AttributeFormat.CSV else write_json(document)


async def import_attributes(ctx: Context, command: ImportAttributes) -> AppliedConfiguration:
    """Add and change definitions; those that the file does not name stay.

    What a definition leaves out stays as well, but a selection names its values each time.
    Raises Forbidden, ConfigurationRefused (the file by itself), ConfigurationChanged, ConfigurationRefused (with
    the program's configuration).
    """
    ctx.principal.require(Permission.CONFIGURATION_WRITE)
    given = await asyncio.to_thread(_read_file, command)
    return await make_current(
        ctx,
        lambda stored: read_configuration(with_definitions(stored, given)),
        expected_version=command.expected_version,
        change={"action": "import", "section": "attributes"},
    )


def _read_file(command: ImportAttributes) -> dict[str, Any]:
    given = read_csv(command.content) if command.format is AttributeFormat.CSV else read_json(command.content)
    # By itself first, so that faults are told with the places of the file.
    read_configuration(given)
    return given


def with_definitions(document: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The document with these definitions added and changed; what is left out of one that stands stays."""
    changed = dict(document)
    for section in SECTIONS.values():
        items = {one["key"]: one for one in document.get(section) or []}
        for one in given.get(section) or []:
            before = {key: value for key, value in items.get(one["key"], {}).items() if key != "values"}
            items[one["key"]] = {**before, **one}
        changed[section] = list(items.values())
    return changed


def _definitions(document: Mapping[str, Any], entity: str) -> tuple[AttributeDefinition, ...]:
    """Read without a check: what was stored has passed one, by the rules of its time."""
    return tuple(
        AttributeDefinition(**{key: value for key, value in one.items() if key in _FIELDS} | {"values": values})
        for one in document.get(SECTIONS[entity]) or []
        for values in [tuple(one.get("values", ()))]
    )
