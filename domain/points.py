"""Points arithmetic: integers of the program's smallest unit, exact, rounded in one place only."""

from decimal import (
    ROUND_DOWN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)

MAX_POINTS = 10**15
"""The largest figure, in the smallest unit, that any posting or balance may have."""

MAX_PLACES = 2
"""Programs count points with 0, 1 or 2 decimals."""

REDEMPTION_DIGITS = 5
"""Decimals of redeemed points that are read; more are cut."""

# Inexact is trapped: an operation in this context is exact or raises, it never rounds quietly.
EXACT = Context(prec=400, Emin=-999, Emax=999, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])

# Quantising drops digits by intent, so only nonsense is trapped here.
_DROPPING = Context(prec=400, Emin=-999, Emax=999, traps=[InvalidOperation, DivisionByZero, Overflow])

_ZERO, _ONE = Decimal(0), Decimal(1)
_UNITS = tuple(Decimal(1).scaleb(-places) for places in range(19))


class NotAMultiple(ValueError):
    """The points are no multiple of the program's smallest unit."""


def to_minor(value: Decimal, places: int) -> int:
    """The points in smallest units.

    `NotAMultiple` where that is not exact, ValueError where the value is not finite or too large.
    """
    if not value:
        return 0
    _check_size(value)
    scaled = value.scaleb(places, EXACT)
    minor = int(scaled)
    if scaled != minor:
        raise NotAMultiple(f"points must be a multiple of {_UNITS[places]}")
    return _bounded(minor)


def from_minor(minor: int, places: int) -> Decimal:
    """The points of `minor` smallest units: no exponent, no trailing zeros."""
    return plain(Decimal(minor).scaleb(-places, EXACT)) if places else Decimal(minor)


def plain(value: Decimal) -> Decimal:
    """The same number without exponent and trailing zeros, so that `str` gives what the wire wants."""
    shortest = value.normalize(EXACT)
    # 100 is normalised to 1E+2, which no wire wants; a look at the text is faster than `as_tuple`.
    if not shortest:
        return _ZERO
    return shortest.quantize(_ONE, context=EXACT) if "E+" in str(shortest) else shortest


def plain_text(value: Decimal) -> str:
    """The number as text, never in exponent notation, without trailing zeros."""
    if not value:
        return "0"
    text = str(value)
    # Most are plain as they stand.
    return format(value.normalize(EXACT), "f") if "E" in text or ("." in text and text[-1] == "0") else text


def minor_text(minor: int, places: int) -> str:
    """The points of `minor` smallest units as `plain_text`."""
    return plain_text(from_minor(minor, places)) if places else str(minor)


def round_half_up(value: Decimal, places: int) -> tuple[int, Decimal]:
    """Smallest units, and the spoilage `value - units` in points, so that nothing is lost.

    A tie goes away from zero, and the spoilage of what was rounded up is negative. ValueError beyond
    `MAX_POINTS`.
    """
    _check_size(value)
    rounded = value.quantize(_UNITS[places], ROUND_HALF_UP, _DROPPING)
    minor = _bounded(int(rounded.scaleb(places, EXACT)))
    return minor, plain(EXACT.subtract(value, rounded))


def cut(value: Decimal, digits: int = REDEMPTION_DIGITS) -> Decimal:
    """The number with at most `digits` decimals; the rest is dropped, towards zero."""
    _check_size(value)
    if _exponent(value) >= -digits:
        return plain(value)
    return plain(value.quantize(_UNITS[digits], ROUND_DOWN, _DROPPING))


def redeemable_minor(points: Decimal, places: int) -> int:
    """The smallest units of points asked for in a redemption.

    More than five decimals are cut, as published. What is then not a multiple of the program's unit
    raises `NotAMultiple`, which callers refuse as `998`: a redemption is never rounded, because a
    caller who asked for 10.5 must not be told that 10 or 11 were taken. ValueError beyond `MAX_POINTS`.
    """
    return to_minor(cut(points), places)


def _check_size(value: Decimal) -> None:
    # An exponent of a million would make the integer behind it fill the memory.
    if not value.is_finite() or abs(value.adjusted()) > 100 or len(value.as_tuple().digits) > 120:
        raise ValueError("points out of range")


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)  # noqa: S101 - only the not finite have another, and they never come here
    return exponent


def _bounded(minor: int) -> int:
    if abs(minor) > MAX_POINTS:
        raise ValueError("points out of range")
    return minor
