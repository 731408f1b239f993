"""Messages to members over GraphQL: previews, tests, and what could not be delivered."""

import pytest

from resolvers.delivery import deliver_messages
from resolvers.outbox import relay_outbox
from tests.graphql.world import Caller, World
from tests.resolvers.mailbox import Mailbox

PREVIEW = """query($t: String, $e: String, $c: MessageChannel, $s: String! = "", $b: String) {
    messageTemplatePreview(template: $t, event: $e, channel: $c, subject: $s, body: $b) {event channel subject body}}"""
SEND = "mutation($i: MessageTestSendInput!) {messageTestSend(input: $i) {delivered outcome}}"
UNDELIVERED = """{undeliveredMessageCount undeliveredMessages {edges {node {
    event channel language relationReference createdAt attempts outcome nextAttemptAt}}}}"""
OTP = 'mutation {otpGenerate(input: {relationReference: "M-1", otpType: LOGIN}) {replayed}}'


@pytest.fixture
async def administrator(world: World) -> Caller:
    """An administrator of the program."""
    return await world.administrator("program-admin", program=1)


async def test_a_template_is_shown_with_samples(world: World, administrator: Caller) -> None:
    given = {"e": "EARNED", "c": "EMAIL", "s": "{points} points", "b": "Dear {name}, {balance} in all"}
    assert (await administrator.ask(PREVIEW, **given)).data == {
        "messageTemplatePreview": {
            "event": "EARNED",
            "channel": "EMAIL",
            "subject": "120 points",
            "body": "Dear Ada Lovelace, 1480 in all",
        }
    }
    async with world.nothing_written():
        assert (await administrator.ask(PREVIEW, e="EARNED", c="EMAIL", b="{code}")).refusal[2] == "1300"
        assert (await administrator.ask(PREVIEW, t="None")).refusal[2:] == ("998", "template")
        assert (await administrator.ask(PREVIEW)).refusal[2:] == ("999", "template")


async def test_what_was_not_delivered_is_seen_by_administrators(
    world: World, administrator: Caller, server: Caller
) -> None:
    member = await world.member(server, emailId="ann@example.com")
    await server.ask(OTP)
    await deliver_messages(world.services, Mailbox(failing=1))
    found = (await administrator.ask(UNDELIVERED)).data
    [edge] = found["undeliveredMessages"]["edges"]
    assert (found["undeliveredMessageCount"], edge["node"]["relationReference"]) == (1, member)
    assert (edge["node"]["event"], edge["node"]["channel"], edge["node"]["attempts"]) == ("OTP.LOGIN", "EMAIL", 1)
    assert edge["node"]["outcome"] == "ConnectionError"
    app, stranger = await world.caller(member=member), await world.administrator("program-admin", program=2)
    await relay_outbox(world.services)
    async with world.nothing_written():
        assert [one["extensions"]["code"] for one in (await app.ask(UNDELIVERED)).errors] == ["FORBIDDEN"] * 2
        assert (await app.ask(PREVIEW, t="X")).refusal[0] == "FORBIDDEN"
        assert (await app.ask(SEND, i={"template": "X", "to": "a@example.com"})).refusal[0] == "FORBIDDEN"
        assert (await stranger.ask(UNDELIVERED)).data["undeliveredMessageCount"] == 0
