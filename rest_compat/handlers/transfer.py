"""The handler that moves points from one member to another."""

from resolvers.transfer import TransferPoints, transfer_points
from rest_compat.call import REPLAYED
from rest_compat.envelope import Answer, upper_guid
from rest_compat.operation import Call


async def transfer(call: Call) -> Answer:
    """The external reference of the transfer."""
    values = call.values
    moved = await transfer_points(
        call.ctx,
        TransferPoints(
            from_reference=values["FromRelationReference"],
            to_reference=values["ToRelationReference"],
            points=values["Points"],
            narration=values["Narration"],
            idempotency_key=call.key,
        ),
    )
    return Answer(
        return_object=upper_guid(moved.external_reference),
        headers=REPLAYED if moved.replayed else (),
    )
