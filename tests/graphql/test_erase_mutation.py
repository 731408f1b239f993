"""Erasing a member over GraphQL: a step for administrators."""

from tests.graphql.world import Caller, World

ERASE = """mutation($i: MemberEraseInput!) {memberErase(input: $i) {replayed erasedAt
    member {relationReference status erasedAt fullName balance {available}}}}"""


async def test_an_administrator_erases_a_member_once(world: World, server: Caller) -> None:
    reference = await world.member(server, 100, fullName="Ada", emailId="ada@example.com")
    administrator = await world.administrator(program=1)
    payload = (await administrator.ask(ERASE, i={"relationReference": reference})).data["memberErase"]
    left = payload["member"]["relationReference"]
    assert left.startswith("ERASED-")
    assert payload == {
        "replayed": False,
        "erasedAt": "2026-02-03T11:46:03.703000+05:30",
        "member": {
            "relationReference": left,
            "status": "CANCELLED",
            "erasedAt": "2026-02-03T11:46:03.703000+05:30",
            "fullName": None,
            "balance": {"available": "100"},
        },
    }
    async with world.nothing_written():
        again = (await administrator.ask(ERASE, i={"relationReference": reference})).data["memberErase"]
        assert again == {**payload, "replayed": True}
    gone = await server.ask("query($r: String!) {member(reference: $r) {id}}", r=reference)
    assert gone.refusal == ("NOT_FOUND", "MEMBER_NOT_FOUND", "103", None)


async def test_nobody_else_erases(world: World, server: Caller) -> None:
    reference = await world.member(server)
    given = {"relationReference": reference}
    for caller in (
        server,
        await world.caller(member=reference),
        await world.administrator("program-manager", program=1),
        await world.administrator("customer-executive", program=1),
    ):
        await world.refused(caller, ERASE, given, "FORBIDDEN", "FORBIDDEN", "403", None)
    administrator = await world.administrator(program=1)
    for given, *expected in (
        ({"relationReference": ""}, "BAD_USER_INPUT", "BAD_REQUEST", "999", "relationReference"),
        ({"relationReference": "nobody"}, "NOT_FOUND", "MEMBER_NOT_FOUND", "103", None),
    ):
        await world.refused(administrator, ERASE, given, *expected)
