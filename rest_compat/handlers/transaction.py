"""Handlers of the transactions group."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from domain.points import plain_text
from resolvers.queue import Element, poll_queue, submit_queue
from resolvers.transaction import SubmitTransaction, submit_transaction
from rest_compat.answers.transaction import batch_answer, queued_answer
from rest_compat.call import REPLAYED, ignores_unknown
from rest_compat.envelope import Answer
from rest_compat.operation import Call
from rest_compat.requests.shared import BODY_KEY


async def insert(call: Call) -> Answer:
    """True once the rules have run and the ledger is written; the points are in a header."""
    command = _command(call.values, call.extra, call.key, ignore_unknown=await ignores_unknown(call))
    outcome = await submit_transaction(call.ctx, command)
    call.request.ignored += outcome.ignored_keys
    awarded = (b"x-points-awarded", plain_text(outcome.points).encode())
    status = () if outcome.hold is None else ((b"x-transaction-status", outcome.hold.encode()),)
    return Answer(return_object=True, headers=(awarded, *status, *(REPLAYED if outcome.replayed else ())))


async def queue(call: Call) -> Answer:
    """What to poll by, once all is stored; each element may have a fault of its own."""
    ignore_unknown = await ignores_unknown(call)

    def read() -> list[Element]:
        return [
            one.refusal or _command(one.values, one.extra, one.values[BODY_KEY], ignore_unknown=ignore_unknown)
            for one in call.elements
        ]

    # Like the reading, beside the event loop: there may be tens of thousands.
    batch = await submit_queue(call.ctx, await asyncio.to_thread(read))
    return Answer(return_object=await asyncio.to_thread(queued_answer, batch, call.elements))


async def poll(call: Call) -> Answer:
    """How far a batch is, with a row for each of its transactions."""
    batch = await poll_queue(call.ctx, call.values["batch_id"])
    return Answer(return_object=await asyncio.to_thread(batch_answer, batch, call.family))


def _command(
    values: Mapping[str, Any], attributes: Mapping[str, Any], key: str | None, *, ignore_unknown: bool | None
) -> SubmitTransaction:
    given = values["transaction_date"]
    return SubmitTransaction(
        transaction_id=values["transaction_id"],
        transaction_type=values["transaction_type"],
        amount=values["amount"],
        transaction_date=given if isinstance(given, datetime) else datetime.combine(given, time.min),
        member_relation_reference=values["member_relation_reference"],
        card_number=values["card_number"],
        sub_relation_identifier=values["sub_relation_identifier"],
        product_code=values["product_code"],
        sub_product_code=values["sub_product_code"],
        attributes=attributes,
        ignore_unknown=ignore_unknown,
        idempotency_key=key,
    )
