"""What histories are drawn from: terms, waits, and operations before it is known what they meet."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from tests.ledger.promotion import Loyalty, Promotion
from tests.ledger.terms import Rung, Terms

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MEMBERS = ("ANNA", "BEN", "CLEO")
STRANGER = "NOBODY"
MERCHANTS = ("Shop", "Market")
MICROSECOND = timedelta(microseconds=1)

# The bonus of one rung leads up to the next.
THREE_RUNGS = (Rung("Silver", 0, "1", 0), Rung("Gold", 40, "1.5", 5), Rung("Platinum", 44, "2", 3))
# Nearly every refund leads down to another.
SIX_RUNGS = tuple(Rung(f"Rung {place}", 10 + 15 * place, ("1.25", "0.5")[place % 2], place % 3) for place in range(6))

A_DAY, A_MONTH = Promotion(0, 0, points=6), Promotion(-31, -1, factor="2")
# Long ago, now and later; for all and for some.
WEEKS = (Promotion(-20, 3, factor="1.5"), Promotion(2, 12, points=4), Promotion(-3, 6, "0.5", only_regulars=True))
FOR_SOME = (Promotion(-40, 60, points=5, only_regulars=True), Promotion(5, 5, "3", only_regulars=True))
BIG_SPENDERS, FREQUENT_BUYERS = Loyalty("sum", "lifetime", 70, thanks=3), Loyalty("count", "month", 3, thanks=2)
BY_MONTH, BY_NUMBER = Loyalty("sum", "month", 50), Loyalty("count", "lifetime", 4)

TERMS = st.builds(
    Terms,
    policy=st.sampled_from(["extend", "forfeit", "original"]),
    refunds=st.sampled_from(["negative", "negative", "floor", "refuse"]),
    zone=st.sampled_from(["UTC", "America/New_York", "Pacific/Kiritimati", "Asia/Kolkata"]),
    months=st.sampled_from([1, 2, None]),
    period_end=st.sampled_from(["day", "month"]),
    decimals=st.sampled_from([0, 2]),
    inactivity=st.sampled_from([False] * 4 + [True]),
    bonus_days=st.sampled_from([0, 3, 20] * 2 + [None]),
    wait_days=st.sampled_from([0, 1, 4]),
    from_release=st.booleans(),
    spend_cap=st.sampled_from([None] * 5 + [("month", 40), ("day", 20), ("lifetime", 90)]),
    program_cap=st.sampled_from([None] * 4 + [25, 60]),
    ladder=st.sampled_from([()] * 4 + [SIX_RUNGS, THREE_RUNGS]),
    referral=st.sampled_from([None] * 5 + [(9, 4, 1), (9, 4, None)]),
    on_activation=st.booleans(),
    promotions=st.sampled_from([()] * 6 + [(A_DAY, A_MONTH), WEEKS, FOR_SOME]),
    loyalty=st.sampled_from([None] * 8 + [BIG_SPENDERS, FREQUENT_BUYERS, BY_MONTH, BY_NUMBER]),
    retention_days=st.sampled_from([0, 0, 10, 30, 3650]),
    approval_from=st.sampled_from([None, None, 1, 12]),
    accrue_cancelled=st.sampled_from([False, False, True]),
    start=st.just(START),
)
WAITS = st.sampled_from(
    [
        timedelta(minutes=5),
        timedelta(hours=24) - MICROSECOND,
        timedelta(hours=24),
        timedelta(days=2),
        timedelta(days=5),
        timedelta(days=30),
    ]
)
MEMBER = st.sampled_from(MEMBERS)
STATUS = st.sampled_from([1] * 9 + [2, 3, 5, 6, 4])
ERASES = st.sampled_from([False] * 5 + [True])
"""Whether a member is erased in place of having another status."""
# What is drawn must not depend on the state, because two at once end in a state that nobody foresees:
# so a number is drawn, and the machine finds the thing that it stands for.
PICK = st.integers(0, 2**16 - 1)


@dataclass(frozen=True)
class Purchase:
    """An earning before it is decided under which key, and what a unit is."""

    member: str
    spend: int
    in_points: bool
    bonus: bool
    days_ago: int
    repeats_an_id: bool
    keyed: bool


@dataclass(frozen=True)
class Order:
    """A redemption before the balance is known: so many thirds of it, and some units more."""

    member: str
    thirds: int
    more: int
    merchant: str
    amount: str | None
    chosen: bool
    keyed: bool


@dataclass(frozen=True)
class Return:
    """A reversal before it is known what there is to reverse."""

    pick: int
    of: str
    by_its_owner: bool
    member: str
    merchant: str
    keyed: bool


@dataclass(frozen=True)
class GoodsBack:
    """A refund before it is known what was bought: so many thirds of its price, and some units more."""

    pick: int
    of: str
    by_its_owner: bool
    member: str
    thirds: int
    more: int
    days_ago: int
    keyed: bool


@dataclass(frozen=True)
class Reservation:
    """A hold before the balance is known: so many thirds of it, some units more, and for how long."""

    member: str
    thirds: int
    more: int
    merchant: str
    lasts: timedelta
    keyed: bool


@dataclass(frozen=True)
class Ending:
    """The end of a hold before it is known which: settled where there are thirds, else cancelled.

    Where there is none to end, one is made.
    """

    pick: int
    of: str
    thirds: int | None
    instead: Reservation
    keyed: bool


@dataclass(frozen=True)
class Present:
    """A transfer before the balance is known."""

    member: str
    receiver: str
    thirds: int
    more: int
    keyed: bool


@dataclass(frozen=True)
class Duplicate:
    """Two members who are found to be one."""

    member: str
    survivor: str
    keyed: bool


@dataclass(frozen=True)
class Correction:
    """An adjustment before the balance is known."""

    member: str
    up: bool
    thirds: int
    more: int
    good_for: int | None
    keyed: bool


@dataclass(frozen=True)
class Decision:
    """An answer to a request for a correction before it is known which. Where there is none, one is made."""

    pick: int
    of: str
    approves: bool
    by_itself: bool
    instead: Correction
    keyed: bool


Act = Purchase | GoodsBack | Order | Return | Reservation | Ending | Present | Correction | Duplicate
Draft = Act | Decision

PURCHASES = st.builds(
    Purchase,
    member=st.sampled_from((*MEMBERS * 4, STRANGER)),
    spend=st.integers(0, 60),
    in_points=st.booleans(),
    bonus=st.booleans(),
    days_ago=st.sampled_from([0, 0, 1, 9, 5, 20, 29, 40]),
    repeats_an_id=st.sampled_from([False] * 7 + [True]),
    keyed=st.booleans(),
)
ORDERS = st.builds(
    Order,
    member=st.sampled_from((*MEMBERS * 4, STRANGER)),
    thirds=st.sampled_from([1, 2, 1, 2, 3, 3, 0]),
    more=st.sampled_from([0, 0, 0, -1, 1, 5]),
    merchant=st.sampled_from(MERCHANTS),
    amount=st.sampled_from([None, "10", "9.90", "1E+2", "0.10000"]),
    chosen=st.sampled_from([False, False, True]),
    keyed=st.booleans(),
)
RETURNS = st.builds(
    Return,
    pick=PICK,
    of=st.sampled_from(["redemption"] * 8 + ["purchase", "nothing"]),
    by_its_owner=st.sampled_from([True] * 6 + [False]),
    member=MEMBER,
    merchant=st.sampled_from((*MERCHANTS, " SHOP ")),
    keyed=st.booleans(),
)
GOODS_BACK = st.builds(
    GoodsBack,
    pick=PICK,
    of=st.sampled_from(["purchase"] * 6 + ["one to come", "nothing"]),
    by_its_owner=st.sampled_from([True] * 6 + [False]),
    member=MEMBER,
    thirds=st.sampled_from([1, 2, 3, 4]),
    more=st.sampled_from([0, 0, -1, 1]),
    days_ago=st.sampled_from([0, 0, 3]),
    keyed=st.booleans(),
)
THIRDS, MORE = st.sampled_from([1, 2, 1, 2, 3, 3, 0]), st.sampled_from([0, 0, 0, -1, 1, 5])
RESERVATIONS = st.builds(
    Reservation,
    member=st.sampled_from((*MEMBERS * 4, STRANGER)),
    thirds=THIRDS,
    more=MORE,
    merchant=st.sampled_from(MERCHANTS),
    lasts=st.sampled_from([timedelta(minutes=5), timedelta(days=1), timedelta(days=4), timedelta(days=40)]),
    keyed=st.booleans(),
)
ENDINGS = st.builds(
    Ending,
    pick=PICK,
    of=st.sampled_from(["what is held"] * 6 + ["any", "nothing"]),
    thirds=st.sampled_from([None, 1, 2, 3, 4]),
    instead=RESERVATIONS,
    keyed=st.booleans(),
)
PRESENTS = st.builds(
    Present,
    member=st.sampled_from((*MEMBERS * 4, STRANGER)),
    receiver=st.sampled_from((*reversed(MEMBERS), *MEMBERS * 4, STRANGER)),
    thirds=THIRDS,
    more=MORE,
    keyed=st.booleans(),
)
CORRECTIONS = st.builds(
    Correction,
    member=st.sampled_from((*MEMBERS * 4, STRANGER)),
    up=st.booleans(),
    thirds=THIRDS,
    more=MORE,
    good_for=st.sampled_from([None, 0, 3]),
    keyed=st.booleans(),
)
DECISIONS = st.builds(
    Decision,
    pick=PICK,
    of=st.sampled_from(["what waits"] * 6 + ["any", "nothing"]),
    approves=st.sampled_from([True, True, False]),
    by_itself=st.sampled_from([False] * 5 + [True]),
    instead=CORRECTIONS,
    keyed=st.booleans(),
)
DUPLICATES = st.builds(
    Duplicate,
    member=st.sampled_from((*MEMBERS * 4, STRANGER)),
    survivor=st.sampled_from((*reversed(MEMBERS), *MEMBERS * 4, STRANGER)),
    keyed=st.booleans(),
)
MOVEMENTS: st.SearchStrategy[Draft] = RESERVATIONS | ENDINGS | PRESENTS | CORRECTIONS | DECISIONS | DUPLICATES
DRAFTS: st.SearchStrategy[Draft] = PURCHASES | GOODS_BACK | ORDERS | RETURNS | MOVEMENTS
