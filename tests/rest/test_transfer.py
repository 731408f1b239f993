"""Points that move from one member to another."""

import re
from typing import Any

from rest_compat.envelope import Family
from tests.rest.test_precedence import refused
from tests.rest.world import World

GUID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")


async def available(world: World, reference: str) -> Any:
    return (await world.call("CheckAvailability", {"RelationReference": reference})).value


async def test_points_move_once_for_a_key_with_their_dates(world: World) -> None:
    sender, receiver = await world.member(points=10), await world.member(points=1)
    body = {"FromRelationReference": sender, "ToRelationReference": receiver, "Points": "2.5", "Narration": "A gift"}
    key = {"Idempotency-Key": f"transfer-{sender}"}
    first = await world.call("TransferPoints", body, headers=key)
    assert first.outcome == (200, "000")
    assert GUID.fullmatch(first.value)
    again = await world.call("TransferPoints", body, headers=key, family=Family.LBMS)
    assert (again.value, again.headers["idempotency-replayed"]) == (first.value, "true")
    assert (await available(world, sender), await available(world, receiver)) == (7.5, 3.5)
    dates = {"DateFrom": "2026-01-01", "DateTo": "2026-12-31", "RelationReference": receiver}
    newest = (await world.call("GetMemberTransactionSummaryByDate", dates)).value[0]
    assert (newest["LoyaltyTxnType"], newest["Points"], newest["TransactionType"]) == (7, 2.5, 1)
    assert newest["Narration"] == "A gift"
    schedule = await world.call("GetExpirySchedule", {"RelationReference": receiver, "Year": 2027})
    assert [(one["ScheduleDate"], one["TotalAvailablePoints"]) for one in schedule.value["ExpiryPeriod"]] == [
        ("2027-03-31T23:59:59.999", 3.5)
    ]


async def test_a_member_sends_from_its_own_account_only(world: World) -> None:
    mine, theirs = await world.member(points=10), await world.member(points=10)
    token = await world.bound_token(mine)
    before = await world.contents()
    stolen = {"FromRelationReference": theirs, "ToRelationReference": mine, "Points": 5}
    assert (await world.call("TransferPoints", stolen, token=token)).outcome == (403, "403")
    assert await world.contents() == before
    given = {"ToRelationReference": theirs, "Points": 5}
    assert (await world.call("TransferPoints", given, token=token)).outcome == (200, "000")
    assert (await available(world, mine), await available(world, theirs)) == (5, 15)


async def test_the_errors_of_a_transfer_in_their_order(world: World) -> None:
    """Each step mends what the one before was refused for, and finds the next fault."""
    sender, receiver = await world.member(points=10), await world.member()
    closed = {status: await world.member(points=10, status=status) for status in (2, 4, 6)}
    used = {"FromRelationReference": sender, "ToRelationReference": receiver, "Points": 1}
    assert (await world.call("TransferPoints", used, headers={"Idempotency-Key": "tp"})).status == 200
    body: dict[str, Any] = {
        "FromRelationReference": "nobody", "ToRelationReference": "", "Points": 0, "Narration": "\t", "ProgramId": 0,
    }  # fmt: skip

    async def code(*, key: str = "", **mended: Any) -> str:
        body.update(mended)
        return await refused(world, "TransferPoints", body, key=key)

    assert await code(key="tp") == "999"
    assert await code(key="tp", ToRelationReference="nobody") == "403"
    assert await code(key="tp", ProgramId=world.credential.program_id) == "998"
    assert await code(key="tp", Narration="x" * 501) == "998"
    assert await code(key="tp", Narration="") == "998"
    assert await code(key="tp", ToRelationReference="nobody else") == "120"
    assert await code(key="tp", Points="0.000001") == "120"
    assert await code(key="tp", Points="10.001") == "409"
    assert await code() == "103"
    assert await code(FromRelationReference=closed[2]) == "103"
    assert await code(ToRelationReference=closed[6]) == "114"
    assert await code(FromRelationReference=closed[4]) == "113"
    assert await code(FromRelationReference=sender) == "115"
    assert await code(ToRelationReference=closed[4]) == "113"
    assert await code(ToRelationReference=receiver) == "998"
    assert await code(Points=10) == "121"
    assert (await world.call("TransferPoints", body | {"Points": 9})).outcome == (200, "000")
