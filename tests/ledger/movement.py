"""Holds, transfers, corrections and merges, with the end of a member, as a history asks the product for them."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from resolvers.adjustment import AdjustPoints, adjust_points
from resolvers.context import Context
from resolvers.erasure import erase_member
from resolvers.hold import CancelHold, CreateHold, SettleHold, cancel_hold, create_hold, settle_hold
from resolvers.merge import MergeMembers, merge_members, undo_merge
from resolvers.points_request import approve_adjustment, reject_adjustment
from resolvers.transfer import TransferPoints, transfer_points
from tests.ledger.operation import (
    Adjust,
    Cancel,
    Decide,
    Erase,
    Hold,
    Merge,
    Outcome,
    Settle,
    Transfer,
    Unmerge,
)

Movement = Hold | Settle | Cancel | Transfer | Adjust | Decide | Merge | Unmerge | Erase


async def perform_movement(ctx: Context, operation: Movement, unit: int, references: Mapping[str, str]) -> Outcome:
    """Run one movement through its use case. `unit`: how many smallest units make a point."""
    match operation:
        case Hold() | Settle() | Cancel():
            return await _perform_hold(ctx, operation, unit, references)
        case Transfer():
            moved = await transfer_points(
                ctx,
                TransferPoints(
                    from_reference=operation.member,
                    to_reference=operation.receiver,
                    points=Decimal(operation.points) / unit,
                    narration="for you",
                    idempotency_key=operation.key,
                ),
            )
            receipt = f"{moved.entry_id} {moved.received_entry_id} {moved.points}"
            return Outcome(answer=str(moved.external_reference), replayed=moved.replayed, receipt=receipt)
        case Adjust():
            return await _adjust(ctx, operation, unit)
        case Decide():
            return await _decide(ctx, operation, references)
        case Erase(member=member):
            erased = await erase_member(ctx, member)
            return Outcome(answer=str(erased.member_id), replayed=erased.replayed)
        case Merge():
            command = MergeMembers(victim=operation.member, survivor=operation.survivor, idempotency_key=operation.key)
            merge = await merge_members(ctx, command)
            receipt = f"{merge.victim_id} {merge.survivor_id} {merge.points}"
            return Outcome(answer=str(merge.id), replayed=merge.replayed, receipt=receipt)
        case Unmerge():
            undone = await undo_merge(ctx, int(references.get(operation.merger, "0")))
            return Outcome(answer=str(undone.id))


async def _adjust(ctx: Context, operation: Adjust, unit: int) -> Outcome:
    command = AdjustPoints(
        relation_reference=operation.member,
        points=Decimal(operation.points) / unit,
        reason="counted anew",
        expires=operation.last_day,
        idempotency_key=operation.key,
    )
    adjusted = await adjust_points(ctx, command)
    receipt = f"{adjusted.member_id} {adjusted.points} {adjusted.entry_id}"
    answer = str(adjusted.entry_id or adjusted.request_id)
    return Outcome(answer=answer, replayed=adjusted.replayed, receipt=receipt)


async def _decide(ctx: Context, operation: Decide, references: Mapping[str, str]) -> Outcome:
    if not operation.by_itself:
        ctx = replace(ctx, principal=replace(ctx.principal, actor="somebody else"))
    request_id = int(references.get(operation.request, "0"))
    if operation.approves:
        decided = await approve_adjustment(ctx, request_id, operation.key)
    else:
        decided = await reject_adjustment(ctx, request_id)
    receipt = f"{decided.status} {decided.entry_id} {decided.decided_by} {decided.decided_at}"
    return Outcome(answer=str(decided.id), replayed=decided.replayed, receipt=receipt)


async def _perform_hold(
    ctx: Context, operation: Hold | Settle | Cancel, unit: int, references: Mapping[str, str]
) -> Outcome:
    if isinstance(operation, Hold):
        order = CreateHold(
            relation_reference=operation.member,
            points=Decimal(operation.points) / unit,
            merchant_name=operation.merchant,
            until=operation.until,
            idempotency_key=operation.key,
        )
        held = await create_hold(ctx, order)
        return Outcome(answer=str(held.id), replayed=held.replayed, receipt=f"{held.entry_id} {held.points}")
    hold_id = int(references.get(operation.hold, "0"))
    if isinstance(operation, Cancel):
        held = await cancel_hold(ctx, CancelHold(hold_id=hold_id, idempotency_key=operation.key))
        return Outcome(answer=str(held.id), replayed=held.replayed, receipt=f"{held.status} {held.processed_at}")
    settled = await settle_hold(
        ctx,
        SettleHold(
            hold_id=hold_id,
            points=None if operation.points is None else Decimal(operation.points) / unit,
            loyalty_txn_type=30,
            idempotency_key=operation.key,
        ),
    )
    redeemed = settled.redemption
    receipt = f"{redeemed.entry_id} {redeemed.points}"
    return Outcome(answer=str(redeemed.external_reference), replayed=settled.replayed, receipt=receipt)
