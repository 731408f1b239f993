"""Files that the platform writes: asked for, listed, looked up."""

from pathlib import Path
from typing import Any

from ingestion.outbound.writing import work_exports
from tests.graphql.world import Caller, World

REQUEST = """mutation($i: ExportRequestInput!) {exportRequest(input: $i) {export {
    id kind destination status sinceLast personalData rows fileName}}}"""
LIST = """query($f: Int, $a: String, $w: ExportFilter) {exports(first: $f, after: $a, filter: $w) {
    edges {node {id kind status fromSeq toSeq rows leftOut sha256 fileName actor finishedAt}}
    pageInfo {hasNextPage endCursor}}}"""
ONE = "query($id: ID!) {export(id: $id) {id kind status fileName} node(id: $id) {id}}"


async def ask(caller: Caller, kind: str, **given: Any) -> Any:
    """Ask for a file."""
    return (await caller.ask(REQUEST, i={"kind": kind, **given})).data["exportRequest"]["export"]


async def listed(caller: Caller, **page: Any) -> list[dict[str, Any]]:
    """The exports of a page."""
    found = (await caller.ask(LIST, **page)).data["exports"]
    return [edge["node"] for edge in found["edges"]]


async def test_a_file_is_asked_for_listed_and_looked_up(world: World, server: Caller, tmp_path: Path) -> None:
    await world.member(server)
    asked = await ask(server, "SUB_RELATIONS", sinceLast=True, gzip=True)
    assert {key: asked[key] for key in ("kind", "destination", "status", "sinceLast", "personalData", "fileName")} == {
        "kind": "SUB_RELATIONS", "destination": "DOWNLOAD", "status": "REQUESTED", "sinceLast": True,
        "personalData": False, "fileName": None,
    }  # fmt: skip
    await ask(server, "MEMBERS", withPersonalData=True)
    while await work_exports(world.services, tmp_path):
        pass
    members, links = await listed(server)
    assert (members["kind"], members["status"], members["rows"], members["fromSeq"]) == ("MEMBERS", "FINISHED", 1, "0")
    assert members["fileName"].endswith("_CPD.csv")
    assert links["fileName"].endswith("_CRD.csv.gz")
    assert len(links["sha256"]) == 64
    assert await listed(server, w={"kind": "MEMBERS"}) == [members]
    assert await listed(server, w={"status": "FAILED"}) == []
    [first] = await listed(server, f=1)
    assert first == members
    found = (await server.ask(ONE, id=links["id"])).data
    assert found["node"] == {"id": links["id"]}
    assert found["export"]["fileName"] == links["fileName"]


async def test_exports_of_others_are_unknown_and_members_and_readers_ask_for_none(world: World, server: Caller) -> None:
    asked = await ask(server, "MEMBERS")
    stranger = await world.caller(world.theirs)
    assert (await stranger.ask(ONE, id=asked["id"])).data == {"export": None, "node": None}
    assert await listed(stranger) == []
    member = await world.caller(member=await world.member(server))
    executive = await world.administrator("customer-executive", program=1)
    forbidden = ("FORBIDDEN", "FORBIDDEN", "403", None)
    for caller in (member, executive):
        await world.refused(caller, REQUEST, {"kind": "MEMBERS"}, *forbidden)
    assert (await member.ask(LIST)).refusal == forbidden
    assert [one["id"] for one in await listed(executive)] == [asked["id"]]
    bad = ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "sinceLast")
    await world.refused(server, REQUEST, {"kind": "ATTRIBUTES", "sinceLast": True}, *bad)
