"""Merging duplicates over GraphQL: what it gives, and each refusal with nothing written."""

from tests.graphql.world import Caller, World

PREVIEW = "query($v: String!, $s: String!) {memberMergePreview(victim: $v, survivor: $s) {points lots refused}}"

MERGE = """mutation($i: MemberMergeInput!) {memberMerge(input: $i) {replayed merge {id points undoneAt}
    survivor {relationReference balance {available}}}}"""

UNDO = """mutation($i: MemberMergeUndoInput!) {memberMergeUndo(input: $i) {merge {points undoneAt}}}"""

OF = "query($r: String!) {member(reference: $r) {relationReference balance {available}}}"


async def test_two_members_become_one_and_apart_again(world: World, server: Caller) -> None:
    old, new = await world.member(server, 100), await world.member(server, 10)
    preview = (await server.ask(PREVIEW, v=old, s=new)).data["memberMergePreview"]
    assert preview == {"points": "100", "lots": 1, "refused": None}
    payload = (await server.ask(MERGE, i={"victim": old, "survivor": new, "idempotencyKey": "K"})).data["memberMerge"]
    assert payload["survivor"] == {"relationReference": new, "balance": {"available": "110"}}
    again = (await server.ask(MERGE, i={"victim": old, "survivor": new, "idempotencyKey": "K"})).data["memberMerge"]
    assert (again["replayed"], again["merge"]) == (True, payload["merge"])
    assert (await server.ask(OF, r=old)).data["member"]["relationReference"] == new
    undone = (await server.ask(UNDO, i={"mergeId": payload["merge"]["id"]})).data["memberMergeUndo"]["merge"]
    assert undone["undoneAt"] is not None
    assert (await server.ask(OF, r=old)).data["member"] == {"relationReference": old, "balance": {"available": "100"}}


async def test_a_merge_is_refused(world: World, server: Caller) -> None:
    old, new = await world.member(server, 100), await world.member(server)
    bad = "BAD_USER_INPUT"
    for victim, survivor, *expected in (
        ("", new, bad, "BAD_REQUEST", "999", None),
        (old, old, bad, "INVALID_REQUEST", "998", "survivor"),
        (old, "NOBODY", "NOT_FOUND", "MEMBER_NOT_FOUND", "103", None),
    ):
        await world.refused(server, MERGE, {"victim": victim, "survivor": survivor}, *expected)
    app = await world.caller(member=old)
    await world.refused(app, MERGE, {"victim": old, "survivor": new}, "FORBIDDEN", "FORBIDDEN", "403", None)
    theirs = await world.caller(world.theirs)
    given = {"victim": old, "survivor": new}
    await world.refused(theirs, MERGE, given, "NOT_FOUND", "MEMBER_NOT_FOUND", "103", None)
    made = (await server.ask(MERGE, i=given)).data["memberMerge"]["merge"]["id"]
    missing = "NOT_FOUND", "REDEMPTION_NOT_FOUND", "123", None
    await world.refused(theirs, UNDO, {"mergeId": made}, *missing)
    assert (await server.ask(UNDO, i={"mergeId": made})).data
    await world.refused(server, UNDO, {"mergeId": made}, "CONFLICT", "MERGE_REFUSED", "1310", None)


async def test_a_token_of_the_old_reference_sees_the_member_that_answers_for_it(world: World, server: Caller) -> None:
    old, new = await world.member(server, 100), await world.member(server, 10)
    app = await world.caller(member=old)
    assert (await server.ask(MERGE, i={"victim": old, "survivor": new})).data
    answer = await app.ask("{member {relationReference balance {available} ledger(first: 5) {edges {node {points}}}}}")
    assert answer.data["member"]["relationReference"] == new
    assert answer.data["member"]["balance"] == {"available": "110"}
    assert len(answer.data["member"]["ledger"]["edges"]) == 2


async def test_what_is_repeated_after_a_merge_shows_who_answers_by_now(world: World, server: Caller) -> None:
    old, new = await world.member(server, 100), await world.member(server, 10)
    bound = await world.caller(member=old)
    redeem = """mutation($i: PointsRedeemInput!) {pointsRedeem(input: $i) {
        replayed member {relationReference balance {available}}}}"""
    given = {"points": 40, "idempotencyKey": "before"}
    for caller in (server, bound):
        named = given | ({"relationReference": old} if caller is server else {})
        assert (await caller.ask(redeem, i=named)).data["pointsRedeem"]["member"]["relationReference"] == old
    assert (await server.ask(MERGE, i={"victim": old, "survivor": new})).data
    survivor = {"relationReference": new, "balance": {"available": "30"}}
    for caller in (server, bound, await world.caller(member=old)):
        named = given | ({"relationReference": old} if caller is server else {})
        replayed = (await caller.ask(redeem, i=named)).data["pointsRedeem"]
        assert replayed == {"replayed": True, "member": survivor}
