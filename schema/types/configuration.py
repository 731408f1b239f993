"""A program's configuration: its versions, and the parts that forms are made from."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON

from resolvers.attribute import ProgramAttribute, list_attributes
from resolvers.configuration import AppliedConfiguration
from resolvers.configuration_version import ConfigurationVersion as VersionRow
from schema.context import RequestContext
from schema.field import field
from schema.types.configuration_item import (
    Aggregate,
    FileSettings,
    RuleGroup,
    Segment,
    to_aggregate,
    to_file_settings,
    to_rule_group,
    to_segment,
)


@strawberry.enum(description="What an attribute belongs to.")
class AttributeEntity(Enum):
    TRANSACTION = strawberry.enum_value("transaction", description="Transactions.")
    MEMBER = strawberry.enum_value("member", description="Members.")


@strawberry.enum(description="The type of an attribute's values.")
class AttributeType(Enum):
    STRING = strawberry.enum_value("string", description="A text.")
    INT = strawberry.enum_value("int", description="A whole number.")
    DECIMAL = strawberry.enum_value("decimal", description="An exact number.")
    SELECTION = strawberry.enum_value("selection", description="One of the texts in `values`.")
    DATE = strawberry.enum_value("date", description="A date, optionally with a time.")
    BOOLEAN = strawberry.enum_value("boolean", description="True or false.")


@strawberry.enum(description="How attribute definitions are written down.")
class AttributeFormat(Enum):
    JSON = strawberry.enum_value("json", description="The attribute sections of a configuration document, complete.")
    CSV = strawberry.enum_value(
        "csv",
        description="Columns entity, key, name, data_type, mandatory, unique, pi, selection_values (in one cell, "
        "separated by semicolons).",
    )


@strawberry.type(description="What an attribute of transactions or members is.")
class AttributeDefinition:
    entity: AttributeEntity = strawberry.field(description="What it belongs to.")
    key: str = strawberry.field(description="Its key in APIs and files; case-sensitive.")
    name: str = strawberry.field(description="What people read.")
    type: AttributeType = strawberry.field(description="The type of its values.")
    values: list[str] = strawberry.field(description="The values of a selection; else empty.")
    mandatory: bool = strawberry.field(description="Every record must have it.")
    unique: bool = strawberry.field(description="No two members share a value.")
    personal: bool = strawberry.field(description="Personal information: encrypted at rest, masked for most.")
    max_length: int = strawberry.field(description="The longest text, in characters.")
    hidden_on_profile: bool = strawberry.field(description="Profiles leave it out.")
    fixed: bool = strawberry.field(description="Every program has it; else it is the program's own.")


@strawberry.type(description="A product code with the sub product codes that may stand with it.")
class ProductCode:
    code: str = strawberry.field(description="The code.")
    sub_codes: list[str] = strawberry.field(description="Its sub product codes.")


@strawberry.type(description="A program's configuration: one document of settings, attributes, rules and expiry.")
class Configuration:
    stored: strawberry.Private[Mapping[str, Any]]
    version: int = strawberry.field(description="Its version; each change makes the next one.")
    document: JSON = strawberry.field(description="The whole document.")

    @field("The attributes that records may have: of each entity the fixed ones, then the program's own.")
    def attribute_definitions(
        self,
        entity: Annotated[AttributeEntity | None, strawberry.argument(description="Only those of one entity.")] = None,
    ) -> list[AttributeDefinition]:
        found = [_to_definition(one) for one in list_attributes(self.stored)]
        return [one for one in found if entity in (None, one.entity)]

    @field("The product codes; where there are none, every code is accepted.")
    def product_codes(self) -> list[ProductCode]:
        stored = self.stored.get("product_codes") or []
        return [ProductCode(code=one["code"], sub_codes=one.get("sub_codes", [])) for one in stored]

    @field("The groups of rules with their rules, in the order in which they run.")
    def rule_groups(self) -> list[RuleGroup]:
        return [to_rule_group(one) for one in self.stored.get("rule_groups") or []]

    @field("The segments, in the order of the document.")
    def segments(self) -> list[Segment]:
        return [to_segment(one) for one in self.stored.get("segments") or []]

    @field("The aggregates, in the order of the document.")
    def aggregates(self) -> list[Aggregate]:
        return [to_aggregate(one) for one in self.stored.get("aggregates") or []]

    @field("The settings of batch files.")
    def files(self) -> FileSettings:
        return to_file_settings(self.stored.get("files") or {})


@strawberry.type(description="A version of the configuration that is or was in force.")
class ConfigurationVersion:
    version: int = strawberry.field(description="Its number: `configuration(version:)` gives the document.")
    applied_at: datetime = strawberry.field(description="When it came into force.")
    applied_by: str = strawberry.field(description="Who made it.")
    digest: str = strawberry.field(description="SHA-256 of the document's canonical text, in hexadecimal.")


def to_configuration(row: AppliedConfiguration) -> Configuration:
    """A configuration as callers see it."""
    return Configuration(version=row.version, document=JSON(row.document), stored=row.document)


def to_configuration_version(row: VersionRow, context: RequestContext) -> ConfigurationVersion:
    """A version as callers see it."""
    return ConfigurationVersion(
        version=row.version,
        applied_at=context.local(row.applied_at),
        applied_by=row.applied_by,
        digest=row.digest,
    )


def _to_definition(row: ProgramAttribute) -> AttributeDefinition:
    one = row.definition
    return AttributeDefinition(
        entity=AttributeEntity(row.entity),
        key=one.key,
        name=one.name,
        type=AttributeType(one.type),
        values=list(one.values),
        mandatory=one.mandatory,
        unique=one.unique,
        personal=one.pi,
        max_length=one.max_length,
        hidden_on_profile=one.hidden_on_profile,
        fixed=row.is_fixed,
    )
