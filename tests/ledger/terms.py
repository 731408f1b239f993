"""What a history's program is like: as data for the oracle, and as the product's configuration file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from datetime import date as Date
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from tests.ledger.promotion import Loyalty, Promotion, campaigns, promoted, thanks
from tests.oracle import Award, Cap, Inactivity, Level, Oracle, Reward, lapses_at

BONUS_POINTS = 7
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rung:
    """A tier: from how many whole points on, its multiplier, and the whole points for those who newly reach it."""

    name: str
    points: int
    multiplier: str
    bonus: int


@dataclass(frozen=True)
class Terms:
    """The program that a history runs under. `months` None: points do not expire. `inactivity`: by the last purchase.

    Bonus points are good to the end of one fixed day, `bonus_days` after the start of the history (None: like all
    others), and wait for `wait_days` from the purchase, to the beginning of a day, from which on all that wait count
    with `from_release`. `spend_cap` is a window with the most whole points that spending gives in it; `program_cap` the
    most that a month does in all. `ladder` are the tiers, and `retention_days` for how long one is kept that is not
    earned any more. `referral` is what a first purchase gives to who referred its member and to the member itself, in
    whole points, and how often one member gets that; or the member's activation. `promotions` are the campaigns, and
    `loyalty` says whom some of them are for. From `approval_from` whole points on a correction is decided about by a
    second person.
    """

    policy: str
    zone: str
    months: int | None
    period_end: str
    decimals: int
    bonus_days: int | None
    start: datetime
    refunds: str = "negative"
    wait_days: int = 0
    spend_cap: tuple[str, int] | None = None
    program_cap: int | None = None
    ladder: tuple[Rung, ...] = ()
    retention_days: int = 0
    referral: tuple[int, int, int | None] | None = None
    approval_from: int | None = None
    accrue_cancelled: bool = False
    on_activation: bool = False
    inactivity: bool = False
    from_release: bool = False
    promotions: tuple[Promotion, ...] = ()
    loyalty: Loyalty | None = None

    def status_at_first(self, number: int) -> int:
        """In which status a member is enrolled. With rewards on activation some are not active yet."""
        return 5 if self.referral is not None and self.on_activation and number > 1 else 1

    def oracle(self, members: Sequence[str]) -> Oracle:
        """The oracle of such a program. The first of the members referred all others."""
        days = [day for one in self.promotions for day in (one.first, one.last + 1)]
        starts = [self.start_of(self.today(self.start) + timedelta(days=day)) for day in days]
        caps = [Cap(points * self.unit, window, "spend") for window, points in filter(None, [self.spend_cap])]
        if self.program_cap is not None:
            caps.append(Cap(self.program_cap * self.unit, "month"))
        oracle = Oracle(
            policy=self.policy,
            refunds=self.refunds,
            caps=tuple(caps),
            zone=ZoneInfo(self.zone),
            levels=[
                Level(one.name, one.points * self.unit, Fraction(one.multiplier), one.bonus * self.unit)
                for one in self.ladder
            ],
            retention=self.retention,
            lapse=self.lapse,
            campaigns=campaigns(self.promotions, self.loyalty, starts, self.unit),
            regulars=None if self.loyalty is None else self.loyalty.regulars(self.unit),
            inactivity=Inactivity(self.lapse, self.from_release) if self.goes_by_activity else None,
            reward=self.reward,
            referred_by=dict.fromkeys(members[1:], members[0]),
            approval_from=None if self.approval_from is None else self.approval_from * self.unit,
            accrue_cancelled=self.accrue_cancelled,
        )
        for number, member in enumerate(members):
            oracle.enrol(member, self.status_at_first(number), self.start)
        return oracle

    @property
    def retention(self) -> timedelta:
        """For how long a tier is kept."""
        return timedelta(days=self.retention_days)

    @property
    def reward(self) -> Reward | None:
        """What the oracle gives for a referral."""
        if self.referral is None:
            return None
        referrer, referee, most = self.referral
        return Reward(referrer * self.unit, referee * self.unit, most, self.on_activation)

    @property
    def goes_by_activity(self) -> bool:
        """Whether points lapse by the last purchase."""
        return self.inactivity and self.months is not None

    @property
    def unit(self) -> int:
        """How many smallest units make one point."""
        return int(10**self.decimals)

    @property
    def last_bonus_day(self) -> Date | None:
        """The last day of bonus points, if it is theirs alone."""
        return None if self.bonus_days is None else self.today(self.start + timedelta(days=self.bonus_days))

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
        """What the program's two rule groups give before tier and caps."""
        bonus = BONUS_POINTS * self.unit if has_bonus else 0
        released = self.start_of(self.today(earned_at) + timedelta(days=self.wait_days))
        available = released if self.wait_days and released > now else None
        begins = available if available is not None and self.from_release else earned_at
        gift = Award("bonus", bonus, self.lapse(begins), available, begins)
        if self.last_bonus_day is not None:
            gift = Award("bonus", bonus, self.start_of(self.last_bonus_day + DAY), available)
        return [Award("spend", spend, self.lapse(earned_at), begins=earned_at), gift]


