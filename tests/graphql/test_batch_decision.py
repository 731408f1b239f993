"""Held files over GraphQL: how far they are, released, discarded."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import select

from domain.errors import InvalidRow
from domain.models import audit_entry
from resolvers.batch import open_batch
from resolvers.batch_decision import check_batch, note_findings
from resolvers.batch_line import BatchLine
from resolvers.batch_post import Share, post_rows
from resolvers.reject_limit import BatchHeld
from schema.global_id import BATCH, encode
from tests.graphql.world import Caller, World

FIELDS = "status rowsRead rowsTotal pending progress rowsPerSecond queuePosition accepted rejected"
BATCH_QUERY = f"query($b: ID!) {{batch(id: $b) {{{FIELDS}}}}}"
RELEASE = f"mutation($b: ID!) {{batchRelease(input: {{batchId: $b}}) {{batch {{{FIELDS} releasedAt}}}}}}"
DISCARD = f"mutation($b: ID!) {{batchDiscard(input: {{batchId: $b}}) {{batch {{{FIELDS} finishedAt}}}}}}"
LINES = "query($b: ID!) {batch(id: $b) {totals {rejected {code count}} rows {edges {node {line code}}}}}"
CONFIGURE = "mutation($d: String!) {configurationApply(input: {document: $d}) {changed}}"
LIMIT = "version: 1\nfiles: {reject_limit_percent: 10}"


@pytest_asyncio.fixture
async def administrator(world: World, server: Caller) -> AsyncIterator[Caller]:
    """An administrator of a program that holds files with more than a tenth of bad lines."""
    await server.ask(CONFIGURE, d=LIMIT)
    yield await world.administrator(program=1)
    await server.ask(CONFIGURE, d="version: 1\nfiles: {}")


async def held_file(world: World) -> str:
    """The id of a file of which too many lines cannot be read."""
    ctx, name = world.context(1), world.unique("F")
    batch = await open_batch(ctx, file_type="TXN", file_name=f"{name}_TXN.csv", sha256=name, rows_total=10)
    assert (await check_batch(ctx, batch.id, rows=9, unreadable=4)).status == "HELD"
    bad = [BatchLine(line=line, command=InvalidRow("broken")) for line in (3, 4, 6, 7)]
    for _ in range(2):
        await note_findings(ctx, batch.id, bad)
    return encode(BATCH, 1, batch.id)


async def test_a_held_file_is_released(world: World, administrator: Caller) -> None:
    batch = await held_file(world)
    found = (await administrator.ask(BATCH_QUERY, b=batch)).data["batch"]
    assert found == {
        "status": "HELD",
        "rowsRead": 4,
        "rowsTotal": 9,
        "pending": 5,
        "progress": 4 / 9,
        "rowsPerSecond": None,
        "queuePosition": None,
        "accepted": 0,
        "rejected": 4,
    }
    lines = (await administrator.ask(LINES, b=batch)).data["batch"]
    assert lines["totals"]["rejected"] == [{"code": "1302", "count": 4}]
    assert [one["node"]["line"] for one in lines["rows"]["edges"]] == [3, 4, 6, 7]
    released = (await administrator.ask(RELEASE, b=batch)).data["batchRelease"]["batch"]
    assert released.pop("releasedAt") is not None
    # Its lines are read anew.
    anew = {"rowsRead": 0, "pending": 9, "progress": 0.0, "rejected": 0}
    assert released == found | anew | {"status": "WAITING", "queuePosition": released["queuePosition"]}
    assert released["queuePosition"] >= 1
    async with world.nothing_written():
        for document in (RELEASE, DISCARD):
            assert (await administrator.ask(document, b=batch)).refusal[2] == "127"


async def test_a_held_file_is_discarded(world: World, administrator: Caller) -> None:
    batch = await held_file(world)
    discarded = (await administrator.ask(DISCARD, b=batch)).data["batchDiscard"]["batch"]
    assert (discarded["status"], discarded["pending"]) == ("DISCARDED", 0)
    assert discarded["finishedAt"] is not None
    async with world.nothing_written():
        assert (await administrator.ask(RELEASE, b=batch)).refusal[2] == "127"


async def test_a_decision_is_in_the_audit_trail(world: World, administrator: Caller) -> None:
    batch = await held_file(world)
    await administrator.ask(RELEASE, b=batch)
    statement = select(audit_entry).order_by(audit_entry.c.at.desc(), audit_entry.c.seq.desc()).limit(1)
    found = await world.context(1).read(lambda tx: tx.execute(statement.where(audit_entry.c.program_id == 1)).one())
    assert (found.action, found.before, found.after) == ("batch.release", {"status": "HELD"}, {"status": "WAITING"})


@pytest.mark.parametrize("document", [RELEASE, DISCARD])
async def test_only_an_administrator_of_the_program_decides(
    world: World, server: Caller, administrator: Caller, document: str
) -> None:
    batch = await held_file(world)
    app = await world.caller(member=await world.member(server))
    theirs = await world.caller(world.theirs)
    async with world.nothing_written():
        for caller in (server, app):
            assert (await caller.ask(document, b=batch)).refusal[0] == "FORBIDDEN"
        assert (await theirs.ask(document, b=batch)).refusal[2] in {"123", "403"}
        assert (await administrator.ask(document, b="QmF0Y2g6MTo5OQ")).refusal[2] == "123"
        assert (await administrator.ask(document, b="nonsense")).refusal[2] == "999"


async def test_how_far_a_file_is_that_was_held_under_way(world: World, administrator: Caller) -> None:
    ctx, name = world.context(1), world.unique("F")
    batch = await open_batch(ctx, file_type="TXN", file_name=f"{name}_TXN.csv", sha256=name, rows_total=10)
    lines = [BatchLine(line=number, command=InvalidRow("broken")) for number in (2, 3)]
    await post_rows(ctx, batch.id, Share(lines=lines))
    with pytest.raises(BatchHeld):
        await post_rows(ctx, batch.id, Share(lines=[BatchLine(line=4, command=InvalidRow("broken"))]))
    found = (await administrator.ask(BATCH_QUERY, b=encode(BATCH, 1, batch.id))).data["batch"]
    assert (found["status"], found["rowsRead"], found["rejected"], found["progress"]) == ("HELD", 2, 2, 0.2)
