"""Reads segments and campaigns, whose shape the schema has checked."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from domain.rules.model import (
    AllOf,
    AnyOf,
    Campaign,
    CampaignAward,
    Comparison,
    Condition,
    Flat,
    Multiplier,
    Not,
    Segment,
)
from domain.rules.parse_attribute import read_name
from domain.rules.parse_condition import read_condition
from domain.rules.parse_program import check_span, read_amount, read_factor, read_moment
from domain.rules.problem import Problems, child, shown
from domain.rules.vocabulary import Vocabulary

MAX_SEGMENT_DEPTH = 8
"""Segments that build on segments; more would nest the checks of one transaction without need."""

_FALLBACK_DAY = date(2000, 1, 1)


def read_segment_names(given: list[dict[str, Any]], problems: Problems) -> tuple[Segment, ...]:
    """The segments without their conditions, which may name each other; notes duplicate names."""
    problems.distinct((item["name"] for item in given), lambda index: f"segments[{index}].name")
    return tuple(
        Segment(
            name=read_name(item["name"], f"segments[{index}].name", problems),
            kind=item.get("kind", "dynamic"),
        )
        for index, item in enumerate(given)
    )


def read_segment_conditions(
    given: list[dict[str, Any]], segments: tuple[Segment, ...], words: Vocabulary, problems: Problems
) -> tuple[Segment, ...]:
    """The segments with their conditions; notes a missing one, words of the transaction, and cycles."""
    asked = words.within("member", "sub_relation", "aggregate", "tier", "segments", "date")
    read = []
    for index, (item, segment) in enumerate(zip(given, segments, strict=True)):
        path, when = f"segments[{index}].when", item.get("when")
        if when is None and segment.kind == "dynamic":
            problems.add(path, "is missing for a dynamic segment")
        read.append(segment if when is None else replace(segment, when=read_condition(when, path, asked, problems)))
    _check_nesting(read, problems)
    return tuple(read)


def read_campaigns(
    given: list[dict[str, Any]], segments: tuple[Segment, ...], problems: Problems
) -> tuple[Campaign, ...]:
    """The campaigns; notes duplicate names, unknown segments, and spans that end before they start."""
    problems.distinct((item["name"] for item in given), lambda index: f"campaigns[{index}].name")
    names = frozenset(segment.name for segment in segments)
    return tuple(_read_campaign(item, child("campaigns", index), names, problems) for index, item in enumerate(given))


def _read_campaign(given: dict[str, Any], path: str, segments: frozenset[str], problems: Problems) -> Campaign:
    def text(key: str) -> str | None:
        return None if given.get(key) is None else read_name(given[key], f"{path}.{key}", problems)

    starts, ends = (_moment(given[key], f"{path}.{key}", problems) for key in ("starts", "ends"))
    check_span(starts, ends, f"{path}.ends", "starts", problems)
    segment = text("segment")
    if segment is not None and segment not in segments:
        problems.add(f"{path}.segment", f"unknown segment: {shown(segment)}")
    return Campaign(
        name=read_name(given["name"], f"{path}.name", problems),
        starts=starts,
        ends=ends,
        award=_read_award(given["award"], f"{path}.award", problems),
        segment=segment,
        message=text("message"),
    )


def _moment(given: str, path: str, problems: Problems) -> date | datetime:
    return read_moment(given, path, problems) or _FALLBACK_DAY


def _read_award(given: dict[str, Any], path: str, problems: Problems) -> CampaignAward:
    if given["type"] == "multiplier":
        return Multiplier(factor=read_factor(given["factor"], f"{path}.factor", problems))
    return Flat(points=read_amount(given["points"], f"{path}.points", problems, positive=True))


def _check_nesting(segments: list[Segment], problems: Problems) -> None:
    """Notes segments that build on themselves or on too long a chain, by taking away what builds on nothing."""
    waiting = {segment.name: _segments_in(segment.when) for segment in segments}
    for _ in range(MAX_SEGMENT_DEPTH):
        waiting = {name: used & waiting.keys() for name, used in waiting.items() if used & waiting.keys()}
    for index, segment in enumerate(segments):
        if segment.name in waiting:
            problems.add(
                f"segments[{index}].when",
                f"builds on itself, or on segments that build on each other deeper than {MAX_SEGMENT_DEPTH}",
            )


def _segments_in(condition: Condition | None) -> frozenset[str]:
    match condition:
        case AllOf() | AnyOf():
            return frozenset[str]().union(*map(_segments_in, condition.parts))
        case Not():
            return _segments_in(condition.part)
        case Comparison(attribute="segments"):
            value = condition.value if isinstance(condition.value, tuple) else (condition.value,)
            return frozenset(map(str, value))
        case _:
            return frozenset()
