"""The token endpoint: the published shape and RFC 6749, for whoever asks."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest

from rest_compat.envelope import Family
from rest_compat.routes import OPERATIONS
from tests.rest.world import CONFIGURATION, Answer, World

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TOKEN = next(row for row in OPERATIONS if row.name == "Token")

families = pytest.mark.parametrize("family", Family)


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()


async def ask(
    world: World, content: Any, headers: Mapping[str, str] | None = None, family: Family = Family.V1
) -> Answer:
    body = urlencode(content).encode() if isinstance(content, dict) else content
    return await world.send("POST", TOKEN.path(family), content=body, headers=FORM | dict(headers or {}))


async def test_the_published_shapes(world: World) -> None:
    plain = await world.call("Token", world.credentials(), token="")
    assert plain.body == {
        "IsSucessful": True,
        "ErrorCode": "000",
        "ExceptionMessage": "Success",
        "ReturnObject": {"token": world.token, "tokenExpiresOn": "2026-02-03T06:46:03Z"},
        "Count": 0,
        "access_token": world.token,
        "token_type": "Bearer",
        "expires_in": plain.body["expires_in"],
    }
    assert 1798 <= plain.body["expires_in"] <= 1800
    wrapped = await world.call("Token", world.credentials(), token="", family=Family.LBMS)
    assert wrapped.body == {"results": {"token": world.token, "tokenExpiresOn": "2026-02-03T06:46:03Z"}}
    for answer in (plain, wrapped):
        assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")


@families
async def test_a_standard_client_is_understood(world: World, family: Family) -> None:
    given = world.credentials()
    header = {"Authorization": basic(given["client_id"], given["client_secret"])}
    grant = {"grant_type": "client_credentials"}
    for content, headers in ((given, {}), (grant, header), (grant | {"client_id": given["client_id"]}, header)):
        answer = await ask(world, content, headers, family)
        assert answer.status == 200
        assert answer.body["access_token"] == world.token
        assert answer.body["token_type"] == "Bearer"
        assert ("results" in answer.body) == (family is Family.LBMS)


@families
@pytest.mark.parametrize("fault", ["client_id", "client_secret"])
async def test_wrong_credentials_are_401_and_do_not_say_which(world: World, family: Family, fault: str) -> None:
    before = await world.contents(without="")
    answer = await ask(world, world.credentials() | {fault: "wrong"}, family=family)
    assert answer.outcome == (401, "401")
    assert answer.envelope["ExceptionMessage"] == "Unauthorized"
    assert answer.body["error"] == "invalid_client"
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert answer.headers["cache-control"] == "no-store"
    assert await world.contents(without="") == before


@pytest.mark.parametrize(
    ("more", "code", "error"),
    [
        ({"grant_type": "password"}, "998", "unsupported_grant_type"),
        ({"grant_type": ""}, "999", "invalid_request"),
        ({"client_secret": ""}, "999", "invalid_client"),
        ({"client_id": "x" * 201}, "998", "invalid_request"),
        ({"scope": "everything"}, "998", "invalid_scope"),
        ({"scope": '["LOGIN","nobody"]'}, "998", "invalid_scope"),
        ({"scope": '["LOGOUT","M-1"]'}, "998", "invalid_scope"),
    ],
)
async def test_what_is_asked_wrongly(world: World, more: dict[str, str], code: str, error: str) -> None:
    before = await world.contents(without="")
    in_form = await ask(world, world.credentials() | more)
    in_json = await world.call("Token", world.credentials() | more, token="")
    for answer in (in_form, in_json):
        assert answer.outcome == (400, code)
        assert answer.body["error"] == error
        assert answer.body["error_description"] == answer.envelope["ExceptionMessage"].replace('"', "'")
    in_lbms = await world.call("Token", world.credentials() | more, token="", family=Family.LBMS)
    assert set(in_lbms.body) == {"results"}
    assert in_lbms.outcome == (400, code)
    assert await world.contents(without="") == before


@pytest.mark.parametrize("credentials", ["", "x", "!!!", base64.b64encode(b"nocolon").decode(), "/w=="])
async def test_broken_basic_credentials_are_999(world: World, credentials: str) -> None:
    answer = await ask(world, {"grant_type": "client_credentials"}, {"Authorization": f"Basic {credentials}"})
    assert answer.outcome == (400, "999")
    assert answer.body["error"] == "invalid_request"


async def test_credentials_given_twice_are_999(world: World) -> None:
    given = world.credentials()
    header = {"Authorization": basic(given["client_id"], given["client_secret"])}
    assert (await ask(world, given, header)).outcome == (400, "999")
    assert (await ask(world, given | {"client_secret": "", "client_id": "another"}, header)).outcome == (400, "999")
    assert (await ask(world, urlencode(given).encode() + b"&client_id=x")).outcome == (400, "999")


@families
async def test_credentials_in_the_address_are_not_read(world: World, family: Family) -> None:
    given = world.credentials()
    answer = await world.send(
        "POST",
        TOKEN.path(family),
        content=b"grant_type=client_credentials",
        query={name: given[name] for name in ("client_id", "client_secret")},
        headers=FORM,
    )
    assert answer.outcome == (400, "999")
    assert answer.body["error"] == "invalid_client"
    assert answer.headers["x-ignored-fields"] == "client_id, client_secret"


@families
async def test_parameters_that_nobody_knows_and_empty_ones_count_as_not_given(world: World, family: Family) -> None:
    answer = await ask(world, world.credentials() | {"scope": "", "audience": "x"}, family=family)
    assert answer.status == 200
    assert answer.headers["x-ignored-fields"] == "audience"


@pytest.mark.parametrize(("margin", "same"), [(30, False), (0, True)])
async def test_a_token_is_renewed_when_less_than_the_margin_is_left(world: World, margin: int, same: bool) -> None:
    now = world.clock[0]
    await world.configure(CONFIGURATION.replace("program: {", f"program: {{token_renewal_margin_s: {margin}, "))
    try:
        first = (await ask(world, world.credentials())).body["access_token"]
        world.clock[0] = now + timedelta(minutes=29, seconds=31)
        assert ((await ask(world, world.credentials())).body["access_token"] == first) is same
        world.clock[0] = now + timedelta(minutes=31)
        assert (await ask(world, world.credentials())).body["access_token"] != first
    finally:
        world.clock[0] = now
        await world.configure(CONFIGURATION.replace("program: {", "program: {token_renewal_margin_s: 30, "))


async def test_a_bearer_header_does_not_disturb(world: World) -> None:
    answer = await world.call("Token", world.credentials(), token="stale")
    assert answer.status == 200


@pytest.mark.parametrize("scope", ['["LOGIN","{}"]', "['LOGIN', '{}']"])
async def test_a_scope_binds_the_token(world: World, scope: str) -> None:
    reference = await world.member()
    answer = await ask(world, world.credentials() | {"scope": scope.replace("{}", reference)})
    profile = await world.call("GetMemberProfile", token=answer.body["access_token"])
    assert profile.value["RelationReference"] == reference
