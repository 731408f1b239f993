"""Batch files and the outcome of their lines."""

from base64 import b64decode

from domain.errors import BatchRefused
from resolvers.batch_refusal import refuse_file
from tests.graphql.world import Caller, World


async def test_a_batch_with_its_lines(world: World, server: Caller) -> None:
    batch = await world.batch()
    query = """{batches {edges {node {id batchId type fileName sha256 status code message rowsRead accepted rejected
        amount amountRefunds points
        startedAt finishedAt totals {awarded taken rejected {code count}}
        rows {edges {node {line status code message points externalReference}}}}}}}"""
    (edge,) = (await server.ask(query)).data["batches"]["edges"]
    node = edge["node"]
    rows = [one["node"] for one in node.pop("rows")["edges"]]
    assert node == {
        "id": batch,
        "batchId": int(b64decode(batch).split(b":")[-1]),
        "type": "CPD",
        "fileName": "CPD_1.csv",
        "sha256": "0" * 64,
        "status": "FINISHED",
        "code": None,
        "message": None,
        "rowsRead": 3,
        "accepted": 2,
        "rejected": 1,
        "amount": "0",
        "amountRefunds": "0",
        "points": "0",
        "startedAt": "2026-02-03T11:46:03.703000+05:30",
        "finishedAt": "2026-02-03T11:46:03.703000+05:30",
        "totals": {"awarded": "0", "taken": "0", "rejected": [{"code": "1201", "count": 1}]},
    }
    assert [(one["line"], one["status"], one["code"]) for one in rows] == [
        (2, "ACCEPTED", "000"),
        (3, "ACCEPTED", "000"),
        (4, "REJECTED", "1201"),
    ]


async def test_the_lines_of_a_batch_come_in_pages(world: World, server: Caller) -> None:
    batch = await world.batch()
    found = await server.ask(
        "query($i: ID!) {batch(id: $i) {rows(first: 2) {edges {cursor} pageInfo {hasNextPage}}}}", i=batch
    )
    page = found.data["batch"]["rows"]
    assert page["pageInfo"] == {"hasNextPage": True}
    rest = await server.ask(
        "query($i: ID!, $a: String!) {batch(id: $i) {rows(after: $a) {edges {node {line}} pageInfo {hasNextPage}}}}",
        i=batch,
        a=page["edges"][-1]["cursor"],
    )
    assert rest.data["batch"]["rows"] == {
        "edges": [{"node": {"line": 4}}],
        "pageInfo": {"hasNextPage": False},
    }
    assert (await server.ask('{batch(id: "QmF0Y2g6MTo5OQ") {id}}')).data == {"batch": None}


async def test_a_file_is_found_by_its_number_and_a_refused_one_says_why(world: World, server: Caller) -> None:
    ctx, name = world.context(1), world.unique("F")
    refused = await refuse_file(ctx, f"{name}.csv", "", BatchRefused("its name does not end in a type"))
    query = """query($f: BatchFilter) {batches(filter: $f) {edges {node {batchId fileName type sha256 status
        code message pending rows {edges {node {line}}}}}}}"""
    for given in ({"batchId": refused.id}, {"batchId": refused.id, "status": "REFUSED"}):
        [edge] = (await server.ask(query, f=given)).data["batches"]["edges"]
        assert edge["node"] == {
            "batchId": refused.id,
            "fileName": f"{name}.csv",
            "type": "",
            "sha256": "",
            "status": "REFUSED",
            "code": "1301",
            "message": "File refused (its name does not end in a type)",
            "pending": 0,
            "rows": {"edges": []},
        }
    for given in ({"batchId": refused.id, "status": "HELD"}, {"batchId": refused.id + 99}, {"batchId": -1}):
        assert (await server.ask(query, f=given)).data["batches"]["edges"] == []
    theirs = await world.caller(world.theirs)
    assert (await theirs.ask(query, f={"batchId": refused.id})).data["batches"]["edges"] == []
