"""What a deployment tells of its schema, and what one that keeps it to itself does not."""

import pytest

from schema.app import build_graphql_app
from tests.graphql.world import Caller, World


@pytest.fixture(scope="session")
def dialect() -> str:
    """What is tested here is the same on every database."""
    return "sqlite"


async def test_production_shows_neither_schema_nor_page_nor_suggestions(world: World, server: Caller) -> None:
    async with world.client_of(build_graphql_app(introspection=False)) as client:
        caller = Caller(client, server.token)
        for document in ("{__schema {queryType {name}}}", "{...on Query {s: __schema {types {name}}}}"):
            answer = await caller.ask(document)
            assert answer.errors[0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
            assert "introspection" in answer.errors[0]["message"]
            assert "errors" not in (await server.ask(document)).body
        for document in (
            "{progam {name}}",
            "{program {nam}}",
            "{members(frist: 1) {totalCount}}",
            "{me {...on Membr {id}}}",
        ):
            assert "Did you mean" in (await server.ask(document)).errors[0]["message"]
            assert "Did you mean" not in str((await caller.ask(document)).errors)
        hidden = await caller.ask("query($i: MemberStatusChangeInput!) {__typename}", i={"status": "ACTIV"})
        assert "Did you mean" not in str(hidden.body)
        enum = "mutation($i: MemberStatusChangeInput!) {memberStatusChange(input: $i) {replayed}}"
        assert "Did you mean" in str((await server.ask(enum, i={"status": "ACTIV"})).errors)
        assert "Did you mean" not in str((await caller.ask(enum, i={"status": "ACTIV"})).errors)
        assert (await caller.ask("{__typename program {name}}")).data["program"] == {"name": "Ours"}
        page = await client.get("/graphql", headers={"accept": "text/html"})
        assert page.status_code == 400
        assert (await client.get("/graphql/assets/start.js")).status_code == 404


@pytest.mark.parametrize(
    "document",
    [
        '{t: __type(name: "Member") {name fields {name}}}',
        "query($name: String!) {t: __type(name: $name) {name}}",
        'query($name: String! = "Member") {...F} fragment F on Query {t: __type(name: $name) {name}}',
        '{...on Query {t: __type(name: """Member""") @include(if: true) {name}}}',
        '{t:__type#\n(name: "Member") {kind}}',
    ],
)
async def test_without_introspection_no_type_is_found(world: World, server: Caller, document: str) -> None:
    assert (await server.ask(document, name="Member")).data["t"]
    async with world.client_of(build_graphql_app(introspection=False)) as client:
        for name in ("Member", "sometype"):
            answer = await Caller(client).ask(document, name=name)
            assert answer.data == {"t": None}
