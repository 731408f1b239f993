"""Mutations of members: what they give, and each refusal with nothing written."""

from typing import Any

from tests.graphql.world import Caller, World

ENROLL = """mutation($i: MemberEnrollInput!) {memberEnroll(input: $i) {replayed ignoredKeys member {
    id relationReference status fullName emailId mobileNumber gender dob address preferredLanguage
    accrualAllowed enrolledAt activatedAt attributes {key value} balance {available}}}}"""

UPDATE = """mutation($i: MemberUpdateInput!) {memberUpdate(input: $i) {replayed ignoredKeys
    member {id fullName emailId dob attribute(key: "shirt_size") {value}}}}"""

STATUS = """mutation($i: MemberStatusChangeInput!) {memberStatusChange(input: $i) {replayed member {status}}}"""

MISSING = "no-such-member"


REFUSED: tuple[tuple[dict[str, Any], tuple[str, str, str, str | None]], ...] = (
    ({"relationReference": ""}, ("BAD_USER_INPUT", "BAD_REQUEST", "999", "relationReference")),
    ({"relationReference": "C-1"}, ("CONFLICT", "DUPLICATE_RECORD", "1201", None)),
    ({"emailId": "ADA@example.com"}, ("CONFLICT", "DUPLICATE_EMAIL", "1205", "emailId")),
    ({"mobileNumber": "+44123"}, ("CONFLICT", "DUPLICATE_MOBILE", "1206", "mobileNumber")),
    (
        {"attributes": [{"key": "card_id", "value": "C-77"}]},
        ("CONFLICT", "DUPLICATE_ATTRIBUTE", "1207", "card_id"),
    ),
    (
        {"attributes": [{"key": "shirt_size", "value": "large"}]},
        ("BAD_USER_INPUT", "INVALID_ATTRIBUTE", "106", "shirt_size"),
    ),
    (
        {"attributes": [{"key": "nobody", "value": 1}]},
        ("BAD_USER_INPUT", "INVALID_ATTRIBUTE", "106", "nobody"),
    ),
    ({"relationReference": "C-1\u200b"}, ("BAD_USER_INPUT", "INVALID_ATTRIBUTE", "106", "relationReference")),
    ({"relationReference": " C-1"}, ("BAD_USER_INPUT", "INVALID_ATTRIBUTE", "106", "relationReference")),
    ({"fullName": "\u202eAda"}, ("BAD_USER_INPUT", "INVALID_ATTRIBUTE", "106", "fullName")),
    ({"emailId": "notmail"}, ("BAD_USER_INPUT", "INVALID_ATTRIBUTE", "106", "emailId")),
    ({"mobileNumber": "123"}, ("BAD_USER_INPUT", "INVALID_ATTRIBUTE", "106", "mobileNumber")),
    ({"dob": "2090-01-01"}, ("BAD_USER_INPUT", "INVALID_ATTRIBUTE", "106", "dob")),
    ({"gender": "X"}, ("BAD_USER_INPUT", "INVALID_ATTRIBUTE", "106", "gender")),
    ({"preferredLanguage": "<b>en</b>"}, ("BAD_USER_INPUT", "INVALID_ATTRIBUTE", "106", "preferredLanguage")),
    ({"fullName": "Ada\0"}, ("BAD_USER_INPUT", "BAD_REQUEST", "999", "fullName")),
    (
        {"attributes": [{"key": "card_id", "value": "\0"}]},
        ("BAD_USER_INPUT", "BAD_REQUEST", "999", "attributes[0].value"),
    ),
    (
        {"attributes": [{"key": "shirt_size", "value": 1}, {"key": "shirt_size", "value": 2}]},
        ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "attributes"),
    ),
    (
        {"attributes": [{"key": "status", "value": 1}]},
        ("BAD_USER_INPUT", "BAD_REQUEST", "999", "status"),
    ),
    ({"idempotencyKey": "k" * 101}, ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "idempotencyKey")),
    ({"idempotencyKey": "käse"}, ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "idempotencyKey")),
    ({"dob": "1985-02-30"}, ("BAD_USER_INPUT", "BAD_REQUEST", "999", "dob")),
    ({"status": "UNKNOWN"}, ("BAD_USER_INPUT", "BAD_REQUEST", "999", "status")),
    ({"tier": "GOLD"}, ("BAD_USER_INPUT", "BAD_REQUEST", "999", "tier")),
)
"""What is wrong with a member, and what is said about it."""


async def test_enrolling_stores_fixed_fields_and_typed_attributes(world: World, server: Caller) -> None:
    given = {
        "relationReference": "C-1",
        "status": "ACTIVE",
        "fullName": "Ada Lovelace",
        "emailId": "ada@example.com",
        "mobileNumber": "+441234567890",
        "gender": "F",
        "dob": "1985-12-10",
        "address": "12 St James's Square",
        "preferredLanguage": "en",
        "attributes": [
            {"key": "shirt_size", "value": 42},
            {"key": "height", "value": 1.75},
            {"key": "card_id", "value": "C-77"},
        ],
    }
    payload = (await server.ask(ENROLL, i=given)).data["memberEnroll"]
    assert payload["replayed"] is False
    assert payload["ignoredKeys"] == []
    member = payload["member"]
    assert member.pop("id")
    assert member == {
        **{key: value for key, value in given.items() if key != "attributes"},
        "accrualAllowed": True,
        "enrolledAt": "2026-02-03T11:46:03.703000+05:30",
        "activatedAt": "2026-02-03T11:46:03.703000+05:30",
        "attributes": [
            {"key": "card_id", "value": "C-77"},
            {"key": "height", "value": "1.75"},
            {"key": "shirt_size", "value": 42},
        ],
        "balance": {"available": "0"},
    }


