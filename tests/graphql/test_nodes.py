"""Many objects at once: what is refused leaves the others alone."""

from dataclasses import replace

import pytest

from schema.app import build_graphql_app
from schema.build import schema
from schema.document import Documents
from tests.graphql.world import Caller, World

NODES = "query($i: [ID!]!) {nodes(ids: $i) {id}}"


@pytest.mark.parametrize("compiled", [True, False])
async def test_a_bad_id_is_null_in_its_place(world: World, server: Caller, compiled: bool) -> None:
    good = [
        (await server.ask("query($r: String!) {member(reference: $r) {id}}", r=await world.member(server))).data[
            "member"
        ]["id"]
        for _ in range(2)
    ]
    documents = Documents(schema, introspection=True, compiled=compiled)
    async with world.client_of(build_graphql_app(introspection=True, documents=documents)) as client:
        answer = await replace(server, client=client).ask(NODES, i=["bad", good[0], "", good[1], "TWVtYmVyOjE6OTk5"])
        assert answer.status == 200
        found: list[dict[str, str] | None] = [None, {"id": good[0]}, None, {"id": good[1]}, None]
        assert answer.body["data"]["nodes"] == found
        assert sorted(one["path"] for one in answer.errors) == [["nodes", 0], ["nodes", 2]]
        told = {(one["extensions"]["v1Code"], one["extensions"]["field"]) for one in answer.errors}
        assert told == {("999", "ids")}


async def test_who_may_ask_for_nothing_is_told_so_once(world: World, server: Caller) -> None:
    for caller, code in ((Caller(world.client), "UNAUTHENTICATED"), (await world.administrator(), None)):
        answer = await caller.ask(NODES, i=["bad", "worse"])
        assert [one["path"] for one in answer.errors] == [["nodes"]]
        assert code in (None, answer.errors[0]["extensions"]["code"])
