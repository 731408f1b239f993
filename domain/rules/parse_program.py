"""Reads the sections `program` and `expiry`, whose shape the schema has checked."""

from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from domain.expiry_terms import ExpiryOverride, ExpiryTerms
from domain.program_zone import load_zone
from domain.rules.model import REDEMPTION_TYPES, ProgramTerms
from domain.rules.problem import Problems, child
from domain.rules.value import read_date, read_decimal, read_text
from domain.web_origin import read_origin, read_page

_POINTS = ("redemption_rate", "redemption_minimum", "adjustment_approval_from")
MAX_FACTOR = 1000
FACTOR_DECIMALS = 4
RESERVED_TYPES = frozenset({1, 2, *range(7, 16)})
"""`LoyaltyTxnType`s of postings that are no redemptions: a statement could not tell them apart."""


def read_program(given: dict[str, Any], problems: Problems) -> ProgramTerms:
    """The program's terms; notes an unknown zone, and figures that contradict each other."""
    terms = {key: settled(value) for key, value in given.items()}
    for key in _POINTS:
        if given.get(key) is not None:
            terms[key] = read_amount(given[key], f"program.{key}", problems)
    own_types = {int(number): name for number, name in given.get("redemption_types", {}).items()}
    for number in sorted(RESERVED_TYPES.intersection(own_types)):
        problems.add(child("program.redemption_types", str(number)), "is the type of postings that are no redemptions")
    terms["allowed_origins"] = _origins(given.get("allowed_origins", []), problems)
    terms["approvals"] = tuple(sorted(set(given.get("approvals", []))))
    if given.get("sign_in_url") is not None:
        problems.check(lambda: read_page(given["sign_in_url"]), "program.sign_in_url", "")
    terms["redemption_types"] = dict(sorted({**REDEMPTION_TYPES, **own_types}.items()))
    program = ProgramTerms(**terms)
    _check_program(program, problems)
    return program


def read_expiry(given: dict[str, Any], problems: Problems) -> ExpiryTerms:
    """The expiry terms; notes a figure that the policy needs and has not, or has and does not need."""
    policy = given.get("policy", "none")
    wanted = {"months": "months", "inactivity": "months", "fixed_date": "date"}.get(policy)
    for key in ("months", "date"):
        if key == wanted and given.get(key) is None:
            problems.add(f"expiry.{key}", f"is missing for the policy {policy}")
        elif key != wanted and given.get(key) is not None:
            problems.add(f"expiry.{key}", f"has no meaning with the policy {policy}")
    return ExpiryTerms(
        policy=policy,
        months=settled(given.get("months")),
        period_end=given.get("period_end") or "day",
        last_day=read_day(given.get("date"), "expiry.date", problems),
    )


def read_override(given: dict[str, Any] | None, path: str, problems: Problems) -> ExpiryOverride | None:
    """An award's own expiry, or None."""
    if given is None:
        return None
    return ExpiryOverride(
        months=settled(given.get("months")), last_day=read_day(given.get("date"), f"{path}.date", problems)
    )


def read_day(given: str | None, path: str, problems: Problems) -> date | None:
    """A date without a time, or None."""
    value = read_moment(given, path, problems)
    return value.date() if isinstance(value, datetime) else value


def read_moment(given: str | None, path: str, problems: Problems) -> date | datetime | None:
    """A date or a time, or None."""
    return None if given is None else problems.check(lambda: read_date(given), path, None)


def read_amount(given: Any, path: str, problems: Problems, *, positive: bool = False) -> Decimal:
    """An exact number; the schema sees the sign of a number, but not of one that stands in a string."""
    value = problems.check(lambda: read_decimal(given), path, Decimal(1))
    if positive and value <= 0:
        problems.add(path, "must be more than 0")
        return Decimal(1)
    return value


def read_factor(given: Any, path: str, problems: Problems) -> Decimal:
    """A factor of more than 0; few digits, so that a product of factors stays exact."""
    value = read_amount(given, path, problems, positive=True)
    if value > MAX_FACTOR or value != round(value, FACTOR_DECIMALS):
        problems.add(path, f"must be at most {MAX_FACTOR} with at most {FACTOR_DECIMALS} decimals")
        return Decimal(1)
    return value


def check_span(
    first: date | datetime | None, last: date | datetime | None, path: str, first_key: str, problems: Problems
) -> None:
    """Notes at `path`, the place of the last moment, that it is before the first, which stands at `first_key`."""
    if first is None or last is None:
        return
    # Two days apart, no offset can turn the order round; closer, an empty span does no harm.
    days = [value.date() if isinstance(value, datetime) else value for value in (first, last)]
    if (days[0] - days[1]).days > 2 or (type(first) is type(last) and _is_after(first, last)):
        problems.add(path, f"is before {first_key}")


def _is_after(first: Any, last: Any) -> bool:
    try:
        return bool(first > last)
    except TypeError:
        return False  # one has an offset and the other has none


def settled(value: Any) -> Any:
    """A whole number that was written as 1.0 or 1e3, as an int; anything else as it is."""
    return int(value) if isinstance(value, Decimal) else value


def _origins(given: list[str], problems: Problems) -> tuple[str, ...]:
    """Origins as browsers write them, each once."""
    read = [
        problems.check(partial(read_origin, one), f"program.allowed_origins[{index}]", "")
        for index, one in enumerate(given)
    ]
    return tuple(sorted(set(read)))


def _check_program(program: ProgramTerms, problems: Problems) -> None:
    problems.check(lambda: bool(load_zone(program.time_zone)), "program.time_zone", False)
    problems.check(lambda: program.redemption_minimum_minor, "program.redemption_minimum", 0)
    problems.check(lambda: program.adjustment_approval_from_minor, "program.adjustment_approval_from", None)
    if program.default_merchant is not None:
        problems.check(partial(read_text, program.default_merchant), "program.default_merchant", "")
    for whose in ("", "member_"):
        burst, limit = (getattr(program, f"{whose}{name}") for name in ("rate_burst", "rate_limit_per_second"))
        if burst is not None and limit is None:
            problems.add(f"program.{whose}rate_burst", f"has no meaning without {whose}rate_limit_per_second")
    if program.redemption_rate <= 0:
        problems.add("program.redemption_rate", "must be more than 0")
    if program.default_loyalty_txn_type not in program.redemption_types:
        problems.add("program.default_loyalty_txn_type", "is not one of the redemption types")
