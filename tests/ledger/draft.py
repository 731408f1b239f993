"""What histories are drawn from: terms, waits, and operations before it is known what they meet."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from hypothesis import strategies as st

from tests.ledger.operation import Earn, Keyed, Redeem, Refund, Reverse, Terms
from tests.oracle import Oracle

Thing = TypeVar("Thing")

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MEMBERS = ("ANNA", "BEN", "CLEO")
STRANGER = "NOBODY"
MERCHANTS = ("Shop", "Market")
MICROSECOND = timedelta(microseconds=1)

TERMS = st.builds(
    Terms,
    policy=st.sampled_from(["extend", "forfeit", "original"]),
    zone=st.sampled_from(["UTC", "America/New_York", "Pacific/Kiritimati", "Asia/Kolkata"]),
    months=st.sampled_from([1, 2, None]),
    period_end=st.sampled_from(["day", "month"]),
    decimals=st.sampled_from([0, 2]),
    bonus_days=st.sampled_from([0, 3, 20]),
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


Draft = Purchase | GoodsBack | Order | Return

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
DRAFTS: st.SearchStrategy[Draft] = PURCHASES | GOODS_BACK | ORDERS | RETURNS


def meant_by(
    draft: Draft, number: int, terms: Terms, oracle: Oracle, *, references: Mapping[str, str], now: datetime
) -> Keyed:
    """The operation that a draft stands for, in the state that the history has come to."""
    key = f"key {number}" if draft.keyed else None
    match draft:
        case Purchase():
            return Earn(
                member=draft.member,
                transaction_id="again" if draft.repeats_an_id else f"purchase {number}",
                spend=draft.spend * (terms.unit if draft.in_points else 1),
                bonus=draft.bonus,
                dated=now - timedelta(days=draft.days_ago),
                key=key,
            )
        case GoodsBack():
            return _refund(draft, number, terms, oracle, now, key)
        case Order():
            account = oracle.accounts.get(draft.member)
            balance = account.spendable(now) if account else 0
            points = max(balance * draft.thirds // 3 + draft.more, 1)
            chosen = uuid.UUID(int=number << 64, version=4) if draft.chosen else None
            return Redeem(draft.member, points, draft.merchant, draft.amount, chosen, key)
        case Return():
            return _reversal(draft, oracle, references, key)


def _refund(draft: GoodsBack, number: int, terms: Terms, oracle: Oracle, now: datetime, key: str | None) -> Refund:
    member, transaction_id, price = draft.member, f"nothing {draft.pick}", terms.unit
    bought = oracle.purchases
    if draft.of == "one to come":
        transaction_id = f"purchase {number + 1 + draft.pick % 4}"
    elif draft.of == "purchase" and bought:
        purchase = one_of(bought, draft.pick)
        transaction_id, price = purchase.transaction_id, int(purchase.amount * terms.unit)
        member = purchase.member if draft.by_its_owner else member
    amount = max(price * draft.thirds // 3 + draft.more, 0)
    return Refund(member, transaction_id, amount, now - timedelta(days=draft.days_ago), key)


def _reversal(draft: Return, oracle: Oracle, references: Mapping[str, str], key: str | None) -> Reverse:
    made = list(oracle.redemptions)
    if draft.of == "redemption" and made:
        name = one_of(made, draft.pick)
        redemption = oracle.redemptions[name]
        if draft.by_its_owner:
            return Reverse(redemption.member, redemption.merchant, name, key)
        return Reverse(draft.member, draft.merchant, name, key)
    earned = [name for name in references if name not in oracle.redemptions]
    if draft.of == "purchase" and earned:
        return Reverse(draft.member, draft.merchant, one_of(earned, draft.pick), key)
    return Reverse(draft.member, draft.merchant, str(uuid.UUID(int=draft.pick, version=4)), key)


def one_of(things: Sequence[Thing], pick: int) -> Thing:
    """The newest for 0, so that a history that fails shrinks towards what was done last."""
    return things[-1 - pick % len(things)]


def another_body(operation: Keyed, member: str) -> Keyed:
    """Another request under the same key: of somebody else, or of something else."""
    if member != operation.member:
        return replace(operation, member=member)
    match operation:
        case Earn():
            return replace(operation, spend=operation.spend + 1)
        case Refund():
            return replace(operation, amount=operation.amount + 1)
        case Redeem():
            return replace(operation, points=operation.points + 1)
        case Reverse():
            return replace(operation, merchant="Elsewhere")
