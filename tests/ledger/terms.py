"""What a history's program is like: as data for the oracle, and as the product's configuration file."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from datetime import date as Date
from zoneinfo import ZoneInfo

import yaml

from tests.oracle import Award, lapses_at

BONUS_POINTS = 7
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Terms:
    """The program that a history runs under. `months` None: points do not expire.

    Bonus points are good to the end of one fixed day, `bonus_days` after the start of the history, and wait for
    `wait_days` from the purchase, to the beginning of a day.
    """

    policy: str
    zone: str
    months: int | None
    period_end: str
    decimals: int
    bonus_days: int
    start: datetime
    refunds: str = "negative"
    wait_days: int = 0

    @property
    def unit(self) -> int:
        """How many smallest units make one point."""
        return int(10**self.decimals)

    @property
    def last_bonus_day(self) -> datetime:
        """Some instant of the last day of bonus points."""
        return self.start + timedelta(days=self.bonus_days)

    def lapse(self, earned_at: datetime) -> datetime | None:
        """When points that are earned then lapse."""
        zone = ZoneInfo(self.zone)
        return None if self.months is None else lapses_at(earned_at, self.months, self.period_end, zone)

    def today(self, now: datetime) -> Date:
        """The day that it is in the program's zone."""
        return now.astimezone(ZoneInfo(self.zone)).date()

    def start_of(self, day: Date) -> datetime:
        """The first instant of a day in the program's zone, which is the first after the day before."""
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)

    def awards(self, spend: int, has_bonus: bool, earned_at: datetime, now: datetime) -> list[Award]:
        """What the program's two rule groups give."""
        bonus = BONUS_POINTS * self.unit if has_bonus else 0
        released = self.start_of(self.today(earned_at) + timedelta(days=self.wait_days))
        bonus_lapses = self.start_of(self.today(self.last_bonus_day) + DAY)
        return [
            Award("spend", spend, self.lapse(earned_at)),
            Award("bonus", bonus, bonus_lapses, released if self.wait_days and released > now else None),
        ]


_A_POINT_FOR_A_UNIT = {"type": "per_unit", "of": "transaction.amount", "points": 1, "per": 1}


def configuration(terms: Terms) -> bytes:
    """The program's configuration file."""
    last_bonus_day = terms.today(terms.last_bonus_day)
    months = {"policy": "none"} if terms.months is None else {"policy": "months", "months": terms.months}
    document = {
        "version": 1,
        "program": {
            "time_zone": terms.zone,
            "points_decimals": terms.decimals,
            "reversal_of_expired": terms.policy,
            "refund_policy": terms.refunds,
        },
        "expiry": {**months, "period_end": terms.period_end},
        "product_codes": [{"code": "PLAIN"}, {"code": "BONUS"}],
        "rule_groups": [
            {"name": "Spend", "rules": [{"name": "A point for a unit", "award": _A_POINT_FOR_A_UNIT}]},
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
                            **({"release_after_days": terms.wait_days} if terms.wait_days else {}),
                        },
                    }
                ],
            },
        ],
    }
    return yaml.safe_dump(document).encode()
