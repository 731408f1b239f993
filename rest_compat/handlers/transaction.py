"""Handlers of the transactions group."""

from datetime import datetime, time

from domain.points import plain_text
from resolvers.transaction import SubmitTransaction, submit_transaction
from rest_compat.call import REPLAYED, ignores_unknown
from rest_compat.envelope import Answer
from rest_compat.operation import Call


async def insert(call: Call) -> Answer:
    """True once the rules have run and the ledger is written; the points are in a header."""
    values = call.values
    given = values["transaction_date"]
    outcome = await submit_transaction(
        call.ctx,
        SubmitTransaction(
            transaction_id=values["transaction_id"],
            transaction_type=values["transaction_type"],
            amount=values["amount"],
            transaction_date=given if isinstance(given, datetime) else datetime.combine(given, time.min),
            member_relation_reference=values["member_relation_reference"],
            card_number=values["card_number"],
            sub_relation_identifier=values["sub_relation_identifier"],
            product_code=values["product_code"],
            sub_product_code=values["sub_product_code"],
            attributes=call.extra,
            ignore_unknown=await ignores_unknown(call),
            idempotency_key=call.key,
        ),
    )
    call.request.ignored += outcome.ignored_keys
    awarded = (b"x-points-awarded", plain_text(outcome.points).encode())
    return Answer(return_object=True, headers=(awarded, *(REPLAYED if outcome.replayed else ())))
