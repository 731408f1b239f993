"""Attribute definitions that files propose: listed, put in force, turned down, and lines that wait."""

from typing import Any

import pytest

from resolvers.attribute_proposal import ProposeAttribute
from resolvers.batch import finish_batch, open_batch
from resolvers.batch_line import BatchLine
from resolvers.batch_post import Share, post_rows
from tests.graphql.world import Caller, World

LIST = """query($f: Int, $a: String) {attributeProposals(first: $f, after: $a) {
    edges {node {proposalId entity key definition changes source proposedAt}} pageInfo {hasNextPage endCursor}}}"""
APPLY = """mutation($i: AttributeProposalApplyInput!) {attributeProposalApply(input: $i) {changed configuration {version
    attributeDefinitions(entity: MEMBER) {key}}}}"""
DISMISS = "mutation($i: AttributeProposalDismissInput!) {attributeProposalDismiss(input: $i) {dismissed}}"
GONE = ("NOT_FOUND", "REDEMPTION_NOT_FOUND", "123", "proposalIds")


async def propose(world: World, *keys: str) -> None:
    """Send a file that proposes member attributes with these keys."""
    ctx = world.context(1)
    batch = await open_batch(ctx, file_type="ATT", file_name=f"{keys[0]}_ATT.csv", sha256=keys[0])
    lines = [
        BatchLine(
            line=number,
            command=ProposeAttribute(
                cells={"entity": "member", "key": key, "name": key, "data_type": "int"},
                source=f"file:{keys[0]}_ATT.csv:{number}",
            ),
        )
        for number, key in enumerate(keys, start=2)
    ]
    await post_rows(ctx, batch.id, Share(lines=lines))
    await finish_batch(ctx, batch.id)


async def listed(caller: Caller, **page: Any) -> list[dict[str, Any]]:
    found = (await caller.ask(LIST, **page)).data["attributeProposals"]
    return [edge["node"] for edge in found["edges"]]


async def test_proposals_are_listed_put_in_force_and_turned_down(world: World, server: Caller) -> None:
    await propose(world, "hat", "shoe", "shirt_size")
    hat, shoe, shirt = await listed(server, f=10)
    assert (hat["entity"], hat["key"], hat["changes"], hat["source"]) == ("MEMBER", "hat", False, "file:hat_ATT.csv:2")
    assert hat["definition"] == {"key": "hat", "name": "hat", "type": "int"}
    # The same type under another name.
    assert (shirt["key"], shirt["changes"]) == ("shirt_size", True)
    assert [one["key"] for one in await listed(server, f=1)] == ["hat"]
    applied = (await server.ask(APPLY, i={"proposalIds": [hat["proposalId"]], "expectedVersion": 2})).data
    keys = [one["key"] for one in applied["attributeProposalApply"]["configuration"]["attributeDefinitions"]]
    assert "hat" in keys
    assert "shoe" not in keys
    done = await server.ask(DISMISS, i={"proposalIds": [shoe["proposalId"], shirt["proposalId"]]})
    assert done.data == {"attributeProposalDismiss": {"dismissed": 2}}
    assert await listed(server, f=10) == []
    for document in (APPLY, DISMISS):
        await world.refused(server, document, {"proposalIds": [hat["proposalId"]]}, *GONE)


@pytest.mark.parametrize("document", [APPLY, DISMISS])
async def test_what_is_no_proposal_of_the_program_decides_nothing(world: World, server: Caller, document: str) -> None:
    await propose(world, "hat")
    [hat] = await listed(server, f=10)
    stranger = await world.caller(world.theirs)
    await world.refused(stranger, document, {"proposalIds": [hat["proposalId"]]}, *GONE)
    await world.refused(server, document, {"proposalIds": []}, *GONE)
    bad = ("BAD_USER_INPUT", "BAD_REQUEST", "999", "proposalIds")
    await world.refused(server, document, {"proposalIds": ["nonsense"]}, *bad)
    app = await world.caller(member=await world.member(server))
    for caller in (app, await world.administrator("customer-executive", program=1)):
        await world.refused(
            caller, document, {"proposalIds": [hat["proposalId"]]}, "FORBIDDEN", "FORBIDDEN", "403", None
        )
    assert await listed(server, f=10) == [hat]
    assert (await app.ask(LIST)).refusal == ("FORBIDDEN", "FORBIDDEN", "403", None)
