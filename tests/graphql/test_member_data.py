"""What is stored on a member, over GraphQL: for the member itself, and for administrators who may erase."""

from typing import Any

import pytest
from sqlalchemy import select

from domain.models import audit_entry
from resolvers import member_data
from schema.mutations import member as mutation
from tests.graphql.world import Caller, World

EXPORT = "mutation($i: MemberDataExportInput!) {memberDataExport(input: $i) {document}}"
FORBIDDEN = ("FORBIDDEN", "FORBIDDEN", "403", None)


async def told(caller: Caller, **given: Any) -> dict[str, Any]:
    """The document."""
    document: dict[str, Any] = (await caller.ask(EXPORT, i=given)).data["memberDataExport"]["document"]
    return document


async def noted(world: World) -> list[tuple[str, str]]:
    """Who was told of whom, by the audit trail."""
    query = select(audit_entry.c.actor, audit_entry.c.subject).where(audit_entry.c.action == "member.export")
    return [tuple(row) for row in await world.services.db.read(lambda tx: tx.execute(query).all())]


async def test_an_administrator_is_told_everything_and_a_member_what_concerns_it(world: World, server: Caller) -> None:
    reference = await world.member(server, 100, fullName="Ada", emailId="ada@example.com")
    await world.redeem(server, reference, 10)
    administrator = await world.administrator(program=1)
    whole = await told(administrator, relationReference=reference)
    member = await world.caller(member=reference)
    own = await told(member)
    assert await told(member, relationReference=reference) == own
    for document in (whole, own):
        assert document["format"] == member_data.FORMAT
        assert [one["full_name"] for one in document["members"]] == ["Ada"]
        assert [one["points"] for one in document["postings"]] == [10_000, -1_000]
        assert document["exported_at"] == "2026-02-03T06:16:03.703000+00:00"
    assert {"segments", "audit"} == set(whole) - set(own)
    assert "actor" in whole["postings"][0]
    assert "actor" not in own["postings"][0]
    actors = [actor for actor, _ in await noted(world)]
    assert len(set(actors)) == 2, actors
    assert {subject for _, subject in await noted(world)} == {f"member:{whole['members'][0]['id']}"}


async def test_nobody_else_is_told(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    given = {"relationReference": reference}
    for caller in (
        server,
        await world.caller(member=await world.member(server)),
        await world.administrator("program-manager", program=1),
        await world.administrator("customer-executive", program=1),
    ):
        await world.refused(caller, EXPORT, given, *FORBIDDEN)
    administrator = await world.administrator(program=1)
    for given, *expected in (
        ({}, "BAD_USER_INPUT", "BAD_REQUEST", "999", "relationReference"),
        ({"relationReference": "nobody"}, "NOT_FOUND", "MEMBER_NOT_FOUND", "103", None),
    ):
        await world.refused(administrator, EXPORT, given, *expected)


async def test_more_than_an_answer_holds_is_refused(
    world: World, server: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = await world.member(server, 100)
    administrator = await world.administrator(program=1)
    # The bound itself has more rows than a test wants to write.
    monkeypatch.setattr(mutation, "MOST_ROWS", 4)
    refusal = ("BAD_USER_INPUT", "INVALID_REQUEST", "998", None)
    await world.refused(administrator, EXPORT, {"relationReference": reference}, *refusal)
