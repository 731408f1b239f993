"""The dispatcher itself: headers, surprises, and requests that do not arrive whole."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.types import Message, Scope
from structlog.testing import capture_logs

from rest_compat import app as dispatcher
from rest_compat.app import build_rest_app
from rest_compat.envelope import Family
from rest_compat.operation import MAX_BODY_BYTES
from tests.rest.world import CONFIGURATION, World


def broken(_scope: Scope) -> Any:
    raise RuntimeError("a secret in a traceback")


async def exchange(messages: Sequence[Message], **scope: Any) -> list[Message]:
    """What the edge sends for a request whose body comes in these messages; it may not ask for more."""
    waiting, sent = list(messages), []

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    whole = {"type": "http", "method": "POST", "path": "/v1/RedeemPoints", "query_string": b"", "headers": []}
    await build_rest_app(broken)(whole | scope, receive, send)
    return sent


def chunk(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_surprise_is_997_and_only_the_log_knows_more() -> None:
    with capture_logs() as logs:
        start, body = await exchange([chunk(b"{}", more=False)], headers=[(b"x-request-id", b"abc-1")])
    assert start["status"] == 500
    assert b'"ErrorCode":"997","ExceptionMessage":"Exception occurred"' in body["body"]
    assert b"secret" not in body["body"]
    assert logs[0]["request_id"] == "abc-1"
    assert logs[0]["log_level"] == "error"
    assert logs[0]["exc_info"]


@pytest.mark.parametrize("given", [b"", b"a b", b"x" * 101, b"\xff", b"a\nb"])
async def test_a_request_id_that_is_unfit_for_a_header_is_replaced(given: bytes) -> None:
    start, _ = await exchange([], path="/v1/Nothing", headers=[(b"x-request-id", given)])
    assert re.fullmatch(rb"[0-9a-f]{32}", dict(start["headers"])[b"x-request-id"])


async def test_a_body_may_come_in_pieces() -> None:
    pieces = [chunk(b"["), chunk(b""), chunk(b"1"), chunk(b"]", more=False)]
    with capture_logs():
        start, _ = await exchange(pieces)
    assert start["status"] == 500


async def test_a_body_that_grows_too_large_is_refused_on_the_way() -> None:
    start, body = await exchange([chunk(b"x" * MAX_BODY_BYTES), chunk(b"x")])
    assert start["status"] == 413
    assert b'"413"' in body["body"]


async def test_a_body_that_does_not_arrive_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "BODY_LIMIT_S", 0.05)
    waiting, sent = [chunk(b"{")], []

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/RedeemPoints", "query_string": b"", "headers": []}
    await build_rest_app(broken)(scope, receive, send)
    assert sent[0]["status"] == 400
    assert (b"connection", b"close") in sent[0]["headers"]
    assert b'"ErrorCode":"999"' in sent[1]["body"]
    assert b"body did not arrive in time" in sent[1]["body"]


async def test_a_body_that_is_announced_too_large_is_not_read() -> None:
    start, _ = await exchange([], headers=[(b"content-length", str(MAX_BODY_BYTES + 1).encode())])
    assert start["status"] == 413


async def test_nobody_answers_a_client_that_left() -> None:
    assert await exchange([chunk(b"{"), {"type": "http.disconnect"}]) == []


async def test_there_are_no_sockets_here() -> None:
    assert await exchange([], type="websocket") == [{"type": "websocket.close", "code": 1000}]


async def test_the_path_is_read_below_the_mount() -> None:
    mounted = {"app_root_path": "/api", "root_path": "/api/v1", "path": "/api/v1/RedeemPoints", "method": "GET"}
    start, _ = await exchange([], **mounted)
    assert start["status"] == 405


async def test_services_come_from_the_state_of_the_lifespan() -> None:
    class Runtime:
        services = object()

    assert dispatcher.services_of({"state": {"runtime": Runtime}}) is Runtime.services


async def test_fields_that_nobody_reads_are_named(world: World) -> None:
    reference = await world.member()
    body = {"RelationReference": reference, "memberId": "x", "N\u00e9, w\r\n": 1}
    answer = await world.call("CheckAvailability", body, query={"debug": 1})
    assert answer.status == 200
    assert answer.headers["x-ignored-fields"] == "debug, memberId, N%C3%A9%2C%20w%0D%0A"
    refused = await world.call("CheckAvailability", {"RelationReferenz": reference})
    assert refused.outcome == (400, "999")
    assert refused.headers["x-ignored-fields"] == "RelationReferenz"
    many = await world.call("CheckAvailability", {f"{n}" * 100: n for n in range(1000)})
    assert 500 < len(many.headers["x-ignored-fields"]) <= 1024
    wide = await world.call("CheckAvailability", {chr(0x1F600 + n) * 50: n for n in range(50)})
    assert wide.headers["x-ignored-fields"] == "%F0%9F%98%80" * 50


async def test_unknown_attributes_are_ignored_in_the_lbms_family_only(world: World) -> None:
    reference = await world.member()
    body = world.purchase(reference, unheard_of={"deep": [1]})
    before = await world.contents()
    refused = await world.call("InsertTransactionData", body)
    assert refused.outcome == (400, "106")
    assert "unheard_of" in refused.envelope["ExceptionMessage"]
    assert await world.contents() == before
    taken = await world.call("InsertTransactionData", body, family=Family.LBMS)
    assert taken.outcome == (200, "000")
    assert taken.headers["x-ignored-fields"] == "unheard_of"


async def test_a_program_may_hide_business_failures_from_the_status(world: World) -> None:
    reference = await world.member()
    poor = {"memberId": reference, "points": 5}
    try:
        await world.configure(
            CONFIGURATION.replace("program: {", "program: {lbms_http_200_for_business_errors: true, ")
        )
        hidden = await world.call("RedeemPoints", poor, family=Family.LBMS)
        assert hidden.outcome == (200, "121")
        assert hidden.envelope["IsSucessful"] is False
        assert (await world.call("RedeemPoints", poor)).outcome == (422, "121")
        unknown = {"memberId": "nobody", "points": 5}
        assert (await world.call("RedeemPoints", unknown, family=Family.LBMS)).outcome == (404, "103")
    finally:
        await world.configure(
            CONFIGURATION.replace("program: {", "program: {lbms_http_200_for_business_errors: false, ")
        )
    assert (await world.call("RedeemPoints", poor, family=Family.LBMS)).outcome == (422, "121")


async def test_points_are_exact_on_the_wire(world: World) -> None:
    reference = await world.member()
    for _ in range(3):
        purchase = world.purchase(reference, "0.2")
        assert (await world.call("InsertTransactionData", purchase)).headers["x-points-awarded"] == "0.1"
    raw = await world.client.post(
        "/v1/CheckAvailability",
        json={"RelationReference": reference},
        headers={"Authorization": f"Bearer {world.token}"},
    )
    assert b'"ReturnObject":0.3,' in raw.content
