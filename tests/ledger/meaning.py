"""What a draft stands for in the state that the history has come to."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tests.ledger.draft import (
    STRANGER,
    Act,
    Correction,
    Decision,
    Draft,
    Duplicate,
    Ending,
    GoodsBack,
    Order,
    Present,
    Purchase,
    Reservation,
    Return,
)
from tests.ledger.operation import (
    Adjust,
    Cancel,
    Decide,
    Earn,
    Erase,
    Hold,
    Keyed,
    Merge,
    Redeem,
    Refund,
    Reverse,
    SetStatus,
    Settle,
    Transfer,
)
from tests.ledger.terms import Terms
from tests.oracle import Oracle

Thing = TypeVar("Thing")
Named = TypeVar("Named", bound=Keyed | SetStatus | Erase)


def meant_by(
    draft: Draft, number: int, terms: Terms, oracle: Oracle, *, references: Mapping[str, str], now: datetime
) -> Keyed:
    """The operation that a draft stands for, in the state that the history has come to."""
    if isinstance(draft, Decision):
        if (request := _request(draft, oracle)) is not None:
            key = f"key {number}" if draft.keyed and draft.approves else None
            return Decide(request, draft.approves, draft.by_itself, key)
        draft = draft.instead
    meant = _meant_by(draft, number, terms, oracle, references=references, now=now)
    return as_called(meant, number, oracle)


def as_called(operation: Named, number: int, oracle: Oracle) -> Named:
    """The same operation with the reference that an erased member has, but for one in three that knows no better."""
    names = {name: getattr(operation, name, None) for name in ("member", "receiver", "survivor")}
    called: dict[str, Any] = {name: oracle.called(one) for name, one in names.items() if one in oracle.accounts}
    return operation if number % 3 == 0 else replace(operation, **called)


def _meant_by(
    draft: Act, number: int, terms: Terms, oracle: Oracle, *, references: Mapping[str, str], now: datetime
) -> Keyed:
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
            points = _points(draft, oracle, now)
            chosen = uuid.UUID(int=number << 64, version=4) if draft.chosen else None
            return Redeem(draft.member, points, draft.merchant, draft.amount, chosen, key)
        case Return():
            return _reversal(draft, oracle, references, key)
        case Reservation():
            return _hold(draft, oracle, now, key)
        case Ending():
            return _end(draft, oracle, now, key)
        case Present():
            return Transfer(draft.member, draft.receiver, _points(draft, oracle, now), key)
        case Duplicate():
            return Merge(draft.member, draft.survivor, key)
        case Correction(good_for=days):
            last_day = None if days is None or not draft.up else terms.today(now) + timedelta(days=days)
            return Adjust(draft.member, _points(draft, oracle, now) * (1 if draft.up else -1), last_day, key)


def _request(draft: Decision, oracle: Oracle) -> str | None:
    if draft.of == "nothing":
        return "nothing"
    made = [name for name, one in oracle.requests.items() if draft.of == "any" or one.state == "PENDING"]
    return one_of(made, draft.pick) if made else None


def _points(draft: Order | Reservation | Present | Correction, oracle: Oracle, now: datetime) -> int:
    balance = 0
    if draft.member in oracle.accounts:
        balance = max(0, oracle.accounts[oracle.name_of(draft.member)].spendable(now))
    return max(balance * draft.thirds // 3 + draft.more, 1)


def _hold(draft: Reservation, oracle: Oracle, now: datetime, key: str | None) -> Hold:
    return Hold(draft.member, _points(draft, oracle, now), draft.merchant, now + draft.lasts, key)


def _end(draft: Ending, oracle: Oracle, now: datetime, key: str | None) -> Hold | Settle | Cancel:
    made = [name for name, one in oracle.holds.items() if draft.of == "any" or one.hold.is_pending(now)]
    if draft.of == "nothing":
        return Settle("nothing", None, key) if draft.thirds else Cancel("nothing", key)
    if not made:
        return _hold(draft.instead, oracle, now, key)
    name = one_of(made, draft.pick)
    if draft.thirds is None:
        return Cancel(name, key)
    held = oracle.holds[name].hold.points
    return Settle(name, None if draft.thirds == 3 else max(held * draft.thirds // 3, 1), key)


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
    earned = [name for name, given in references.items() if name not in oracle.redemptions and len(given) == 36]
    if draft.of == "purchase" and earned:
        return Reverse(draft.member, draft.merchant, one_of(earned, draft.pick), key)
    return Reverse(draft.member, draft.merchant, str(uuid.UUID(int=draft.pick, version=4)), key)


def one_of(things: Sequence[Thing], pick: int) -> Thing:
    """The newest for 0, so that a history that fails shrinks towards what was done last."""
    return things[-1 - pick % len(things)]


def another_body(operation: Keyed, member: str) -> Keyed:
    """Another request under the same key: of somebody else, or of something else."""
    if isinstance(operation, Settle | Cancel | Decide):
        return _of_another(operation)
    if member != operation.member:
        return replace(operation, member=member)
    match operation:
        case Earn():
            return replace(operation, spend=operation.spend + 1)
        case Refund():
            return replace(operation, amount=operation.amount + 1)
        case Redeem() | Hold() | Transfer():
            return replace(operation, points=operation.points + 1)
        case Adjust():
            return replace(operation, points=operation.points + (1 if operation.points > 0 else -1))
        case Merge():
            return replace(operation, survivor=STRANGER)
        case Reverse():
            return replace(operation, merchant="Elsewhere")


def _of_another(operation: Settle | Cancel | Decide) -> Keyed:
    match operation:
        case Settle():
            return replace(operation, points=(operation.points or 0) + 1)
        case Cancel():
            return replace(operation, hold=f"{operation.hold}0")
        case Decide():
            return replace(operation, request=f"{operation.request}0")
