"""What the state machine does to the ledger: each operation as data, and what the oracle makes of it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime
from fractions import Fraction
from functools import partial

from tests.ledger.terms import DAY, Terms
from tests.oracle import Lapse, Oracle, Refused


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


@dataclass(frozen=True)
class Hold:
    """A reservation of smallest units until an instant."""

    member: str
    points: int
    merchant: str
    until: datetime
    key: str | None = None


@dataclass(frozen=True)
class Settle:
    """The end of a hold that is spent: `points` None: whole. `hold` is the oracle's name for it."""

    hold: str
    points: int | None
    key: str | None = None


@dataclass(frozen=True)
class Cancel:
    """The end of a hold that is given up."""

    hold: str
    key: str | None = None


@dataclass(frozen=True)
class Transfer:
    """A transfer of smallest units."""

    member: str
    receiver: str
    points: int
    key: str | None = None


@dataclass(frozen=True)
class Adjust:
    """A correction by smallest units, up or down; `last_day` None: what is given lapses by the program's terms."""

    member: str
    points: int
    last_day: Date | None = None
    key: str | None = None


@dataclass(frozen=True)
class Merge:
    """One member of two; `member` is the one that disappears."""

    member: str
    survivor: str
    key: str | None = None


@dataclass(frozen=True)
class Unmerge:
    """A merge undone; `merger` is the oracle's name for it."""

    merger: str


@dataclass(frozen=True)
class Decide:
    """A request for a correction approved or turned down; `request` is the oracle's name for it.

    `by_itself`: by who asked for it. Only an approval has a key.
    """

    request: str
    approves: bool
    by_itself: bool
    key: str | None = None


@dataclass(frozen=True)
class Erase:
    """A member forgotten."""

    member: str


@dataclass(frozen=True)
class AssessTiers:
    """The job that takes tiers away."""


Keyed = Earn | Refund | Redeem | Reverse | Hold | Settle | Cancel | Transfer | Adjust | Decide | Merge
Unkeyed = Unmerge | Expire | AssessTiers | SetStatus | Erase
Operation = Keyed | Unkeyed


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
    if isinstance(operation, Expire):
        oracle.expire(now)
        return Outcome()
    if isinstance(operation, AssessTiers):
        oracle.assess_all(now)
        return Outcome()
    use_case, key = binding_key(operation) or ("", None)
    if isinstance(operation, Transfer) and operation.member == operation.receiver:
        return Outcome(code="998")
    if isinstance(operation, Merge) and operation.member == operation.survivor:
        return Outcome(code="998")
    try:
        if isinstance(operation, Erase):
            person, replayed = oracle.erase(operation.member)
            return Outcome(answer=person, replayed=replayed)
        run = _purchase(oracle, terms, operation, name, now) or _movement(oracle, terms, operation, name, now)
        answer, replayed = oracle.once(use_case, key, operation, now, run)
    except Refused as refusal:
        return Outcome(code=refusal.code)
    return Outcome(answer=answer, replayed=replayed)


def _purchase(oracle: Oracle, terms: Terms, operation: Operation, name: str, now: datetime) -> Callable[[], str] | None:
    match operation:
        case Earn(member=member, transaction_id=transaction_id, dated=dated):
            money = Fraction(operation.spend, terms.unit)
            return partial(
                oracle.earn,
                member,
                transaction_id,
                dated,
                terms.awards(operation.spend, operation.bonus, dated, now),
                now,
                money,
            )
        case Refund(member=member, transaction_id=transaction_id, amount=amount, dated=dated):
            return partial(oracle.refund, member, transaction_id, Fraction(amount, terms.unit), dated, now, name)
        case Redeem(member=member, points=points, merchant=merchant, chosen=chosen):
            return partial(oracle.redeem, member, points, merchant, str(chosen or name), now)
        case Reverse(member=member, merchant=merchant, reference=reference):
            return partial(oracle.reverse, member, merchant, reference, now)
    return None


def _movement(oracle: Oracle, terms: Terms, operation: Operation, name: str, now: datetime) -> Callable[[], str]:
    match operation:
        case Hold(member=member, points=points, merchant=merchant, until=until):
            return partial(oracle.hold, member, points, merchant, until, name, now)
        case Settle(hold=hold, points=some):
            return partial(oracle.settle, hold, some, name, now)
        case Cancel(hold=hold):
            return partial(oracle.cancel, hold, now)
        case Transfer(member=member, receiver=receiver, points=points):
            return partial(oracle.transfer, member, receiver, points, name, now)
        case Adjust(member=member, points=points, last_day=last_day):
            lapse = terms.lapse if last_day is None else _lapses_after(last_day, terms)
            return partial(oracle.adjust, member, points, lapse, name, now)
        case Decide(request=request, approves=approves, by_itself=by_itself):
            return partial(oracle.decide, request, now, approves=approves, by_itself=by_itself)
        case Merge(member=member, survivor=survivor):
            return partial(oracle.merge, member, survivor, name, now)
        case Unmerge(merger=merger):
            return partial(oracle.unmerge, merger, now)
        case SetStatus(member=member, status=status):
            return partial(oracle.change_status, member, status, now)
    raise TypeError(operation)


def _lapses_after(last_day: Date, terms: Terms) -> Lapse:
    return lambda _: terms.start_of(last_day + DAY)
