"""Running figures of a member, kept in buckets by transaction date: added to and merged.

A bucket holds `Stats`; the value of an aggregate is that of its merged buckets in the window of its period. A bucket
is counted anew only where a refund takes its least or greatest value away.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal

from domain.points import EXACT, plain
from domain.rules.cap import LIFETIME_START
from domain.rules.compile_condition import Env
from domain.rules.compiled import CompiledRules
from domain.rules.facts import Facts, env_of
from domain.rules.model import Aggregate, Period

ROLLING_DAYS = 365

_ZERO = Decimal(0)
# Bound once: they are called for every aggregate of every purchase.
_add = EXACT.add
_EXTREMES = frozenset({"min", "max"})
_TEN_DECIMALS = Decimal("1e-10")
# Averages have no end: they are cut to more digits than anyone compares with.
_AVERAGE = Context(prec=40)


@dataclass(slots=True)
class Stats:
    """Sum and count of the values of a bucket, and for a `min` or `max` the lowest and highest of them.

    Nobody changes one; it is not frozen because that takes three times as long to make.
    """

    sum: Decimal
    count: int
    low: Decimal | None
    high: Decimal | None


EMPTY = Stats(_ZERO, 0, None, None)


def with_value(stats: Stats, aggregate: Aggregate, value: Decimal) -> Stats:
    """The stats with one value more."""
    low, high = stats.low, stats.high
    if aggregate.function in _EXTREMES:
        low = value if low is None else min(low, value)
        high = value if high is None else max(high, value)
    return Stats(_add(stats.sum, value), stats.count + 1, low, high)


def merge(first: Stats, second: Stats) -> Stats:
    """The stats of both buckets together."""
    lows = [stats.low for stats in (first, second) if stats.low is not None]
    highs = [stats.high for stats in (first, second) if stats.high is not None]
    return Stats(
        EXACT.add(first.sum, second.sum),
        first.count + second.count,
        min(lows, default=None),
        max(highs, default=None),
    )


def without(stats: Stats, aggregate: Aggregate, value: Decimal, part: Decimal, *, is_whole: bool) -> Stats:
    """The stats less what a refund of `part` takes of a purchase that added `value`.

    A sum of amounts loses the part; everything else the value, once the purchase is refunded whole. The lowest and
    highest stay while others have values: see `loses_extreme`.
    """
    # A purchase of nothing counts as refunded by any refund, and has no amount to lose.
    less = min(part, value) if aggregate.of == "amount" else value if is_whole else _ZERO
    count = stats.count - is_whole
    low, high = (stats.low, stats.high) if count else (None, None)
    return Stats(EXACT.subtract(stats.sum, less), count, low, high)


def loses_extreme(stats: Stats, aggregate: Aggregate, value: Decimal) -> bool:
    """Whether, with a purchase that added `value` gone, nobody knows the lowest or highest without the others."""
    return has_extremes(aggregate) and stats.count > 1 and value in {stats.low, stats.high}


def with_extremes(stats: Stats, counted: Stats) -> Stats:
    """The stats with the lowest and highest that others of the same values have."""
    return Stats(stats.sum, stats.count, counted.low, counted.high)


def has_extremes(aggregate: Aggregate) -> bool:
    """Whether the least or the greatest value is asked for."""
    return aggregate.function in _EXTREMES


def value_of(aggregate: Aggregate, stats: Stats) -> Decimal | None:
    """The aggregate's value; None where there is none: least, greatest and average of nothing."""
    match aggregate.function:
        case "sum":
            return stats.sum
        case "count":
            return Decimal(stats.count)
        case "min":
            return stats.low
        case "max":
            return stats.high
        case "average":
            return average(stats.sum, stats.count) if stats.count else None


def average(total: Decimal, count: int) -> Decimal:
    """Rounded half to even to ten decimals."""
    return plain(_AVERAGE.quantize(_AVERAGE.divide(total, Decimal(count)), _TEN_DECIMALS))


def bucket_start(period: Period, day: date) -> date:
    """The first day of the bucket that a transaction of this day, on the program's clocks, falls into."""
    match period:
        case "lifetime":
            return LIFETIME_START
        case "mtd":
            return day.replace(day=1)
        case "qtd":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "ytd":
            return day.replace(month=1, day=1)
        case "rolling_365":
            return day


def bucket_end(period: Period, start: date) -> date | None:
    """The first day after the bucket that begins on this day; None: it has no end."""
    match period:
        case "lifetime":
            return None
        case "mtd":
            return (start + timedelta(days=31)).replace(day=1)
        case "qtd":
            return (start + timedelta(days=92)).replace(day=1)
        case "ytd":
            return start.replace(year=start.year + 1)
        case "rolling_365":
            return start + timedelta(days=1)


def window(period: Period, day: date) -> tuple[date, date]:
    """The first and the last bucket that count on this day, both inclusive."""
    last = bucket_start(period, day)
    return (last - timedelta(days=ROLLING_DAYS - 1) if period == "rolling_365" else last, last)


def contributions(compiled: CompiledRules, facts: Facts) -> dict[str, Decimal]:
    """What a transaction adds to each aggregate whose filter holds and whose attribute is set, by key.

    A count without an attribute is given 1.
    """
    env: Env = ()
    added = {}
    for one in compiled.aggregates:
        if one.test is not None:
            env = env or env_of(compiled, facts)
            if not one.test(env):
                continue
        of = one.aggregate.of
        value = 1 if of is None else facts.transaction.get(of)
        if value is not None:
            added[one.aggregate.key] = value if type(value) is Decimal else Decimal(value)
    return added