_A_POINT_FOR_A_UNIT = {"type": "per_unit", "of": "transaction.amount", "points": 1, "per": 1}


def _standing(terms: Terms) -> dict[str, Any]:
    """Tiers and referrals, where there are any."""
    parts: dict[str, Any] = {}
    if terms.ladder:
        levels = [
            {"name": one.name, "from": one.points, "multiplier": one.multiplier, "upgrade_bonus": one.bonus}
            for one in terms.ladder
        ]
        basis = {"assessment": "automatic", "basis": "points", "window": "lifetime"}
        parts["tiers"] = {**basis, "retention_days": terms.retention_days, "levels": levels}
    if terms.referral is not None:
        referrer, referee, most = terms.referral
        given = {"referrer_points": referrer, "referee_points": referee, "max_per_referrer": most}
        reward_on = "activation" if terms.on_activation else "first_transaction"
        parts["referrals"] = {"enabled": True, "reward_on": reward_on, **given}
    return parts


def configuration(terms: Terms) -> bytes:
    """The program's configuration file."""
    policy = "inactivity" if terms.goes_by_activity else "months"
    months = {"policy": "none"} if terms.months is None else {"policy": policy, "months": terms.months}
    document = {
        "version": 1,
        "program": {
            "time_zone": terms.zone,
            "points_decimals": terms.decimals,
            "reversal_of_expired": terms.policy,
            "refund_policy": terms.refunds,
            "accrue_cancelled": terms.accrue_cancelled,
            **({} if terms.approval_from is None else {"adjustment_approval_from": terms.approval_from}),
            "pending_validity": "release" if terms.from_release else "earning",
            **({} if terms.program_cap is None else {"accrual_cap_per_month": terms.program_cap}),
        },
        "expiry": {**months, "period_end": terms.period_end},
        **_standing(terms),
        **promoted(terms.promotions, terms.loyalty, terms.start.astimezone(ZoneInfo(terms.zone))),
        "product_codes": [{"code": "PLAIN"}, {"code": "BONUS"}],
        "rule_groups": [
            {
                "name": "Spend",
                "rules": [{"name": "A point for a unit", "award": _A_POINT_FOR_A_UNIT}, *thanks(terms.loyalty)],
                "caps": dict(filter(None, [terms.spend_cap])),
            },
            {"name": "Bonus", "category": "bonus", "rules": [_gift(terms)]},
        ],
    }
    return yaml.safe_dump(document).encode()


def _gift(terms: Terms) -> dict[str, Any]:
    expiry = {} if terms.last_bonus_day is None else {"expires": {"date": terms.last_bonus_day.isoformat()}}
    return {
        "name": "A gift",
        "when": {"attribute": "transaction.product_code", "op": "eq", "value": "BONUS"},
        "award": {
            "type": "flat",
            "points": BONUS_POINTS,
            **expiry,
            **({"release_after_days": terms.wait_days} if terms.wait_days else {}),
        },
    }
