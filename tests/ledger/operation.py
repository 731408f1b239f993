"""What the state machine does to the ledger: each operation as data, and what the oracle makes of it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial
from zoneinfo import ZoneInfo

import yaml

from tests.oracle import Award, Oracle, Refused, lapses_at

BONUS_POINTS = 7


@dataclass(frozen=True)
class Terms:
    """The program that a history runs under. `months` None: points do not expire.

    Bonus points are good to the end of one fixed day, `bonus_days` after the start of the history.
    """

    policy: str
    zone: str
    months: int | None
    period_end: str
    decimals: int
    bonus_days: int
    start: datetime

    @property
    def unit(self) -> int:
        """How many smallest units make one point."""
        return int(10**self.decimals)

    @property
    def last_bonus_day(self) -> datetime:
        """Some instant of the last day of bonus points."""
        return self.start + timedelta(days=self.bonus_days)

    def awards(self, earning: "Earn") -> list[Award]:
        """What the program's two rule groups give."""
        zone = ZoneInfo(self.zone)
        lapse = None if self.months is None else lapses_at(earning.dated, self.months, self.period_end, zone)
        bonus = BONUS_POINTS * self.unit if earning.bonus else 0
        return [
            Award("spend", earning.spend, lapse),
            Award("bonus", bonus, lapses_at(self.last_bonus_day, 0, "day", zone)),
        ]


def configuration(terms: Terms) -> bytes:
    """The program's configuration file."""
    last_bonus_day = terms.last_bonus_day.astimezone(ZoneInfo(terms.zone)).date()
    months = {"policy": "none"} if terms.months is None else {"policy": "months", "months": terms.months}
    document = {
        "version": 1,
        "program": {
            "time_zone": terms.zone,
            "points_decimals": terms.decimals,
            "reversal_of_expired": terms.policy,
        },
        "expiry": {**months, "period_end": terms.period_end},
        "product_codes": [{"code": "PLAIN"}, {"code": "BONUS"}],
        "rule_groups": [
            {
                "name": "Spend",
                "rules": [
                    {
                        "name": "A point for a unit",
                        "award": {"type": "per_unit", "of": "transaction.amount", "points": 1, "per": 1},
                    }
                ],
            },
            {
                "name": "Bonus",
                "category": "bonus",
                "rules": [
                    {
                        "name": "A gift",
                        "when": {"attribute": "transaction.product_code", "op": "eq", "value": "BONUS"},
                        "award": {
                            "type": "flat",
                            "points": BONUS_POINTS,
                            "expires": {"date": last_bonus_day.isoformat()},
                        },
                    }
                ],
            },
        ],
    }
    return yaml.safe_dump(document).encode()


@dataclass(frozen=True)
class Earn:
    """A purchase: `spend` smallest units by its amount, bonus points by its product code."""

    member: str
    transaction_id: str
    spend: int
    bonus: bool
    dated: datetime
    key: str | None = None


@dataclass(frozen=True)
class Refund:
    """A return of goods: so many smallest units of money, of a purchase that may not have come yet."""

    member: str
    transaction_id: str
    amount: int
    dated: datetime
    key: str | None = None


@dataclass(frozen=True)
class Redeem:
    """A redemption of smallest units. `chosen` is the reference that the client picked, if it did."""

    member: str
    points: int
    merchant: str
    amount: str | None = None
    chosen: uuid.UUID | None = None
    key: str | None = None


@dataclass(frozen=True)
class Reverse:
    """A reversal; `reference` is the oracle's name for the redemption."""

    member: str
    merchant: str
    reference: str
    key: str | None = None


@dataclass(frozen=True)
class Expire:
    """The expiry job."""


@dataclass(frozen=True)
class SetStatus:
    """An update of a member's status."""

    member: str
    status: int


Keyed = Earn | Refund | Redeem | Reverse
Operation = Keyed | Expire | SetStatus


@dataclass(frozen=True)
class Outcome:
    """What came of an operation: the code of a refusal or an answer, and whether it was a repeat.

    `receipt` is what a repeat must show unchanged beyond that; only the product has one.
    """

    code: str = "000"
    answer: str = ""
    replayed: bool = False
    receipt: str = ""


def binding_key(operation: Operation) -> tuple[str, str] | None:
    """The use case and the key under which its outcome is kept, if it has one."""
    key = getattr(operation, "key", None)
    if key is None and isinstance(operation, Redeem) and operation.chosen is not None:
        key = str(operation.chosen)
    # A purchase and its return are one use case, so they share their keys.
    return key and ("Earn" if isinstance(operation, Refund) else type(operation).__name__, key)


def ask_oracle(oracle: Oracle, terms: Terms, operation: Operation, name: str, now: datetime) -> Outcome:
    """Run it on the oracle; what is made now gets `name` unless the client chose one."""
    run: Callable[[], str]
    match operation:
        case Earn(member=member, transaction_id=transaction_id, dated=dated):
            money = Fraction(operation.spend, terms.unit)
            run = partial(oracle.earn, member, transaction_id, dated, terms.awards(operation), now, money)
        case Refund(member=member, transaction_id=transaction_id, amount=amount, dated=dated):
            run = partial(oracle.refund, member, transaction_id, Fraction(amount, terms.unit), dated, now, name)
        case Redeem(member=member, points=points, merchant=merchant, chosen=chosen):
            run = partial(oracle.redeem, member, points, merchant, str(chosen or name), now)
        case Reverse(member=member, merchant=merchant, reference=reference):
            run = partial(oracle.reverse, member, merchant, reference, now)
        case Expire():
            oracle.expire(now)
            return Outcome()
        case SetStatus(member=member, status=status):
            run = partial(oracle.set_status, member, status)
    use_case, key = binding_key(operation) or ("", None)
    try:
        answer, replayed = oracle.once(use_case, key, operation, now, run)
    except Refused as refusal:
        return Outcome(code=refusal.code)
    return Outcome(answer=answer, replayed=replayed)
