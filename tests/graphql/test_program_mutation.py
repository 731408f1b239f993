"""Mutations of programs: what they give, and each refusal with nothing written."""

from tests.graphql.world import Caller, World

CREATE = """mutation($i: ProgramCreateInput!) {programCreate(input: $i) {credential {
    programId environment clientId clientSecret publishableKey}}}"""

RESET = """mutation($i: CredentialResetInput!) {credentialReset(input: $i) {
    credential {programId clientId clientSecret}}}"""

GO_LIVE = """mutation($i: ProgramGoLiveInput!) {programGoLive(input: $i) {credential {programId environment}}}"""

APPLY = """mutation($i: ConfigurationApplyInput!) {configurationApply(input: $i) {changed configuration {
    version document}}}"""


async def test_an_administrator_creates_a_program(world: World, server: Caller) -> None:
    administrator = await world.administrator()
    issued = (await administrator.ask(CREATE, i={"name": "Third"})).data["programCreate"]["credential"]
    assert issued["programId"] == 3
    assert issued["environment"] == "SANDBOX"
    assert issued["clientSecret"]
    manager = await world.administrator("program-manager")
    for caller in (server, manager, await world.caller(member=await world.member(server))):
        await world.refused(caller, CREATE, {"name": "Fourth"}, "FORBIDDEN", "FORBIDDEN", "403", None)
    for name in ("", "x" * 101):
        await world.refused(administrator, CREATE, {"name": name}, "BAD_USER_INPUT", "INVALID_REQUEST", "998", "name")


async def test_going_live_is_refused(world: World, server: Caller) -> None:
    administrator = await world.administrator(program=1)
    for caller, program, *expected in (
        (administrator, 2, "NOT_FOUND", "PROGRAM_NOT_FOUND", "1303", None),
        # A sandbox deployment has no live environments.
        (administrator, 1, "BAD_USER_INPUT", "INVALID_REQUEST", "998", None),
        (server, 1, "FORBIDDEN", "FORBIDDEN", "403", None),
        (await world.administrator("program-manager", program=1), 1, "FORBIDDEN", "FORBIDDEN", "403", None),
    ):
        await world.refused(caller, GO_LIVE, {"programId": program}, *expected)


async def test_a_reset_kills_every_earlier_token_at_once(world: World, server: Caller) -> None:
    administrator = await world.administrator(program=1)
    issued = (await administrator.ask(RESET, i={"programId": 1})).data["credentialReset"]["credential"]
    assert issued["clientId"] != world.ours.client_id
    answer = await server.ask("{program {name}}")
    assert answer.refusal == ("UNAUTHENTICATED", "UNAUTHORIZED", "401", None)
    theirs = await world.caller(world.theirs)
    assert (await theirs.ask("{program {name}}")).data == {"program": {"name": "Theirs"}}
    tracked = (await administrator.ask("{credentials {clientId generation createdBy revokedAt}}")).data["credentials"]
    assert [(one["clientId"], one["generation"], one["revokedAt"] is None) for one in tracked] == [
        (issued["clientId"], 2, True),
        (world.ours.client_id, 1, False),
    ]


async def test_a_reset_is_refused(world: World, server: Caller) -> None:
    administrator = await world.administrator(program=1)
    await world.refused(administrator, RESET, {"programId": 2}, "NOT_FOUND", "PROGRAM_NOT_FOUND", "1303", None)
    for caller in (server, await world.administrator("program-manager", program=1)):
        await world.refused(caller, RESET, {"programId": 1}, "FORBIDDEN", "FORBIDDEN", "403", None)
    nowhere = await world.administrator()
    await world.refused(nowhere, RESET, {"programId": 1}, "NOT_FOUND", "PROGRAM_NOT_FOUND", "1303", None)


async def test_a_configuration_is_applied_whole_or_not_at_all(world: World, server: Caller) -> None:
    document = "version: 1\nprogram: {redemption_minimum: 7}\n"
    payload = (await server.ask(APPLY, i={"document": document})).data["configurationApply"]
    assert payload["changed"] is True
    assert payload["configuration"]["version"] == 3
    assert payload["configuration"]["document"]["program"]["redemption_minimum"] == 7
    assert len(payload["configuration"]["document"]["rule_groups"]) == 2
    async with world.nothing_written():
        again = (await server.ask(APPLY, i={"document": document})).data["configurationApply"]
        assert (again["changed"], again["configuration"]["version"]) == (False, 3)
    pruned = (await server.ask(APPLY, i={"document": document, "prune": True})).data["configurationApply"]
    assert pruned["configuration"]["document"]["rule_groups"] == []
    for broken in ("version: 1\nprogram: {redemption_minimum: -1}", "rule_groups: [", "[]"):
        await world.refused(
            server, APPLY, {"document": broken}, "BAD_USER_INPUT", "CONFIGURATION_REFUSED", "1300", None
        )
    app = await world.caller(member=await world.member(server))
    await world.refused(app, APPLY, {"document": document}, "FORBIDDEN", "FORBIDDEN", "403", None)
