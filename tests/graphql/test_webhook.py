"""Webhook endpoints over GraphQL."""

from typing import Any

import pytest

from resolvers.outbox import relay_outbox
from tests.graphql.world import Caller, World

FIELDS = """name url description eventTypes enabled disabledBecause oldSecretUntil position behind deadLetters isDown
    nextAttemptAt succeededAt failedAt outcome createdBy"""
SAVE = f"mutation($i: WebhookSaveInput!) {{webhookSave(input: $i) {{secret webhook {{{FIELDS} createdAt}}}}}}"
LIST = f"{{webhooks {{{FIELDS}}}}}"
REMOVE = "mutation($n: String!) {webhookRemove(input: {name: $n}) {name}}"
ROTATE = """mutation($n: String!, $h: Int! = 0) {
    webhookSecretRotate(input: {name: $n, overlapHours: $h}) {secret webhook {name oldSecretUntil}}}"""
TEST = "mutation($n: String!) {webhookTest(input: {name: $n}) {delivered outcome tookMs}}"
REPLAY = """mutation($n: String!, $a: ID, $s: DateTime) {
    webhookReplay(input: {name: $n, after: $a, since: $s}) {webhook {position}}}"""
REVIVE = "mutation($n: String!, $s: [ID!]) {webhookDeadLettersReplay(input: {name: $n, sequences: $s}) {count}}"
DEAD = """query($n: String!) {webhookDeadLetters(name: $n) {edges {node {
    sequence messageId type relationReference happenedAt attempts firstTriedAt lastTriedAt outcome}}}}"""
HOOK = {"name": "Hook", "url": "https://hooks.example/tessera"}
ONE_EACH = {
    "rotate": (ROTATE, {"n": "Hook"}),
    "test": (TEST, {"n": "Hook"}),
    "replay": (REPLAY, {"n": "Hook", "a": "0"}),
    "revive": (REVIVE, {"n": "Hook"}),
    "remove": (REMOVE, {"n": "Hook"}),
}


@pytest.fixture
async def administrator(world: World) -> Caller:
    """An administrator of a program that nobody else uses."""
    return await world.administrator("program-admin", program=1)


async def test_an_endpoint_is_kept_changed_rotated_tested_and_forgotten(world: World, administrator: Caller) -> None:
    saved = (await administrator.ask(SAVE, i=HOOK)).data["webhookSave"]
    assert saved["secret"].startswith("whsec_")
    webhook = saved["webhook"]
    assert webhook.pop("createdAt") is not None
    assert webhook.pop("createdBy").startswith("admin:")
    assert int(webhook.pop("position")) > 0
    assert webhook == HOOK | {
        "description": "",
        "eventTypes": None,
        "enabled": True,
        "disabledBecause": None,
        "oldSecretUntil": None,
        "behind": 0,
        "deadLetters": 0,
        "isDown": False,
        "nextAttemptAt": None,
        "succeededAt": None,
        "failedAt": None,
        "outcome": None,
    }
    changes = HOOK | {"eventTypes": ["points.*", "order.placed"], "enabled": False, "description": "Ours"}
    assert (await administrator.ask(SAVE, i=changes)).data["webhookSave"]["secret"] is None
    [found] = (await administrator.ask(LIST)).data["webhooks"]
    assert (found["eventTypes"], found["enabled"]) == (["order.placed", "points.*"], False)
    rotated = (await administrator.ask(ROTATE, n="Hook", h=24)).data["webhookSecretRotate"]
    assert rotated["secret"] not in {None, saved["secret"]}
    assert rotated["webhook"]["oldSecretUntil"] is not None
    done = (await administrator.ask(TEST, n="Hook")).data["webhookTest"]
    assert (done["delivered"], done["outcome"]) == (False, "the name has no address")
    await _replayed_and_forgotten(world, administrator)


