"""Batch files and the outcome of their lines."""

from tests.graphql.world import Caller, World


async def test_a_batch_with_its_lines(world: World, server: Caller) -> None:
    batch = await world.batch()
    query = """{batches {edges {node {id type fileName sha256 status rowsRead accepted rejected amount points
        startedAt finishedAt totals {awarded taken rejected {code count}}
        rows {edges {node {line status code message points externalReference}}}}}}}"""
    (edge,) = (await server.ask(query)).data["batches"]["edges"]
    node = edge["node"]
    rows = [one["node"] for one in node.pop("rows")["edges"]]
    assert node == {
        "id": batch,
        "type": "CPD",
        "fileName": "CPD_1.csv",
        "sha256": "0" * 64,
        "status": "FINISHED",
        "rowsRead": 3,
        "accepted": 2,
        "rejected": 1,
        "amount": "0",
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
