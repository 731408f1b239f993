"""To whom points went: told to the member who named it, to servers both ways, and to nobody else."""

from typing import Any

from tests.graphql.test_erase_mutation import ERASE
from tests.graphql.test_merge_mutation import MERGE, UNDO
from tests.graphql.test_statement_count import _cost
from tests.graphql.world import Caller, World

SEND = "mutation($i: PointsTransferInput!) {pointsTransfer(input: $i) {counterparty entry {counterparty} replayed}}"
LEDGER = """query($r: String, $first: Int) {member(reference: $r) {ledger(first: $first) {edges {node {
    kind points counterparty}}}}}"""


async def send(caller: Caller, to: str, key: str, points: int = 1) -> Any:
    given = {"toRelationReference": to, "points": points, "idempotencyKey": key}
    return (await caller.ask(SEND, i=given)).data["pointsTransfer"]


async def told(caller: Caller, reference: str | None = None) -> dict[str, str | None]:
    """The counterparty of each transfer by its points."""
    ledger = (await caller.ask(LEDGER, r=reference)).data["member"]["ledger"]
    nodes = [edge["node"] for edge in ledger["edges"]]
    assert all(one["counterparty"] is None for one in nodes if one["kind"] != "TRANSFER")
    return {one["points"]: one["counterparty"] for one in nodes if one["kind"] == "TRANSFER"}


async def test_the_sender_sees_to_whom_points_went_and_the_receiver_not_from_whom(world: World, server: Caller) -> None:
    ann, ben = await world.member(server, 100), await world.member(server)
    app, other = await world.caller(member=ann), await world.caller(member=ben)
    sent = await send(app, ben, "k")
    assert sent == {"counterparty": ben, "entry": {"counterparty": ben}, "replayed": False}
    async with world.nothing_written():
        assert await send(app, ben, "k") == sent | {"replayed": True}
    assert await told(app) == {"-1": ben}
    assert await told(other) == {"1": None}
    assert (await told(server, ann), await told(server, ben)) == ({"-1": ben}, {"1": ann})
    administrator = await world.administrator(program=1)
    assert (await administrator.ask(ERASE, i={"relationReference": ben})).data
    assert await told(app) == await told(server, ann) == {"-1": None}


async def test_a_merge_tells_no_sender_another_reference_than_it_named(world: World, server: Caller) -> None:
    ann, old, new = await world.member(server, 100), await world.member(server, 30), await world.member(server, 40)
    app = await world.caller(member=ann)
    await send(app, old, "before", 1)
    made = (await server.ask(MERGE, i={"victim": old, "survivor": new})).data["memberMerge"]["merge"]["id"]
    # The old reference leads to the survivor, whose own the sender does not know.
    assert (await send(app, old, "after", 2))["entry"] == {"counterparty": None}
    assert await told(app) == {"-1": old, "-2": None}
    assert await told(server, ann) == {"-1": old, "-2": new}
    assert (await server.ask(UNDO, i={"mergeId": made})).data
    assert await told(app) == {"-1": old, "-2": None}
    # Neither of the two named the other.
    for reference in (old, new):
        of_merge = await told(await world.caller(member=reference))
        assert of_merge
        assert set(of_merge.values()) == {None}


async def test_a_page_of_transfers_costs_the_same_at_any_size(world: World, server: Caller) -> None:
    ann = await world.member(server, 100)
    app = await world.caller(member=ann)
    plain = LEDGER.replace("counterparty", "")
    for number in range(5):
        await send(app, await world.member(server), f"k-{number}")
    for caller in (app, server):
        without = {await _cost(caller, plain, r=ann, first=first) for first in (1, 5)}
        costs = {await _cost(caller, LEDGER, r=ann, first=first) for first in (1, 5)}
        assert len(costs) == len(without) == 1
        # The beginning of one more read, and for a member's token who it is.
        assert costs.pop() <= without.pop() + 3
