"""The tiers of a program: what its configuration says of them.

They stand below the rules, which parse and compile them, and `domain.tiers`, which assesses members.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

TierAssessment = Literal["off", "manual", "automatic"]
TierBasis = Literal["points", "aggregate", "both"]
TierWindow = Literal["lifetime", "rolling_365"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TierLevel:
    """One level. `from_points` and `upgrade_bonus` in whole points; a threshold that the basis does not use is None."""

    name: str
    from_points: int | None = None
    from_aggregate: Decimal | None = None
    multiplier: Decimal = Decimal(1)
    upgrade_bonus: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class TierTerms:
    """How members get to a level: levels ascend; `aggregate` is a key, read where the basis asks for it.

    `window` says which points count: all that were ever earned, or those of the last 365 days.
    """

    assessment: TierAssessment = "off"
    basis: TierBasis = "points"
    aggregate: str | None = None
    window: TierWindow = "lifetime"
    retention_days: int = 365
    levels: tuple[TierLevel, ...] = ()
