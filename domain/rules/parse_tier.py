"""Reads the tiers and referrals, whose shape the schema has checked."""

from itertools import pairwise
from typing import Any

from domain.rules.model import Aggregate, ReferralTerms, TierLevel, TierTerms
from domain.rules.parse_attribute import read_name
from domain.rules.parse_program import read_amount, read_factor, settled
from domain.rules.problem import Problems, child, shown

# Which threshold a basis compares with.
_THRESHOLDS = {"points": ("from",), "aggregate": ("from_aggregate",), "both": ("from", "from_aggregate")}


def read_tiers(given: dict[str, Any], aggregates: tuple[Aggregate, ...], problems: Problems) -> TierTerms:
    """The tiers; notes duplicate names, an unknown aggregate, and levels that lack a threshold or do not ascend."""
    levels = given.get("levels", [])
    problems.distinct((level["name"] for level in levels), lambda index: f"tiers.levels[{index}].name")
    terms = {key: settled(value) for key, value in given.items() if key != "levels"}
    tiers = TierTerms(
        **terms,
        levels=tuple(_read_level(level, f"tiers.levels[{index}]", problems) for index, level in enumerate(levels)),
    )
    if tiers.assessment != "off" and not levels:
        problems.add("tiers.levels", f"is missing for the assessment {tiers.assessment}")
    _check_aggregate(tiers, aggregates, problems)
    for index, level in enumerate(levels):
        _check_thresholds(level, tiers, child("tiers.levels", index), problems)
    for index, (below, above) in enumerate(pairwise(tiers.levels), 1):
        if not _ascends(below, above):
            problems.add(f"tiers.levels[{index}]", "is not above the level before it")
    return tiers


def read_referrals(given: dict[str, Any]) -> ReferralTerms:
    """The referral terms."""
    return ReferralTerms(**{key: settled(value) for key, value in given.items()})


def _read_level(given: dict[str, Any], path: str, problems: Problems) -> TierLevel:
    threshold = given.get("from_aggregate")
    return TierLevel(
        name=read_name(given["name"], f"{path}.name", problems),
        from_points=settled(given.get("from")),
        from_aggregate=None if threshold is None else read_amount(threshold, f"{path}.from_aggregate", problems),
        multiplier=read_factor(given.get("multiplier", 1), f"{path}.multiplier", problems),
        upgrade_bonus=settled(given.get("upgrade_bonus", 0)),
    )


def _check_aggregate(tiers: TierTerms, aggregates: tuple[Aggregate, ...], problems: Problems) -> None:
    if tiers.aggregate is None and tiers.basis != "points":
        problems.add("tiers.aggregate", f"is missing for the basis {tiers.basis}")
    if tiers.aggregate is not None and tiers.basis == "points":
        problems.add("tiers.aggregate", "has no meaning with the basis points")
    if tiers.aggregate is not None and tiers.aggregate not in {aggregate.key for aggregate in aggregates}:
        problems.add("tiers.aggregate", f"unknown aggregate: {shown(tiers.aggregate)}")


def _check_thresholds(given: dict[str, Any], tiers: TierTerms, path: str, problems: Problems) -> None:
    wanted = _THRESHOLDS[tiers.basis]
    for key in ("from", "from_aggregate"):
        if key not in wanted and given.get(key) is not None:
            problems.add(f"{path}.{key}", f"has no meaning with the basis {tiers.basis}")
        # Who sets tiers by hand needs no threshold.
        if key in wanted and given.get(key) is None and tiers.assessment == "automatic":
            problems.add(f"{path}.{key}", f"is missing for the basis {tiers.basis}")


def _ascends(below: TierLevel, above: TierLevel) -> bool:
    """Whether no threshold goes down and one goes up; levels without thresholds ascend as they stand."""
    pairs = [
        (low, high)
        for low, high in ((below.from_points, above.from_points), (below.from_aggregate, above.from_aggregate))
        if low is not None and high is not None
    ]
    return not pairs or (all(low <= high for low, high in pairs) and any(low < high for low, high in pairs))
