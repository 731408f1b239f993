"""Moving lots between accounts: a transfer of some points, or a merge of everything."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from domain.ledger.account import Account
from domain.ledger.posting import TRANSFER_IN, TRANSFER_OUT, Draft, Lot, Move
from domain.ledger.redemption import take


def transfer(
    sender: Account,
    receiver: Account,
    points: int,
    lots: Iterable[Lot],
    *,
    now: datetime,
    reference: UUID,
    narrations: tuple[bytes | None, bytes | None] = (None, None),
) -> tuple[Draft, Draft]:
    """Move points with their lots' dates, first expiring first; the postings of both sides, each naming the other.

    `lots` are the sender's in `lot_order`; the caller has checked `available`.
    """
    moves, sender.next_expiry = take(lots, points, pending_from=sender.next_release)
    return _move(sender, receiver, moves, now, reference, narrations)


def move_everything(
    giver: Account, taker: Account, lots: Sequence[Lot], *, now: datetime, references: tuple[UUID, UUID]
) -> list[Draft]:
    """Move all open lots, pending ones too, and the arrears, for a merge; the giver's postings."""
    giver.lots_changed = taker.lots_changed = True
    posted: list[Draft] = []
    if lots:
        moves = [Move(lot, -lot.remaining, lot.expires_at) for lot in lots]
        posted.append(_move(giver, taker, moves, now, references[0], (None, None))[0])
    # Settled after the taker's credits could repay arrears of its own: these arrive whole.
    if giver.arrears:
        posted.append(owe(giver, taker, giver.arrears, now=now, reference=references[1]))
    return posted


def owe(giver: Account, taker: Account, points: int, *, now: datetime, reference: UUID) -> Draft:
    """Move arrears from one account to another; the giver's posting."""
    settled = Draft("transfer", "other", points, TRANSFER_IN, now, [], arrears=points, external_reference=reference)
    settled.related = Draft("transfer", "redeem", -points, TRANSFER_OUT, now, [], arrears=-points, related=settled)
    taker.post(settled.related)
    return giver.post(settled)


def give_back(giver: Account, taker: Account, moved: Sequence[tuple[Lot, Lot]], *, now: datetime) -> Draft | None:
    """Undo a merge: what the second lot of each pair has left returns to the first, with its date as it is."""
    giver.lots_changed = taker.lots_changed = True
    live = [(old, new) for old, new in moved if new.remaining]
    if not live:
        return None
    points = sum(new.remaining for _, new in live)
    back = Draft(
        "transfer", "other", points, TRANSFER_IN, now, [Move(old, new.remaining, new.expires_at) for old, new in live]
    )
    out = Draft(
        "transfer",
        "redeem",
        -points,
        TRANSFER_OUT,
        now,
        [Move(new, -new.remaining, new.expires_at) for _, new in live],
        related=back,
    )
    giver.post(out)
    back.related = out
    taker.await_release(back.moves, now)
    return taker.post(back)


def _move(
    sender: Account,
    receiver: Account,
    moves: Sequence[Move],
    now: datetime,
    reference: UUID,
    narrations: tuple[bytes | None, bytes | None],
) -> tuple[Draft, Draft]:
    points = -sum(move.points for move in moves)
    arriving = [
        Move(
            Lot(move.lot.earned_at, move.expires_at, -move.points, 0, available_at=move.lot.available_at),
            -move.points,
            move.expires_at,
        )
        for move in moves
    ]
    out = sender.post(
        Draft(
            "transfer",
            "redeem",
            -points,
            TRANSFER_OUT,
            now,
            list(moves),
            narration=narrations[0],
            external_reference=reference,
        )
    )
    into = Draft("transfer", "other", points, TRANSFER_IN, now, arriving, narration=narrations[1], related=out)
    out.related = receiver.credit(into, now)
    return out, into
