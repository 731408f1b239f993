"""Submitted transactions, and transfers."""

from typing import Any

from domain.errors import (
    AccrualNotAllowed,
    BadRequest,
    DuplicateRecord,
    InsufficientPoints,
    InvalidAttribute,
    InvalidProductCode,
    InvalidRequest,
    MemberCancelled,
    MemberNotFound,
    MembershipBlocked,
    MemberSuspended,
    PointsNotPositive,
    SubRelationAmbiguous,
)
from tests.rest.golden.case import Ask, Case, Setup, after, changed, key_reused, refusal, repeated, success
from tests.rest.world import CONFIGURATION, World


def _purchase(status: int = 1) -> Setup:
    async def setup(world: World) -> Ask:
        return Ask(body=world.purchase(await world.member(status=status), 25, channel="web"))

    return setup


async def _refund(world: World) -> Ask:
    purchase = world.purchase(await world.member(), 25)
    await world.call("InsertTransactionData", purchase)
    return Ask(body={**purchase, "transaction_type": "CR", "amount": 10})


async def _refund_of_what_is_spent(world: World) -> Ask:
    await world.configure(CONFIGURATION.replace("program: {", "program: {refund_policy: refuse, "))
    ask = await _refund(world)
    spent = {"RelationReference": "M-1", "Points": 10, "MerchantName": "Shop", "LoyaltyTxnType": 5}
    await world.call("RedeemPoints", spent)
    return ask


async def _by_a_shared_card(world: World) -> Ask:
    for _ in range(2):
        await world.link(await world.member(), type="CARD", card_number="777")
    return Ask(body=world.purchase("", 25) | {"member_relation_reference": None, "card_number": "777"})


async def _of_who_may_not_earn(world: World) -> Ask:
    ask = await _GOOD(world)
    await world.stop_accrual("M-1")
    return ask


def _transfer(sender: int = 1, receiver: int = 1, **more: Any) -> Setup:
    """Points of a member with 20 for another one, of these statuses."""

    async def setup(world: World) -> Ask:
        giver, taker = await world.member(20, sender), await world.member(0, receiver)
        return Ask(body={"FromRelationReference": giver, "ToRelationReference": taker, "Points": 5, **more})

    return setup


_GOOD, _INSERT = _purchase(), "InsertTransactionData"
_GIFT, _TRANSFER = _transfer(Narration="A present"), "TransferPoints"

CASES: tuple[Case, ...] = (
    success(_INSERT, _GOOD),
    success(_INSERT, _refund, "refund"),
    success(_INSERT, repeated(_GOOD, _INSERT), "replayed"),
    refusal(_INSERT, BadRequest, changed(_GOOD, {"amount": "much"})),
    refusal(_INSERT, InvalidRequest, changed(_GOOD, {"transaction_type": "XX"})),
    key_reused(_GOOD, _INSERT, {"amount": 26}),
    refusal(_INSERT, InvalidAttribute, changed(_GOOD, {"channel": "fax"})),
    refusal(_INSERT, InvalidProductCode, changed(_GOOD, {"product_code": "NONE"})),
    refusal(_INSERT, SubRelationAmbiguous, _by_a_shared_card),
    refusal(_INSERT, MemberNotFound, changed(_GOOD, {"member_relation_reference": "nobody"})),
    refusal(_INSERT, MemberCancelled, _purchase(4)),
    refusal(_INSERT, MemberSuspended, _purchase(2)),
    refusal(_INSERT, MembershipBlocked, _purchase(6)),
    refusal(_INSERT, AccrualNotAllowed, _of_who_may_not_earn),
    refusal(_INSERT, DuplicateRecord, after(_GOOD, _INSERT)),
    refusal(_INSERT, InsufficientPoints, _refund_of_what_is_spent),
    success(_TRANSFER, _GIFT),
    success(_TRANSFER, repeated(_GIFT, _TRANSFER), "replayed"),
    refusal(_TRANSFER, BadRequest, changed(_GIFT, {"ToRelationReference": None})),
    refusal(_TRANSFER, InvalidRequest, changed(_GIFT, {"ToRelationReference": "M-1"})),
    refusal(_TRANSFER, InvalidRequest, changed(_GIFT, {"Points": "5.001"}), "decimals"),
    refusal(_TRANSFER, PointsNotPositive, changed(_GIFT, {"Points": 0})),
    key_reused(_GIFT, _TRANSFER, {"Points": 6}),
    refusal(_TRANSFER, MemberNotFound, changed(_GIFT, {"ToRelationReference": "nobody"})),
    refusal(_TRANSFER, MemberSuspended, _transfer(sender=2)),
    refusal(_TRANSFER, MemberCancelled, _transfer(sender=4)),
    refusal(_TRANSFER, MemberCancelled, _transfer(receiver=4), "receiver"),
    refusal(_TRANSFER, MembershipBlocked, _transfer(receiver=6)),
    refusal(_TRANSFER, InsufficientPoints, changed(_GIFT, {"Points": "20.01"})),
)
