"""Objects by their global ids."""

from schema.global_id import pack
from tests.graphql.world import Caller, World


async def test_an_id_that_names_nothing_for_the_caller_is_null_and_no_error(world: World, server: Caller) -> None:
    reference = await world.member(server, 10)
    own = (await server.ask("query($r: String) {member(reference: $r) {id}}", r=reference)).data["member"]["id"]
    nothing = ["Batch:1:999", "HeldTransaction:1:1", "PointsRequest:1:1", "Redemption:1:x", "Member:1:01", "Lot:2:1"]
    for caller in (server, await world.caller(member=reference)):
        ids = [pack(one) for one in nothing]
        answer = await caller.ask("query($i: [ID!]!) {nodes(ids: $i) {id}}", i=[own, *ids])
        assert answer.data["nodes"] == [{"id": own}, *[None] * len(ids)]
        for one in ids:
            assert (await caller.ask("query($i: ID!) {node(id: $i) {id}}", i=one)).data == {"node": None}
        spelled = await caller.ask("query($i: [ID!]!) {nodes(ids: $i) {id}}", i=[pack("Member:01:1"), own])
        assert spelled.body["data"]["nodes"] == [None, {"id": own}]
        assert spelled.errors[0]["path"] == ["nodes", 0]
