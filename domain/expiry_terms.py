"""When points lapse: the terms of a program, and a rule's own terms in place of them.

They stand below the rules and the ledger, which both speak of them and do not import each other.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

ExpiryPolicy = Literal["none", "months", "fixed_date", "inactivity"]
PeriodEnd = Literal["day", "month", "quarter", "year"]

MAX_MONTHS = 1200


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpiryTerms:
    """A program's expiry. `months` counts from the earning, with `inactivity` from the last activity, then on
    to the end of `period_end`; `last_day` is the last day that points of the policy `fixed_date` are good for.
    """

    policy: ExpiryPolicy = "none"
    months: int | None = None
    period_end: PeriodEnd = "day"
    last_day: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpiryOverride:
    """A rule's own expiry: exactly one of months after the earning and a last day."""

    months: int | None = None
    last_day: date | None = None
