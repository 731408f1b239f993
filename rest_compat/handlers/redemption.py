"""Handlers of the redemption group: check, redeem, reverse."""

from resolvers.redemption import (
    RedeemPoints,
    ReverseRedemption,
    check_availability,
    redeem_points,
    reverse_redemption,
)
from rest_compat.call import REPLAYED
from rest_compat.envelope import Answer, upper_guid
from rest_compat.operation import Call


async def check(call: Call) -> Answer:
    """The redeemable points."""
    values = call.values
    points = await check_availability(call.ctx, values["RelationReference"], values["TransactionCurrency"])
    return Answer(return_object=points)


async def redeem(call: Call) -> Answer:
    """The external reference of the redemption; the short form takes the program's defaults."""
    values = call.values
    redemption = await redeem_points(
        call.ctx,
        RedeemPoints(
            relation_reference=values["RelationReference"],
            points=values["Points"],
            amount=values["Amount"],
            merchant_name=values["MerchantName"],
            loyalty_txn_type=values["LoyaltyTxnType"],
            use_defaults="RelationReference" in call.aliased,
            currency=values["TransactionCurrency"],
            external_reference=values["ExternalReference"],
            idempotency_key=call.key,
        ),
    )
    return Answer(
        return_object=upper_guid(redemption.external_reference),
        headers=REPLAYED if redemption.replayed else (),
    )


async def reverse(call: Call) -> Answer:
    """True once the redemption is reversed; the short form needs no merchant."""
    values = call.values
    reversal = await reverse_redemption(
        call.ctx,
        ReverseRedemption(
            relation_reference=values["RelationReference"],
            external_reference=values["ExternalReference"],
            merchant_name=values["MerchantName"],
            use_defaults="RelationReference" in call.aliased,
            idempotency_key=call.key,
        ),
    )
    return Answer(return_object=True, headers=REPLAYED if reversal.replayed else ())
