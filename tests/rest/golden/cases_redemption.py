"""Check, redeem, reverse."""

from typing import Any

from domain.errors import (
    AlreadyReversed,
    BadRequest,
    BelowMinimum,
    HeldForReview,
    InsufficientPoints,
    InvalidRequest,
    LoginBlocked,
    MemberCancelled,
    MemberNotActive,
    MemberNotFound,
    MembershipBlocked,
    MemberSuspended,
    MerchantMissing,
    PointsNotPositive,
    RedemptionNotFound,
    ReferenceOfAnother,
    TesseraError,
)
from tests.rest.golden.case import Ask, Case, Setup, after, changed, key_reused, of_member, refusal, repeated, success
from tests.rest.world import World

_ORDER = {"Points": "4.50", "Amount": 12.5, "MerchantName": "Shop", "LoyaltyTxnType": 5}
_BY_STATUS: dict[int, type[TesseraError]] = {
    4: MemberCancelled,
    6: MembershipBlocked,
    2: MemberSuspended,
    3: LoginBlocked,
    5: MemberNotActive,
}


async def _reversal(world: World) -> Ask:
    order = {"RelationReference": await world.member(points=20), **_ORDER}
    redeemed = await world.call("RedeemPoints", order)
    return Ask(body={"RelationReference": "M-1", "MerchantName": "shop ", "ExternalReference": redeemed.value})


async def _reversal_by_another(world: World) -> Ask:
    ask = await _reversal(world)
    return Ask(body=ask.body | {"RelationReference": await world.member()})


async def _available_to_the_member(world: World) -> Ask:
    return Ask(body={}, token=await world.bound_token(await world.member(points=20)))


async def _over_the_threshold(world: World) -> Ask:
    await world.configure("version: 1\nfraud: {redemption: {max_points: 4}}")
    return await _redeem()(world)


def _redeem(**more: Any) -> Setup:
    return changed(of_member(_ORDER, points=20), more)


_CHECK, _REDEEM, _REVERSE = "CheckAvailability", "RedeemPoints", "ReversalPoints"
_UNKNOWN = "9E107D9D-372B-4A81-8C6B-3542A419D6E1"

CASES: tuple[Case, ...] = (
    success(_CHECK, of_member(points=20)),
    success(_CHECK, _available_to_the_member, "own"),
    refusal(_CHECK, BadRequest, changed(of_member(), {"RelationReference": None})),
    refusal(_CHECK, InvalidRequest, of_member({"TransactionCurrency": "EUR"})),
    refusal(_CHECK, MemberNotFound, changed(of_member(), {"RelationReference": "nobody"})),
    refusal(_CHECK, MemberNotActive, of_member(status=5)),
    success(_REDEEM, _redeem()),
    success(_REDEEM, of_member({"points": 4, "amount": 4}, named="memberId", points=20), "short-form"),
    success(_REDEEM, _redeem(ExternalReference="9e107d9d-372b-4a81-8c6b-3542a419d6e1"), "own-reference"),
    success(_REDEEM, repeated(_redeem(), _REDEEM), "replayed"),
    refusal(_REDEEM, BadRequest, _redeem(Points=None)),
    refusal(_REDEEM, MerchantMissing, _redeem(MerchantName=None)),
    refusal(_REDEEM, PointsNotPositive, _redeem(Points="0.000009")),
    key_reused(_redeem(), _REDEEM, {"Points": 5}),
    refusal(_REDEEM, MemberNotFound, _redeem(RelationReference="nobody")),
    *(refusal(_REDEEM, error, of_member(_ORDER, points=20, status=status)) for status, error in _BY_STATUS.items()),
    refusal(_REDEEM, InvalidRequest, _redeem(LoyaltyTxnType=77)),
    refusal(_REDEEM, InvalidRequest, _redeem(Points="4.501"), "decimals"),
    refusal(_REDEEM, BelowMinimum, _redeem(Points="0.5")),
    refusal(_REDEEM, InsufficientPoints, _redeem(Points="20.01")),
    refusal(_REDEEM, HeldForReview, _over_the_threshold),
    success(_REVERSE, _reversal),
    success(_REVERSE, repeated(_reversal, _REVERSE), "replayed"),
    refusal(_REVERSE, BadRequest, changed(_reversal, {"ExternalReference": None})),
    refusal(_REVERSE, MerchantMissing, changed(_reversal, {"MerchantName": None})),
    refusal(_REVERSE, InvalidRequest, changed(_reversal, {"ExternalReference": "R-1"})),
    key_reused(_reversal, _REVERSE, {"ExternalReference": _UNKNOWN}),
    refusal(_REVERSE, MemberNotFound, changed(_reversal, {"RelationReference": "nobody"})),
    refusal(_REVERSE, RedemptionNotFound, changed(_reversal, {"ExternalReference": _UNKNOWN})),
    refusal(_REVERSE, ReferenceOfAnother, changed(_reversal, {"MerchantName": "Elsewhere"})),
    refusal(_REVERSE, ReferenceOfAnother, _reversal_by_another, "another-member"),
    refusal(_REVERSE, AlreadyReversed, after(_reversal, _REVERSE)),
)
