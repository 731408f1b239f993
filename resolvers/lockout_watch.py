"""What a process knows of the next lockout that lapses."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

LOOK_AGAIN = timedelta(hours=1)
"""Far less than a lockout lasts: what another process locked is known before it lapses."""


@dataclass(slots=True)
class LockoutWatch:
    """When to look at lockouts again: at the next lapse, or in an hour."""

    _next_at: datetime = field(default=datetime.min.replace(tzinfo=UTC))

    def is_due(self, now: datetime) -> bool:
        """Whether a lockout may have lapsed."""
        return now >= self._next_at

    def set(self, now: datetime, following: datetime | None) -> None:
        """The lockouts were looked at: the next of them lapses then."""
        again = now + LOOK_AGAIN
        self._next_at = again if following is None else min(again, following)

    def note(self, lapses_at: datetime) -> None:
        """This process locked somebody out."""
        self._next_at = min(self._next_at, lapses_at)
