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


def in_words(terms: ExpiryTerms) -> str:
    """The terms as a sentence that a member can read."""
    if terms.policy == "none":
        return "Points do not expire."
    if terms.policy == "fixed_date":
        return f"Points can be spent until {terms.last_day:%Y-%m-%d}, that day included."
    count = terms.months or 0
    months = "1 month" if count == 1 else f"{count} months"
    begin = "they were earned" if terms.policy == "months" else "the last purchase that earned some"
    if terms.period_end == "day":
        return f"Points expire {months} after {begin}."
    return f"Points expire at the end of the {terms.period_end} that is {months} after {begin}."
