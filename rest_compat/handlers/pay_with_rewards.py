"""Handlers of requests to pay with rewards."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from resolvers.hold import (
    CANCELLED,
    EXPIRED,
    MAX_PAGE,
    PAY_WITH_REWARDS,
    PENDING,
    SETTLED,
    CancelHold,
    CreateHold,
    Hold,
    cancel_hold,
    create_hold,
    get_hold,
    list_holds,
)
from resolvers.member import list_members_by_id
from rest_compat.call import REPLAYED, program_zone
from rest_compat.envelope import Answer, local_time, local_time_or_none, upper_guid
from rest_compat.operation import Call

_STATUS_BY_NUMBER: Mapping[int, str | None] = {0: None, 1: PENDING, 2: SETTLED, 3: CANCELLED, 4: EXPIRED}
_SHOWN = {PENDING: "Pending", SETTLED: "Processed", CANCELLED: "Cancelled", EXPIRED: "Expired"}


async def create(call: Call) -> Answer:
    """The request, whose points are reserved; the short form takes the program's merchant."""
    values = call.values
    held = await create_hold(
        call.ctx,
        CreateHold(
            relation_reference=values["RelationReference"],
            points=values["Points"],
            purpose=PAY_WITH_REWARDS,
            amount=values["Amount"],
            merchant_name=values["MerchantName"],
            use_defaults="RelationReference" in call.aliased,
            validity_days=values["ValidityPeriodInDays"],
            idempotency_key=call.key,
        ),
    )
    # A repeat gives the first answer, in which the request was new; Get tells what became of it.
    first = replace(held, status=PENDING, processed_at=None)
    [shown] = await _shown(call, [first])
    return Answer(return_object=shown, headers=REPLAYED if held.replayed else ())


async def cancel(call: Call) -> Answer:
    """True once the points are free again."""
    command = CancelHold(hold_id=call.values["RequestId"], purpose=PAY_WITH_REWARDS, idempotency_key=call.key)
    cancelled = await cancel_hold(call.ctx, command)
    return Answer(return_object=True, headers=REPLAYED if cancelled.replayed else ())


async def find(call: Call) -> Answer:
    """A page of a member's requests, newest first."""
    values = call.values
    size = min(values["RecordsPerPage"], MAX_PAGE)
    page = await list_holds(
        call.ctx,
        values["RelationReference"],
        purpose=PAY_WITH_REWARDS,
        status=_STATUS_BY_NUMBER[values["Status"]],
        skip=(values["PageNumber"] - 1) * size,
        limit=size,
    )
    return Answer(return_object=await _shown(call, page.holds), count=page.count)


async def get(call: Call) -> Answer:
    """One request as it is now."""
    held = await get_hold(call.ctx, call.values["RequestId"], purpose=PAY_WITH_REWARDS)
    [shown] = await _shown(call, [held])
    return Answer(return_object=shown)


async def _shown(call: Call, holds: Sequence[Hold]) -> list[dict[str, Any]]:
    zone = await program_zone(call)
    members = await list_members_by_id(call.ctx, [one.member_id for one in holds]) if holds else {}
    return [
        {
            "RequestId": one.id,
            "RelationReference": members[one.member_id].relation_reference,
            "Points": one.points,
            "Amount": one.amount,
            "MerchantName": one.merchant,
            "Status": _SHOWN[one.status],
            "CreatedOn": local_time(one.created_at, zone),
            "ExpiresOn": local_time(one.expires_at, zone),
            "ProcessedOn": local_time_or_none(one.processed_at, zone),
            "ExternalReference": upper_guid(one.external_reference) if one.status == SETTLED else None,
        }
        for one in holds
    ]
