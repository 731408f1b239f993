"""The parts of a configuration as types: what lists and forms show, and the whole item as it is saved."""

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from strawberry.scalars import JSON

from domain.rules.parse_files import read_files
from domain.rules.problem import Problems
from schema.scalar import Points
from schema.types.export import ExportKind


@strawberry.enum(description="What the points of a group count as.")
class RuleCategory(Enum):
    SPEND = strawberry.enum_value("spend", description="Points for spending.")
    BONUS = strawberry.enum_value("bonus", description="Bonus points.")


@strawberry.enum(description="Whether members are in a segment by what is true of them now, or since a snapshot.")
class SegmentKind(Enum):
    DYNAMIC = strawberry.enum_value("dynamic", description="Whoever fits now.")
    FROZEN = strawberry.enum_value("frozen", description="Whoever was taken into the snapshot.")


@strawberry.enum(description="What an aggregate makes of transactions.")
class AggregateFunction(Enum):
    SUM = strawberry.enum_value("sum", description="Their sum.")
    COUNT = strawberry.enum_value("count", description="How many there are.")
    MIN = strawberry.enum_value("min", description="The least.")
    MAX = strawberry.enum_value("max", description="The greatest.")
    AVERAGE = strawberry.enum_value("average", description="The average.")


@strawberry.enum(description="Over which time an aggregate goes.")
class AggregatePeriod(Enum):
    LIFETIME = strawberry.enum_value("lifetime", description="All of the member's life.")
    MTD = strawberry.enum_value("mtd", description="The month to date.")
    QTD = strawberry.enum_value("qtd", description="The quarter to date.")
    YTD = strawberry.enum_value("ytd", description="The year to date.")
    ROLLING_365 = strawberry.enum_value("rolling_365", description="The last 365 days.")


@strawberry.enum(description="What separates the columns of files.")
class FileDelimiter(Enum):
    AUTO = strawberry.enum_value("auto", description="The header of each file shows which.")
    COMMA = strawberry.enum_value("comma", description="A comma.")
    PIPE = strawberry.enum_value("pipe", description="A vertical bar.")


@strawberry.enum(description="How files are encoded.")
class FileEncoding(Enum):
    UTF_8 = strawberry.enum_value("utf-8", description="UTF-8, with or without a byte order mark.")
    LATIN_1 = strawberry.enum_value("latin-1", description="ISO 8859-1, a byte for each letter.")


@strawberry.enum(description="How often an export is made by itself.")
class ExportInterval(Enum):
    DAILY = strawberry.enum_value("daily", description="Each day.")
    HOURLY = strawberry.enum_value("hourly", description="Each hour.")


@strawberry.type(description="A kind of export that is made by itself.")
class ScheduledExport:
    kind: ExportKind = strawberry.field(description="What it tells.")
    every: ExportInterval = strawberry.field(description="How often.")
    at: str = strawberry.field(description="When, on the program's clocks: HH:MM; hourly the minute counts.")
    since_last: bool = strawberry.field(description="Only what happened since the last one; else all of it.")
    gzip: bool = strawberry.field(description="Packed.")


@strawberry.type(description="The settings of batch files.")
class FileSettings:
    delimiter: FileDelimiter = strawberry.field(description="What separates the columns.")
    encoding: FileEncoding = strawberry.field(description="How they are encoded.")
    reject_limit_percent: Decimal | None = strawberry.field(
        description="A file of which more of the rows are rejected is held for an administrator; null: none is."
    )
    park_unknown_members: bool = strawberry.field(
        description="Rows whose member or card is not known yet wait for it, and are not rejected."
    )
    park_days: int = strawberry.field(description="How long such rows wait before they are rejected.")
    retention_days: int = strawberry.field(description="How long files that were taken, results and exports stay.")
    personal_data_in_exports: bool = strawberry.field(
        description="Whether exports have the columns with personal information."
    )
    exports: list[ScheduledExport] = strawberry.field(description="Exports that are made by themselves.")


@strawberry.type(description="The most points that a group gives one member; null: no limit.")
class RuleCaps:
    transaction: Points | None = strawberry.field(description="For one transaction.")
    day: Points | None = strawberry.field(description="In a day of the program's time zone.")
    month: Points | None = strawberry.field(description="In a month of the program's time zone.")
    lifetime: Points | None = strawberry.field(description="Ever.")


