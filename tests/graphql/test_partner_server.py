"""Partners' own SFTP servers over GraphQL."""

from typing import Any

import pytest

from tests.graphql.world import Caller, World
from tests.ingestion.partner_host import new_key

FIELDS = """name host port username hostKey pull {type folder} handbackFolder downloadFolder afterFetch movedFolder
    everyMinutes dailyAt enabled visitedAt failures outcome"""
SAVE = f"mutation($i: PartnerServerSaveInput!) {{partnerServerSave(input: $i) {{server {{{FIELDS} nextVisitAt}}}}}}"
LIST = f"{{partnerServers {{{FIELDS}}}}}"
REMOVE = "mutation($n: String!) {partnerServerRemove(input: {name: $n}) {name}}"
VISIT = "mutation($n: String!) {partnerServerVisit(input: {name: $n}) {server {name nextVisitAt}}}"
PRIVATE, PUBLIC = new_key()


def bank(**terms: Any) -> dict[str, Any]:
    """A server as it is given."""
    return {
        "name": "Bank",
        "host": "sftp.bank.example",
        "username": "tessera",
        "hostKey": PUBLIC,
        "privateKey": PRIVATE,
        "pull": [{"type": "TXN", "folder": "/out"}],
        "handbackFolder": "/in",
        "dailyAt": "02:30",
    } | terms


@pytest.fixture
async def administrator(world: World) -> Caller:
    """An administrator of a program that nobody else uses."""
    return await world.administrator("program-admin", program=1)


async def test_a_server_is_kept_changed_visited_and_forgotten(administrator: Caller) -> None:
    saved = (await administrator.ask(SAVE, i=bank())).data["partnerServerSave"]["server"]
    assert saved.pop("nextVisitAt") is not None
    assert saved == {
        "name": "Bank",
        "host": "sftp.bank.example",
        "port": 22,
        "username": "tessera",
        "hostKey": PUBLIC,
        "pull": [{"type": "TXN", "folder": "/out"}],
        "handbackFolder": "/in",
        "downloadFolder": None,
        "afterFetch": "LEAVE",
        "movedFolder": None,
        "everyMinutes": None,
        "dailyAt": "02:30:00",
        "enabled": True,
        "visitedAt": None,
        "failures": 0,
        "outcome": None,
    }
    changes = bank(privateKey=None, dailyAt=None, everyMinutes=5, enabled=False, afterFetch="MOVE", movedFolder="/done")
    assert (await administrator.ask(SAVE, i=changes)).data is not None
    [found] = (await administrator.ask(LIST)).data["partnerServers"]
    assert (found["everyMinutes"], found["dailyAt"], found["enabled"]) == (5, None, False)
    assert (found["afterFetch"], found["movedFolder"]) == ("MOVE", "/done")
    assert (await administrator.ask(VISIT, n="Bank")).data["partnerServerVisit"]["server"]["name"] == "Bank"
    assert (await administrator.ask(REMOVE, n="Bank")).data == {"partnerServerRemove": {"name": "Bank"}}
    assert (await administrator.ask(LIST)).data == {"partnerServers": []}
    for document in (REMOVE, VISIT):
        assert (await administrator.ask(document, n="Bank")).refusal[2] == "123"


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"privateKey": None}, "password"),
        ({"password": "both"}, "password"),
        ({"privateKey": "nonsense"}, "privateKey"),
        ({"hostKey": "nonsense"}, "hostKey"),
        ({"everyMinutes": 5}, "everyMinutes"),
        ({"pull": [{"type": "ABC", "folder": "/out"}]}, "pull"),
        ({"afterFetch": "MOVE"}, "movedFolder"),
    ],
)
async def test_a_server_that_cannot_be_is_refused(
    world: World, administrator: Caller, terms: dict[str, Any], field: str
) -> None:
    async with world.nothing_written():
        refusal = (await administrator.ask(SAVE, i=bank(**terms))).refusal
    assert refusal[2:] == ("999", field)


async def test_only_who_may_change_credentials_keeps_servers(world: World, server: Caller) -> None:
    manager = await world.administrator("program-manager", program=1)
    async with world.nothing_written():
        for caller in (server, manager):
            assert (await caller.ask(SAVE, i=bank())).refusal[0] == "FORBIDDEN"
            for document in (REMOVE, VISIT):
                assert (await caller.ask(document, n="Bank")).refusal[0] == "FORBIDDEN"
        assert (await server.ask(LIST)).refusal[0] == "FORBIDDEN"
