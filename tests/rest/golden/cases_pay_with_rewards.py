"""Pay with rewards."""

from collections.abc import Mapping
from typing import Any

from domain.errors import (
    BadRequest,
    BelowMinimum,
    InsufficientPoints,
    InvalidRequest,
    LoginBlocked,
    MemberCancelled,
    MemberNotActive,
    MemberNotFound,
    MembershipBlocked,
    MemberSuspended,
    MerchantMissing,
    PendingRequestExists,
    PointsNotPositive,
    RedemptionNotFound,
    RequestNotPending,
    TesseraError,
)
from tests.rest.golden.case import (
    UNKNOWN_ID,
    Ask,
    Case,
    Setup,
    after,
    changed,
    key_reused,
    of_member,
    refusal,
    repeated,
    success,
)
from tests.rest.world import World

_ORDER = {"Points": "4.50", "Amount": 12.5, "MerchantName": "Shop", "ValidityPeriodInDays": 7}
_BY_STATUS: dict[int, type[TesseraError]] = {
    4: MemberCancelled,
    6: MembershipBlocked,
    2: MemberSuspended,
    3: LoginBlocked,
    5: MemberNotActive,
}


def _create(**more: Any) -> Setup:
    return changed(of_member(_ORDER, points=20), more)


async def _cancel(world: World) -> Ask:
    return Ask(body={"RequestId": await world.pending(await world.member(points=20))})


async def _settled(world: World) -> int:
    request_id = await world.pending(await world.member(points=20), 4, Amount=4)
    await world.settle(request_id)
    return request_id


async def _get(world: World) -> Ask:
    return Ask(query={"RequestId": await _settled(world)})


async def _held_for_another_purpose(world: World) -> Ask:
    return Ask(query={"RequestId": await world.hold(await world.member(points=20))})


def _list(more: Mapping[str, Any]) -> Setup:
    """The requests of a member of whom one is processed, one cancelled and one pending."""

    async def setup(world: World) -> Ask:
        await _settled(world)
        await world.call("CancelPayWithRewards", {"RequestId": await world.pending("M-1")})
        await world.pending("M-1", 1)
        return Ask(query={"RelationReference": "M-1", **more})

    return setup


_CREATE, _CANCEL, _LIST, _GET = (
    "CreatePayWithRewards",
    "CancelPayWithRewards",
    "ListPayWithRewards",
    "GetPayWithRewards",
)
_ALL = _list({})

CASES: tuple[Case, ...] = (
    success(_CREATE, _create()),
    success(_CREATE, of_member({"points": 4}, named="memberId", points=20), "short-form"),
    success(_CREATE, repeated(_create(), _CREATE), "replayed"),
    refusal(_CREATE, BadRequest, _create(Points=None)),
    refusal(_CREATE, InvalidRequest, _create(ValidityPeriodInDays=91)),
    refusal(_CREATE, InvalidRequest, _create(Points=100_000_000_000), "twelve-digits"),
    refusal(_CREATE, MerchantMissing, _create(MerchantName=None)),
    refusal(_CREATE, PointsNotPositive, _create(Points=0)),
    key_reused(_create(), _CREATE, {"Points": 5}),
    refusal(_CREATE, MemberNotFound, _create(RelationReference="nobody")),
    *(refusal(_CREATE, error, of_member(_ORDER, points=20, status=status)) for status, error in _BY_STATUS.items()),
    refusal(_CREATE, BelowMinimum, _create(Points="0.5")),
    refusal(_CREATE, PendingRequestExists, after(_create(), _CREATE)),
    refusal(_CREATE, InsufficientPoints, _create(Points="20.01")),
    success(_CANCEL, _cancel),
    success(_CANCEL, repeated(_cancel, _CANCEL), "replayed"),
    refusal(_CANCEL, BadRequest, changed(_cancel, {"RequestId": None})),
    refusal(_CANCEL, InvalidRequest, changed(_cancel, {"RequestId": 0})),
    key_reused(_cancel, _CANCEL, {"RequestId": UNKNOWN_ID}),
    refusal(_CANCEL, RedemptionNotFound, changed(_cancel, {"RequestId": UNKNOWN_ID})),
    refusal(_CANCEL, RequestNotPending, after(_cancel, _CANCEL)),
    success(_LIST, _ALL),
    success(_LIST, _list({"Status": 3}), "cancelled"),
    success(_LIST, _list({"RecordsPerPage": 2, "PageNumber": 2}), "second-page"),
    refusal(_LIST, BadRequest, changed(_ALL, query={"RelationReference": None})),
    refusal(_LIST, InvalidRequest, changed(_ALL, query={"Status": 5})),
    refusal(_LIST, MemberNotFound, changed(_ALL, query={"RelationReference": "nobody"})),
    success(_GET, _get),
    refusal(_GET, BadRequest, changed(_get, query={"RequestId": "first"})),
    refusal(_GET, InvalidRequest, changed(_get, query={"RequestId": 0})),
    refusal(_GET, RedemptionNotFound, changed(_get, query={"RequestId": UNKNOWN_ID})),
    refusal(_GET, RedemptionNotFound, _held_for_another_purpose, "another-purpose"),
)