@strawberry.type(description="A rule: if a condition holds, it gives points.")
class Rule:
    name: str = strawberry.field(description="Its name, unique in its group.")
    enabled: bool = strawberry.field(description="Whether it runs.")
    cap: Points | None = strawberry.field(description="The most that it gives for one transaction; null: no limit.")
    valid_from: str | None = strawberry.field(
        description="From when on it runs, as it was written: a day, or a time on the program's clocks; null: always."
    )
    valid_to: str | None = strawberry.field(description="Until when it runs, inclusive, as it was written.")
    definition: JSON = strawberry.field(description="All of it: the `item` of `ruleSave`.")


@strawberry.type(description="Rules whose points are summed, capped, rounded and posted together.")
class RuleGroup:
    name: str = strawberry.field(description="Its name, unique in the program.")
    enabled: bool = strawberry.field(description="Whether its rules run.")
    category: RuleCategory = strawberry.field(description="What its points count as.")
    stop_at_first: bool = strawberry.field(description="Whether only the first rule that matches gives.")
    caps: RuleCaps = strawberry.field(description="The most that it gives.")
    rules: list[Rule] = strawberry.field(
        description="Its rules, in the order in which they run. As many as the configuration has."
    )
    definition: JSON = strawberry.field(description="All of it, its rules too: the `item` of `ruleGroupSave`.")


@strawberry.type(description="Members that have something in common.")
class Segment:
    name: str = strawberry.field(description="Its name, unique in the program.")
    kind: SegmentKind = strawberry.field(description="How members come to be in it.")
    definition: JSON = strawberry.field(description="All of it: the `item` of `segmentSave`.")


@strawberry.type(description="A running figure of each member over its transactions.")
class Aggregate:
    key: str = strawberry.field(description="Its key, by which conditions ask for it.")
    function: AggregateFunction = strawberry.field(description="What it makes of transactions.")
    period: AggregatePeriod = strawberry.field(description="Over which time it goes.")
    of: str | None = strawberry.field(description="The attribute of transactions that it is made of; null: it counts.")
    definition: JSON = strawberry.field(description="All of it: the `item` of `aggregateSave`.")


def to_rule_group(stored: Mapping[str, Any]) -> RuleGroup:
    """A stored group as callers see it."""
    caps = stored.get("caps") or {}
    return RuleGroup(
        name=stored["name"],
        enabled=stored.get("enabled", True),
        category=RuleCategory(stored.get("category", "spend")),
        stop_at_first=stored.get("stop_at_first", False),
        caps=RuleCaps(**{name: _points(caps.get(name)) for name in ("transaction", "day", "month", "lifetime")}),
        rules=[_to_rule(one) for one in stored.get("rules", ())],
        definition=JSON(stored),
    )


def to_segment(stored: Mapping[str, Any]) -> Segment:
    """A stored segment as callers see it."""
    return Segment(name=stored["name"], kind=SegmentKind(stored.get("kind", "dynamic")), definition=JSON(stored))


def to_aggregate(stored: Mapping[str, Any]) -> Aggregate:
    """A stored aggregate as callers see it."""
    return Aggregate(
        key=stored["key"],
        function=AggregateFunction(stored["function"]),
        period=AggregatePeriod(stored["period"]),
        of=stored.get("of"),
        definition=JSON(stored),
    )


def to_file_settings(stored: Mapping[str, Any]) -> FileSettings:
    """The stored settings of files as callers see them; those that are older than a setting have its default."""
    terms = read_files(dict(stored), Problems())
    return FileSettings(
        delimiter=FileDelimiter(terms.delimiter),
        encoding=FileEncoding(terms.encoding),
        reject_limit_percent=terms.reject_limit_percent,
        park_unknown_members=terms.park_unknown_members,
        park_days=terms.park_days,
        retention_days=terms.retention_days,
        personal_data_in_exports=terms.personal_data_in_exports,
        exports=[
            ScheduledExport(
                kind=ExportKind(one.kind),
                every=ExportInterval(one.every),
                at=f"{one.at:%H:%M}",
                since_last=one.since_last,
                gzip=one.gzip,
            )
            for one in terms.exports
        ],
    )


def _to_rule(stored: Mapping[str, Any]) -> Rule:
    return Rule(
        name=stored["name"],
        enabled=stored.get("enabled", True),
        cap=_points(stored.get("cap")),
        valid_from=stored.get("valid_from"),
        valid_to=stored.get("valid_to"),
        definition=JSON(stored),
    )


def _points(given: int | None) -> Points | None:
    return None if given is None else Points(Decimal(given))
