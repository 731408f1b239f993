"""What a history's program gives beside its rules: for the oracle, and as parts of the product's configuration."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.oracle import Campaign, Regulars

NAME = "Regulars"
"""The segment of those who bought enough."""


@dataclass(frozen=True)
class Promotion:
    """A campaign from its first to its last day, counted from the start of the history: a factor, or whole points.

    `only_regulars`: it is for a segment, where the program has one.
    """

    first: int
    last: int
    factor: str = "1"
    points: int = 0
    only_regulars: bool = False


@dataclass(frozen=True)
class Loyalty:
    """Who is in the segment: `sum` of money or `count` of purchases, in a `month` or a `lifetime`.

    `thanks` are whole points that each purchase earns more.
    """

    of: str
    window: str
    at_least: int
    thanks: int = 0

    def regulars(self, unit: int) -> Regulars:
        """The same for the oracle."""
        return Regulars(self.of, self.window, Fraction(self.at_least), self.thanks * unit)


def campaigns(
    promotions: Sequence[Promotion], loyalty: Loyalty | None, starts: Sequence[datetime], unit: int
) -> list[Campaign]:
    """The campaigns for the oracle. `starts` are the first instants of each, and those after its last day."""
    return [
        Campaign(first, end, Fraction(one.factor), one.points * unit, one.only_regulars and loyalty is not None)
        for one, first, end in zip(promotions, starts[::2], starts[1::2], strict=True)
    ]


def promoted(promotions: Sequence[Promotion], loyalty: Loyalty | None, start: datetime) -> dict[str, Any]:
    """Aggregate, segment and campaigns of the configuration file. `start` is on the program's clocks."""
    parts: dict[str, Any] = {"campaigns": []}
    for number, one in enumerate(promotions):
        days = [(start + timedelta(days=days)).date().isoformat() for days in (one.first, one.last)]
        award = {"type": "flat", "points": one.points} if one.points else {"type": "multiplier", "factor": one.factor}
        segment = {"segment": NAME} if one.only_regulars and loyalty is not None else {}
        parts["campaigns"].append(
            {"name": f"Week {number}", "starts": days[0], "ends": days[1], "award": award, **segment}
        )
    if loyalty is not None:
        of = {"of": "amount"} if loyalty.of == "sum" else {}
        period = {"month": "mtd", "lifetime": "lifetime"}[loyalty.window]
        parts["aggregates"] = [{"key": "bought", "function": loyalty.of, "period": period, **of}]
        enough = {"attribute": "aggregate.bought", "op": "gte", "value": loyalty.at_least}
        parts["segments"] = [{"name": NAME, "when": enough}]
    return parts


def thanks(loyalty: Loyalty | None) -> list[dict[str, Any]]:
    """The rule that gives regular customers more."""
    if loyalty is None or not loyalty.thanks:
        return []
    enough = {"attribute": "aggregate.bought", "op": "gte", "value": loyalty.at_least}
    return [{"name": "Thank you", "when": enough, "award": {"type": "flat", "points": loyalty.thanks}}]
