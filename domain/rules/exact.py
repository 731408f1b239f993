"""Awards as exact multiples: a third of a point must not be cut before the sum is rounded.

One point per 3 dollars has no finite decimal. The rules of a group therefore count in parts of one
common denominator, which makes every gift a finite decimal; the sum is divided once, at its rounding.
"""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm

from domain.points import EXACT, plain_text
from domain.rules.model import Award, Multiplier, Percent, PerUnit

MAX_DENOMINATOR = 10**40


def factor_of(award: Award) -> Fraction:
    """Points for 1 of what the award counts; the points or the factor themselves of other awards."""
    match award:
        case PerUnit():
            return Fraction(award.points) / Fraction(award.per)
        case Percent():
            return Fraction(award.percent) / 100
        case Multiplier():
            return Fraction(award.factor)
        case _:
            return Fraction(award.points)


def denominator(awards: Iterable[Award]) -> int:
    """The smallest number that makes every factor a finite decimal when multiplied by it."""
    return lcm(*(_odd_part(factor_of(award).denominator) for award in awards))


def scaled(factor: Fraction, parts: int) -> Decimal:
    """The factor in units of 1/parts, exact where `parts` is a multiple of its denominator."""
    whole = factor * parts
    return EXACT.divide(Decimal(whole.numerator), Decimal(whole.denominator))


def exact_text(value: Decimal, parts: int) -> str:
    """The points behind a count of 1/parts: a decimal where it is finite, else a fraction like `10/3`."""
    if parts == 1:
        return plain_text(value)
    points = Fraction(value) / parts
    if _odd_part(points.denominator) != 1:
        return f"{points.numerator}/{points.denominator}"
    return plain_text(EXACT.divide(Decimal(points.numerator), Decimal(points.denominator)))


def _odd_part(number: int) -> int:
    # What is left without the factors of ten is what keeps a decimal from ending.
    while (shared := gcd(number, 10)) > 1:
        number //= shared
    return number