async def _replayed_and_forgotten(world: World, administrator: Caller) -> None:
    replayed = (await administrator.ask(REPLAY, n="Hook", a="1")).data["webhookReplay"]
    assert replayed["webhook"]["position"] == "1"
    assert (await administrator.ask(REPLAY, n="Hook", s="2020-01-01T00:00:00Z")).data is not None
    assert (await administrator.ask(DEAD, n="Hook")).data == {"webhookDeadLetters": {"edges": []}}
    assert (await administrator.ask(REVIVE, n="Hook")).data == {"webhookDeadLettersReplay": {"count": 0}}
    assert (await administrator.ask(REMOVE, n="Hook")).data == {"webhookRemove": {"name": "Hook"}}
    assert (await administrator.ask(LIST)).data == {"webhooks": []}
    for document, given in ONE_EACH.values():
        async with world.nothing_written():
            assert (await administrator.ask(document, **given)).refusal[:3] == (
                "NOT_FOUND",
                "WEBHOOK_NOT_FOUND",
                "1370",
            )


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"name": "no name"}, "998", "name"),
        ({"url": "hooks.example"}, "998", "url"),
        ({"url": "https://10.1.2.3/"}, "1371", "url"),
        ({"eventTypes": ["points.lost"]}, "998", "eventTypes"),
        ({"description": "x" * 501}, "998", "description"),
    ],
)
async def test_an_endpoint_that_cannot_be_is_refused(
    world: World, administrator: Caller, changes: dict[str, Any], code: str, field: str
) -> None:
    await relay_outbox(world.services)
    async with world.nothing_written():
        assert (await administrator.ask(SAVE, i=HOOK | changes)).refusal[2:] == (code, field)


async def test_what_cannot_be_replayed_is_refused(world: World, administrator: Caller) -> None:
    await administrator.ask(SAVE, i=HOOK)
    refused: list[tuple[str, dict[str, Any], str, str]] = [
        (ROTATE, {"h": 169}, "998", "overlapHours"),
        (REPLAY, {"a": "next"}, "999", "after"),
        (REPLAY, {"a": "999999"}, "998", "after"),
        (REPLAY, {}, "998", "after"),
        (REVIVE, {"s": ["none"]}, "999", "sequences"),
        (REVIVE, {"s": ["1"]}, "998", "sequences"),
        (REVIVE, {"s": ["1"] * 501}, "998", "sequences"),
    ]
    async with world.nothing_written():
        for document, given, code, field in refused:
            assert (await administrator.ask(document, n="Hook", **given)).refusal[2:] == (code, field), given
    await administrator.ask(REMOVE, n="Hook")


async def test_only_administrators_may(world: World, server: Caller) -> None:
    manager = await world.administrator("program-manager", program=1)
    executive = await world.administrator("customer-executive", program=1)
    app = await world.caller(member=await world.member(server))
    await relay_outbox(world.services)
    async with world.nothing_written():
        for caller in (server, app, executive, manager):
            assert (await caller.ask(SAVE, i=HOOK)).refusal[0] == "FORBIDDEN"
            for document, given in ONE_EACH.values():
                assert (await caller.ask(document, **given)).refusal[0] == "FORBIDDEN"
        for caller in (server, app, executive):
            assert (await caller.ask(LIST)).refusal[0] == "FORBIDDEN"
            assert (await caller.ask(DEAD, n="Hook")).refusal[0] == "FORBIDDEN"
        assert (await manager.ask(LIST)).data == {"webhooks": []}
        assert (await manager.ask(DEAD, n="Hook")).refusal[2] == "1370"


async def test_another_program_sees_and_changes_none_of_ours(world: World, administrator: Caller) -> None:
    await administrator.ask(SAVE, i=HOOK)
    stranger = await world.administrator("program-admin", program=2)
    async with world.nothing_written():
        assert (await stranger.ask(LIST)).data == {"webhooks": []}
        for document, given in (*ONE_EACH.values(), (DEAD, {"n": "Hook"})):
            assert (await stranger.ask(document, **given)).refusal[2] == "1370"
    await administrator.ask(REMOVE, n="Hook")
