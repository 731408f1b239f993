"""Expiry by inactivity: what a purchase puts off, and what is as if it had never been once it was given back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tests.oracle.account import Account, Lot

Lapse = Callable[[datetime], datetime | None]


@dataclass(frozen=True)
class Inactivity:
    """`lapse`: when points are gone after an activity. `from_release`: those that wait count from their release."""

    lapse: Lapse
    from_release: bool

    def begins(self, lot: Lot) -> datetime:
        """From when a lot is good by itself."""
        if self.from_release and lot.available_at is not None:
            return max(lot.earned_at, lot.available_at)
        return lot.earned_at

    def put_off(self, account: Account, before: datetime, at: datetime) -> None:
        """An activity came after the one that was the last before: what had its date gets another.

        A lot that waited, and was good from its release on, gets it too. All others keep their own.
        """
        later = self.lapse(at)
        for lot in account.lots:
            waited = self.from_release and lot.available_at is not None
            own = self.lapse(max(self.begins(lot), before) if waited else before)
            if lot.remaining and lot.expires_at == own and _is_before(own, later):
                lot.expires_at, lot.by_activity = later, True

    def take_back(self, account: Account, was: datetime, before: datetime | None, now: datetime) -> None:
        """The last activity is none any more: `before` is now the last one. What is past by that is lost now."""
        old, late = self.lapse(was), {}
        for number, lot in enumerate(account.lots):
            if lot.remaining and lot.by_activity and lot.expires_at == old:
                begins = self.begins(lot)
                lot.expires_at = self.lapse(begins if before is None else max(begins, before))
                if lot.own is not None and _is_before(lot.expires_at, lot.own):
                    lot.expires_at = lot.own
                if lot.has_lapsed(now):
                    late[number] = -lot.remaining
        if late:
            account.post("expire", "expired", now, late)


def _is_before(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and (other is None or one < other)
