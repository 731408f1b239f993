"""Corrections by hand: posted at once, or asked for and decided about by somebody else."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tests.oracle.account import Account, Lot
from tests.oracle.gate import NO_ADJUSTING, Refused, check
from tests.oracle.purchases import Purchases

Lapse = Callable[[datetime], datetime | None]
"""When points lapse that are given at an instant."""


@dataclass
class Request:
    """A correction that waits, was approved or was rejected. `state`: PENDING, APPROVED or REJECTED."""

    member: str
    points: int
    lapse: Lapse
    state: str = "PENDING"


@dataclass
class Corrections(Purchases):
    """Corrections. `approval_from`: of how many points on, up or down, a second person decides."""

    approval_from: int | None = None
    requests: dict[str, Request] = field(default_factory=dict)

    def adjust(self, member: str, points: int, lapse: Lapse, name: str, now: datetime) -> str:
        """Give points by hand, or take them or refuse; or only ask for it. Answers `name`."""
        account = self.account_of(member)
        _check(account, lapse, now)
        if self.approval_from is not None and abs(points) >= self.approval_from:
            self.requests[name] = Request(self.name_of(member), points, lapse)
        else:
            self._correct(account, points, lapse, now)
        return name

    def decide(self, name: str, now: datetime, *, approves: bool, by_itself: bool) -> str:
        """Do what was asked for, or turn it down, once; never by who asked. Answers the name of the request."""
        if name not in self.requests:
            raise Refused("123")
        request = self.requests[name]
        if by_itself:
            raise Refused("403")
        if request.state != "PENDING":
            raise Refused("127")
        if approves:
            account = self.accounts[self.name_of(request.member)]
            _check(account, request.lapse, now)
            self._correct(account, request.points, request.lapse, now)
        request.state = "APPROVED" if approves else "REJECTED"
        return name

    def _correct(self, account: Account, points: int, lapse: Lapse, now: datetime) -> None:
        if points < 0:
            self.needs(account, -points, now)
            account.debit("adjust", now, -points, now)
        else:
            account.bring_up_to(now)
            account.credit("adjust", "other", now, [Lot(points, 0, now, lapse(now))], now)


def _check(account: Account, lapse: Lapse, now: datetime) -> None:
    check(account.status, NO_ADJUSTING)
    if (lapses := lapse(now)) is not None and lapses <= now:
        raise Refused("998")
