"""Holds: points that leave their lots for a time, and come back or are spent."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.ledger.account import Account
from domain.ledger.posting import HOLD, Draft, Lot, Move, lot_order
from domain.ledger.redemption import take

Taken = Sequence[tuple[Lot, int]]
"""The lots that a hold took points from, with the points of each."""


def hold_points(
    account: Account,
    points: int,
    lots: Iterable[Lot],
    *,
    now: datetime,
    expires_at: datetime,
    merchant: str | None = None,
    amount: Decimal | None = None,
) -> Draft:
    """Post a hold from lots that come in `lot_order`; the caller has checked `available`.

    The posting carries the instant at which the hold lapses, so that the chain covers it.
    """
    account.next_release = min(account.next_release, expires_at)
    draft = Draft("hold", "redeem", -points, HOLD, now, [], expires_at=expires_at, merchant=merchant, amount=amount)
    return account.debit(draft, lots)


def release(account: Account, hold_entry_id: int, taken: Taken, at: datetime) -> Draft:
    """Give a hold's points back to their lots; a lot that has expired by then is not revived.

    `at` is when the hold ended, which may be a while ago where it lapsed.
    """
    draft = _give_back(account, hold_entry_id, taken, at)
    account.forfeit(taken, at)
    return draft


def settle(
    account: Account,
    hold_entry_id: int,
    taken: Taken,
    points: int,
    *,
    now: datetime,
    loyalty_txn_type: int,
    reference: UUID,
    merchant: str | None,
    amount: Decimal | None,
) -> Draft:
    """Spend `points` of a hold, from the lots as they were when it was made, and give back the rest.

    What expired while it was held is spent all the same; only the rest of it is written off.
    """
    _give_back(account, hold_entry_id, taken, now)
    held = {id(lot): points for lot, points in taken}
    # Of a lot that holds other points too no more is spent than the hold took.
    portions = [
        Lot(lot.earned_at, lot.expires_at, held[id(lot)], held[id(lot)], lot.id)
        for lot, _ in sorted(taken, key=lambda one: lot_order(one[0]))
    ]
    moves, _ = take(portions, points)
    own = {lot.id: lot for lot, _ in taken}
    draft = account.post(
        Draft(
            "redemption",
            "redeem",
            -points,
            loyalty_txn_type,
            now,
            [Move(own[move.lot.id], move.points, move.expires_at) for move in moves],
            merchant=merchant,
            amount=amount,
            related=hold_entry_id,
            external_reference=reference,
        )
    )
    spent = {move.lot.id: move.points for move in moves}
    account.forfeit([(lot, points + spent.get(lot.id, 0)) for lot, points in taken], now)
    return draft


def _give_back(account: Account, hold_entry_id: int, taken: Taken, at: datetime) -> Draft:
    account.lots_changed = True
    return account.post(
        Draft(
            "release",
            "redeem",
            sum(points for _, points in taken),
            HOLD,
            at,
            [Move(lot, points, lot.expires_at) for lot, points in taken],
            reverses_id=hold_entry_id,
        )
    )
