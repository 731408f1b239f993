"""Rate limits over GraphQL: a request over the limit is refused whole."""

from datetime import timedelta

from tests.graphql.world import CONFIGURATION, Caller, World

LIMIT = "mutation($i: ConfigurationApplyInput!) {configurationApply(input: $i) {changed}}"


async def test_a_request_over_the_limit_runs_nothing(world: World, server: Caller) -> None:
    document = CONFIGURATION.replace("program: {", "program: {rate_limit_per_second: 1, rate_burst: 2, ")
    assert (await server.ask(LIMIT, i={"document": document})).data["configurationApply"]["changed"] is True
    world.clock[0] += timedelta(seconds=1)
    query = "{program {name}}"
    assert [(await server.ask(query)).status for _ in range(3)] == [200, 200, 429]
    async with world.nothing_written():
        answer = await server.ask('mutation {memberEnroll(input: {relationReference: "NEW"}) {replayed}}')
    assert answer.status == 429
    assert "data" not in answer.body
    (error,) = answer.errors
    told = {name: error["extensions"][name] for name in ("code", "reason", "v1Code", "httpStatus")}
    assert told == {"code": "RATE_LIMITED", "reason": "TOO_MANY_REQUESTS", "v1Code": "429", "httpStatus": 429}
    assert answer.headers["retry-after"] == "1"
    assert error["extensions"]["retryAfter"] == 1
    # The document is not even looked at.
    assert (await server.ask("{")).status == 429
    # Who is not known is told so, and what is open to all stays open.
    assert (await Caller(world.client, "stale").ask(query)).refusal == ("UNAUTHENTICATED", "UNAUTHORIZED", "401", None)
    administrator = await world.administrator(program=world.ours.program_id)
    assert (await administrator.ask(query)).status == 200
    world.clock[0] += timedelta(seconds=1)
    assert (await server.ask(query)).status == 200
