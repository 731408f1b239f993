"""Holds, transfers, corrections and merges as a history asks the product for them."""

from collections.abc import Mapping
from decimal import Decimal

from resolvers.adjustment import AdjustPoints, adjust_points
from resolvers.context import Context
from resolvers.hold import CancelHold, CreateHold, SettleHold, cancel_hold, create_hold, settle_hold
from resolvers.merge import MergeMembers, merge_members, undo_merge
from resolvers.transfer import TransferPoints, transfer_points
from tests.ledger.operation import Adjust, Cancel, Hold, Merge, Outcome, Settle, Transfer, Unmerge

Movement = Hold | Settle | Cancel | Transfer | Adjust | Merge | Unmerge


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
            adjusted = await adjust_points(
                ctx,
                AdjustPoints(
                    relation_reference=operation.member,
                    points=Decimal(operation.points) / unit,
                    reason="counted anew",
                    expires=operation.last_day,
                    idempotency_key=operation.key,
                ),
            )
            receipt = f"{adjusted.member_id} {adjusted.points}"
            return Outcome(answer=str(adjusted.entry_id), replayed=adjusted.replayed, receipt=receipt)
        case Merge():
            command = MergeMembers(victim=operation.member, survivor=operation.survivor, idempotency_key=operation.key)
            merge = await merge_members(ctx, command)
            receipt = f"{merge.victim_id} {merge.survivor_id} {merge.points}"
            return Outcome(answer=str(merge.id), replayed=merge.replayed, receipt=receipt)
        case Unmerge():
            undone = await undo_merge(ctx, int(references.get(operation.merger, "0")))
            return Outcome(answer=str(undone.id))


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
