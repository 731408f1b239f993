"""The only reader of the time: everything else is handed an instant."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Gives the present instant, aware, in UTC."""

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""The expiry of a lot that does not expire: sorts after every real instant on every database."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def system_clock() -> datetime:
    """The machine's time in UTC."""
    return datetime.now(UTC)


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970 in UTC, exact."""
    delta = instant - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(micros: int) -> datetime:
    """The aware UTC instant of `to_micros`, exact for every year."""
    return _EPOCH + timedelta(microseconds=micros)


def last_moment(expires_at: datetime) -> datetime:
    """The last millisecond in which a lot can be spent, which is how statements write its expiry."""
    return expires_at - timedelta(milliseconds=1)
