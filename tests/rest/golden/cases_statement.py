"""Statements."""

from collections.abc import Iterator, Mapping
from typing import Any

from domain.errors import BadRequest, InvalidRequest, MemberNotFound, NoTransactions
from tests.rest.golden.case import Ask, Case, Setup, changed, refusal, success
from tests.rest.world import World

_DATES = {"DateFrom": "2026-01-01", "DateTo": "2026-12-31"}


def _history(more: Mapping[str, Any]) -> Setup:
    """A question about a member who earned, got a bonus, redeemed twice, and got one of them back."""

    async def setup(world: World) -> Ask:
        reference = await world.member()
        await world.call("InsertTransactionData", world.purchase(reference, 25, channel="web"))
        order = {"RelationReference": reference, "MerchantName": "Shop", "LoyaltyTxnType": 5}
        await world.call("RedeemPoints", {**order, "Points": 2.5})
        redeemed = await world.call("RedeemPoints", {**order, "Points": 10})
        await world.call("ReversalPoints", {**order, "ExternalReference": redeemed.value})
        return Ask(body={"RelationReference": reference, **more})

    return setup


_BY_DATE = "GetMemberTransactionSummaryByDate"
_QUESTIONS: Mapping[str, Mapping[str, Any]] = {
    "GetMemberStatementSummary": {},
    _BY_DATE: {**_DATES, "MinimumRange": 0, "MaximumRange": 10},
    "GetMemberCategorizedStatement": _DATES,
    "GetExpirySchedule": {"Year": 2027},
}


def _cases() -> Iterator[Case]:
    for operation, more in _QUESTIONS.items():
        asked = _history(more)
        yield success(operation, asked)
        yield refusal(operation, BadRequest, changed(asked, {"RelationReference": None}))
        yield refusal(operation, InvalidRequest, changed(asked, {"RelationType": 5}))
        yield refusal(operation, MemberNotFound, changed(asked, {"RelationReference": "nobody"}))


CASES: tuple[Case, ...] = (
    *_cases(),
    success(_BY_DATE, changed(_history(_QUESTIONS[_BY_DATE]), {"LoyaltyTxnType": 5}), "of-one-type"),
    success(_BY_DATE, _history({"DateFrom": "2025-01-01", "DateTo": "2025-12-31"}), "nothing"),
    refusal(_BY_DATE, NoTransactions, changed(_history(_DATES), {"AdditionalLoyaltyTxnTypes": "1,8"})),
)
