"""Why a posting has its points: each step says what it did to the sum, so that the steps add up to the points."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from domain.points import EXACT, plain
from domain.rules.explanation import CapTold, Explanation, RuleTold
from tessera.portal.configuring.words import show_award
from tessera.portal.render import plural, show_number

_WINDOWS = {"transaction": "for each purchase", "day": "a day", "month": "a month", "lifetime": "ever"}
_KINDS = {"tier": "The tier", "campaign": "The campaign"}
_DIGITS = 4
_HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one thing did to the sum. `total` is what there is after it, None where an old posting does not tell.

    `before` and `name` begin the sentence that `told` ends; `read` is what decided, `note` what holds for the points.
    """

    name: str
    told: str
    total: str | None
    before: str = ""
    note: str = ""
    read: Mapping[str, str | None] = field(default_factory=dict)


def list_steps(told: Explanation, points: Decimal, awards: Mapping[str, str]) -> Sequence[Step]:
    """The steps to a posting of so many points; `awards` says in words what the rules of its group give."""
    if not told.rules:
        return []
    total: Fraction | None = Fraction(0)
    steps = []
    for one in told.rules:
        if one.factor is None:
            total = None if total is None or one.kept is None else total + Fraction(one.kept)
            steps.append(_gift(one, awards.get(one.rule), total))
    for factor in told.factors:
        rule = next((one for one in told.rules if factor.of == "rule" and one.rule == factor.name), None)
        was, total = total, None if total is None else total * Fraction(factor.factor)
        multiplied = f"multiplies by {show_number(factor.factor)}"
        steps.append(
            Step(
                before=_KINDS.get(factor.of, ""),
                name=factor.name,
                told=multiplied if was is None else f"{multiplied}: {show_exact(was)} × {show_number(factor.factor)}",
                total=_shown(total),
                note="" if rule is None else _note(rule, "What it adds is"),
                read={} if rule is None else rule.inputs,
            )
        )
    for cap in told.caps:
        total = None if total is None else total - Fraction(cap.cut)
        steps.append(_cut(cap, total))
    return [*steps, *_ending(told, points)]


def award_words(document: Mapping[str, Any], group: str | None) -> dict[str, str]:
    """How rules of a group come to what they give, in words, as a version of the configuration has it."""
    groups = document.get("rule_groups") or ()
    rules = next((one.get("rules") or () for one in groups if one.get("name") == group), ())
    terms = {"expires", "release_after_days"}
    return {
        one["name"]: show_award({key: value for key, value in one["award"].items() if key not in terms})
        for one in rules
        if one["award"]["type"] not in {"multiplier", "flat"}
    }


def show_exact(value: Fraction) -> str:
    """An exact figure for people: cut after four decimals, and marked so, where it has no end."""
    found = EXACT.divide_int(EXACT.multiply(Decimal(value.numerator), 10**_DIGITS), Decimal(value.denominator))
    cut = found.scaleb(-_DIGITS, EXACT)
    return show_number(cut) if Fraction(cut) == value else f"{show_number(cut)}…"


def _shown(total: Fraction | None) -> str | None:
    return None if total is None else show_exact(total)


def _gift(one: RuleTold, words: str | None, total: Fraction | None) -> Step:
    told = "counts" if one.gave is None else f"gives {show_exact(Fraction(one.gave))}"
    if words is not None:
        told += f" ({words})"
    if one.cap is not None and one.kept is not None:
        told += f", of which its own limit of {show_number(one.cap)} lets {show_exact(Fraction(one.kept))} count"
    return Step(name=one.rule, told=told, total=_shown(total), note=_note(one, "They are"), read=one.inputs)


def _note(one: RuleTold, subject: str) -> str:
    told = []
    if one.expires_on is not None:
        told.append(f"good until {one.expires_on}")
    elif one.expires_months is not None:
        told.append(f"good for {plural(one.expires_months, 'month')}")
    if one.release_after_days is not None:
        told.append(f"released after {plural(one.release_after_days, 'day')}")
    return f"{subject} {' and '.join(told)}." if told else ""


def _cut(cap: CapTold, total: Fraction | None) -> Step:
    told = f"allows {show_number(cap.limit)} points {_WINDOWS[cap.window]}"
    if cap.used is not None:
        told += f", and {show_number(cap.used)} were given before, so {show_number(cap.left)} are left"
    return Step(
        name="The program" if cap.is_program else "The group of rules",
        told=f"{told}: {show_exact(Fraction(cap.cut))} too many",
        total=_shown(total),
    )


def _ending(told: Explanation, points: Decimal) -> Iterator[Step]:
    """The rounding, and what stands elsewhere: a purchase of which a part was held has two postings."""
    if told.exact is None or told.spoilage is None:
        return
    exact = Fraction(told.exact)
    # The spoilage of thirds is cut somewhere, and no program has more than two decimals.
    whole = exact - Fraction(told.spoilage)
    rounded = plain((Decimal(whole.numerator) / Decimal(whole.denominator)).quantize(_HUNDREDTH))
    if Fraction(rounded) != exact:
        yield Step(name="Rounded", told=f"once, at the end: {show_exact(exact)}", total=show_number(rounded))
    if rounded != points:
        other = show_number(rounded - points)
        yield Step(
            name="Of these",
            told=f"{other} waited for a decision about the purchase, and are not of this posting",
            total=show_number(points),
        )