async def test_enrolling_with_a_key_twice_enrolls_once(world: World, server: Caller) -> None:
    given = {"relationReference": "C-1", "idempotencyKey": "enrol-1"}
    first = (await server.ask(ENROLL, i=given)).data["memberEnroll"]
    async with world.nothing_written():
        second = (await server.ask(ENROLL, i=given)).data["memberEnroll"]
        assert second == {**first, "replayed": True}
    await world.refused(server, ENROLL, given | {"fullName": "Another"}, "CONFLICT", "KEY_REUSED", "409", None)


async def test_enrolling_is_refused(world: World, server: Caller) -> None:
    first = {
        "relationReference": "C-1",
        "emailId": "ada@example.com",
        "mobileNumber": "+44123",
        "attributes": [{"key": "card_id", "value": "C-77"}],
    }
    assert (await server.ask(ENROLL, i=first)).data
    for change, expected in REFUSED:
        await world.refused(server, ENROLL, {"relationReference": "C-2"} | change, *expected)


async def test_unknown_attributes_are_left_out_if_the_caller_says_so(world: World, server: Caller) -> None:
    given = {"relationReference": "C-1", "ignoreUnknown": True, "attributes": [{"key": "nobody", "value": 1}]}
    payload = (await server.ask(ENROLL, i=given)).data["memberEnroll"]
    assert payload["ignoredKeys"] == ["nobody"]
    assert payload["member"]["attributes"] == []


async def test_updating_changes_what_is_given_and_nothing_else(world: World, server: Caller) -> None:
    reference = await world.member(server, fullName="Ada", emailId="ada@example.com")
    changes = {"fullName": "Ada L.", "dob": "1985-12-10", "attributes": [{"key": "shirt_size", "value": 40}]}
    by_reference = (await server.ask(UPDATE, i={"relationReference": reference} | changes)).data["memberUpdate"]
    member = by_reference["member"]
    assert member == {
        "id": member["id"],
        "fullName": "Ada L.",
        "emailId": "ada@example.com",
        "dob": "1985-12-10",
        "attribute": {"value": 40},
    }
    by_id = (await server.ask(UPDATE, i={"memberId": member["id"], "fullName": "A."})).data["memberUpdate"]
    assert by_id["member"] == member | {"fullName": "A."}


async def test_the_empty_text_clears_and_null_does_not(world: World, server: Caller) -> None:
    reference = await world.member(
        server, fullName="Ada", emailId="ada@example.com", attributes=[{"key": "shirt_size", "value": 40}]
    )
    dated = {"relationReference": reference, "dob": "1985-12-10"}
    assert (await server.ask(UPDATE, i=dated)).data
    nothing = {"relationReference": reference, "fullName": " Ada L. ", "emailId": None, "dob": None}
    kept = (await server.ask(UPDATE, i=nothing)).data["memberUpdate"]["member"]
    assert (kept["fullName"], kept["emailId"], kept["dob"]) == ("Ada L.", "ada@example.com", "1985-12-10")
    app = await world.caller(member=reference)
    blank = {"fullName": "  ", "dob": ""}
    assert (await app.ask(UPDATE, i=blank)).data["memberUpdate"]["member"] == kept | dict.fromkeys(blank)
    address = {"relationReference": reference, "emailId": ""}
    assert (await server.ask(UPDATE, i=address)).data["memberUpdate"]["member"]["emailId"] is None
    custom = {"relationReference": reference, "attributes": [{"key": "shirt_size", "value": ""}]}
    assert (await server.ask(UPDATE, i=custom)).data["memberUpdate"]["member"]["attribute"] is None


async def test_updating_is_refused(world: World, server: Caller) -> None:
    reference = await world.member(server, emailId="ada@example.com")
    other = await world.member(server, emailId="bob@example.com")
    closed = await world.member(server)
    assert (await server.ask(STATUS, i={"relationReference": closed, "status": "CANCELLED"})).data
    bad, gone = "BAD_USER_INPUT", "NOT_FOUND"
    name = {"fullName": "X"}
    await world.refused(server, UPDATE, {"relationReference": reference}, bad, "BAD_REQUEST", "999", None)
    await world.refused(server, UPDATE, name, bad, "BAD_REQUEST", "999", "relationReference")
    await world.refused(server, UPDATE, name | {"memberId": "x"}, bad, "BAD_REQUEST", "999", "memberId")
    await world.refused(server, UPDATE, name | {"relationReference": MISSING}, gone, "MEMBER_NOT_FOUND", "103", None)
    await world.refused(
        server,
        UPDATE,
        name | {"relationReference": closed},
        bad,
        "CANCELLED_MEMBER_UPDATE",
        "1204",
        None,
    )
    await world.refused(
        server,
        UPDATE,
        {"relationReference": other, "emailId": "ada@example.com"},
        "CONFLICT",
        "DUPLICATE_EMAIL",
        "1205",
        "emailId",
    )
    await world.refused(
        server,
        UPDATE,
        {"relationReference": other, "attributes": [{"key": "height", "value": "tall"}]},
        bad,
        "INVALID_ATTRIBUTE",
        "106",
        "height",
    )


async def test_a_status_is_changed_and_decides_at_once(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    payload = (await server.ask(STATUS, i={"relationReference": reference, "status": "SUSPENDED"})).data
    assert payload["memberStatusChange"] == {"replayed": False, "member": {"status": "SUSPENDED"}}
    async with world.nothing_written():
        answer = await world.redeem(server, reference, 10)
        assert answer.refusal == ("BAD_USER_INPUT", "MEMBER_SUSPENDED", "114", None)
    await world.refused(
        server,
        STATUS,
        {"relationReference": MISSING, "status": "ACTIVE"},
        "NOT_FOUND",
        "MEMBER_NOT_FOUND",
        "103",
        None,
    )
