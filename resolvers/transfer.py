"""The use case of transferring points from one member to another: lots move with their dates."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from domain.access import Permission
from domain.crypto import encrypt
from domain.errors import (
    BadRequest,
    InsufficientPoints,
    InvalidRequest,
    TesseraError,
)
from domain.ids import new_reference
from domain.ledger.transfer import transfer
from domain.member_status import Operation, refusal_by_status
from domain.points import cut, from_minor
from domain.store.idempotency import fingerprint_of
from domain.store.lot import open_lots
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.movement import (
    Keyed,
    Locked,
    Moved,
    Outcome,
    free_text,
    member_with,
    move_once,
    require_key,
    require_positive,
    smallest_units,
)
from resolvers.redemption_order import check_range


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferPoints:
    """Move points between two members of one program. `from_reference` None: the token's own member."""

    from_reference: str | None
    to_reference: str | None
    points: Decimal
    narration: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """A transfer as stored; `external_reference` and `entry_id` are of the sender's posting."""

    external_reference: UUID
    entry_id: int
    received_entry_id: int
    from_member_id: int
    to_member_id: int
    points: Decimal
    processed_at: datetime
    replayed: bool = False


async def transfer_points(ctx: Context, command: TransferPoints) -> Transfer:
    """Move points with the expiry dates of their lots, enough or nothing.

    A member sends from its own account only. Raises BadRequest, Forbidden, InvalidRequest (to oneself),
    PointsNotPositive, KeyReused, MemberNotFound (the sender, then the
    receiver), MemberCancelled or MemberSuspended (the sender), MemberCancelled or MembershipBlocked (the
    receiver), InvalidRequest (decimals), InsufficientPoints.
    """
    ctx.principal.require(Permission.POINTS_TRANSFER)
    sender = ctx.principal.member(command.from_reference)
    if not sender:
        raise BadRequest("FromRelationReference: is missing", field="from_relation_reference")
    if not command.to_reference:
        raise BadRequest("ToRelationReference: is missing", field="to_relation_reference")
    ctx.key(command.idempotency_key)
    narration = free_text(command.narration, "narration")
    checked = replace(command, from_reference=sender, narration=narration)
    result = await ctx.write(partial(_transfer, ctx, checked, ctx.services.clock()))
    if isinstance(result, TesseraError):
        raise result
    return _transfer_of(result)


def _transfer(ctx: Context, command: TransferPoints, now: datetime, tx: Connection) -> Moved | TesseraError:
    references = (command.from_reference or "", command.to_reference or "")
    _check(command, ctx.program(tx))
    keyed = Keyed(
        use_case="transfer",
        key=ctx.key(command.idempotency_key),
        fingerprint=fingerprint_of(*references, cut(command.points), command.narration),
        now=now,
    )

    def find(state: ProgramState) -> list[int]:
        names = ("from_relation_reference", "to_relation_reference")
        members = [member_with(tx, ctx, state.id, one, named=name) for one, name in zip(references, names, strict=True)]
        if len(set(members)) == 1:
            raise _to_oneself()
        return members

    return move_once(tx, ctx, keyed, find, lambda locked: _post(locked, command, *locked.member_ids))


def _check(command: TransferPoints, state: ProgramState) -> None:
    require_key(state, command.idempotency_key)
    check_range(command.points, None, state.places)
    if command.from_reference == command.to_reference:
        raise _to_oneself()
    require_positive(command.points)


def _to_oneself() -> InvalidRequest:
    return InvalidRequest("sender and receiver are the same member", field="to_relation_reference")


def _post(locked: Locked, command: TransferPoints, sender_id: int, receiver_id: int) -> Outcome:
    parties = [locked.members[one] for one in (sender_id, receiver_id)]
    for party, operation in zip(parties, (Operation.TRANSFER_SEND, Operation.TRANSFER_RECEIVE), strict=True):
        stopped = refusal_by_status(operation, party.member.status)
        if stopped is not None:
            raise stopped
    points = smallest_units(command.points, locked.state.places)
    sender, receiver = locked.accounts[sender_id], locked.accounts[receiver_id]
    if points > sender.available:
        raise InsufficientPoints
    text = command.narration
    given, received = ((encrypt(one.data_key, text) if text else None) for one in parties)
    out, into = transfer(
        sender,
        receiver,
        points,
        open_lots(locked.tx, locked.state.id, [sender.id])[sender.id],
        now=locked.now,
        reference=new_reference(),
        narrations=(given, received),
    )
    locked.journal.flush()
    return {
        "entry_id": out.id,
        "received_entry_id": into.id,
        "reference": str(out.external_reference),
        "members": [sender_id, receiver_id],
        "points": points,
        "at": locked.now.isoformat(),
    }


def _transfer_of(moved: Moved) -> Transfer:
    outcome = moved.outcome
    return Transfer(
        external_reference=UUID(outcome["reference"]),
        entry_id=outcome["entry_id"],
        received_entry_id=outcome["received_entry_id"],
        from_member_id=outcome["members"][0],
        to_member_id=outcome["members"][1],
        points=from_minor(outcome["points"], moved.state.places),
        processed_at=datetime.fromisoformat(outcome["at"]),
        replayed=moved.replayed,
    )
