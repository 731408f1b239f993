"""Passwords and one-time codes over REST: the published answers in both families, and nothing that tells who exists."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from domain.access import system_principal
from domain.errors import BY_CODE
from domain.otp import OTP_TYPES
from resolvers.attempt import RESTRICTED
from resolvers.context import Context
from resolvers.delivery import deliver_messages
from resolvers.password import ImportSecret, import_secret
from resolvers.program import list_environment_programs
from rest_compat.envelope import Family
from tests.resolvers.mailbox import PASSWORD, Mailbox, wrong
from tests.rest.world import Answer, World, new_program

CHECK = "CheckMembershipCredentialsByRelationReference"
SUCCESS = {"IsSucessful": True, "ErrorCode": "000", "ExceptionMessage": "Success", "ReturnObject": True, "Count": 0}

families = pytest.mark.parametrize("family", list(Family))


async def person(world: World, status: int = 1, **attributes: Any) -> tuple[str, str]:
    """A member with a password and an e-mail address: both."""
    reference = await world.member(**attributes)
    email = f"{reference.lower()}@example.com"
    await world.change(reference, email_id=email)
    program = (await list_environment_programs(world.services))[0]
    principal = system_principal(program.id, program.public_id, program.environment, "test")
    ctx = Context(services=world.services, principal=principal, source="cli", request_id="test")
    await import_secret(ctx, ImportSecret(relation_reference=reference, secret=PASSWORD))
    if status != 1:
        await world.change(reference, status=status)
    return reference, email


async def code_of(world: World) -> str:
    """The code that was sent last."""
    mailbox = Mailbox()
    await deliver_messages(world.services, mailbox)
    return str(mailbox.messages[-1].details["code"])


async def check(world: World, reference: str, password: str = PASSWORD, family: Family = Family.V1) -> Answer:
    body = {"UniquerefID": reference, "Password": password, "RelationType": 4, "ProgramId": world.credential.program_id}
    return await world.call(CHECK, body, family=family)


def asking(unique: str, otp_type: str = "LOGIN", **more: Any) -> dict[str, Any]:
    """The published request for a code."""
    return {"UniquerefID": unique, "SourceAddress": "", "SourceCode": 1, "OtpType": otp_type, "RelationType": 4} | more


def answering(unique: str, code: Any, otp_type: str = "LOGIN", **more: Any) -> dict[str, Any]:
    """The published request that verifies a code."""
    published = {
        "UniquerefID": unique,
        "OTP": code,
        "DestinationAddress": "",
        "Destination": "Web",
        "OtpType": otp_type,
    }
    return published | {"RelationType": 4} | more


def refusal(code: str, text: str = "") -> Mapping[str, Any]:
    message = BY_CODE[code].message + (f" ({text})" if text else "")
    return {"IsSucessful": False, "ErrorCode": code, "ExceptionMessage": message, "ReturnObject": None, "Count": 0}


@families
async def test_the_right_password_gives_the_member(world: World, family: Family) -> None:
    reference, email = await person(world, full_name="Ada Byron")
    assert (await check(world, reference, "wrong")).outcome == (401, "117")
    answer = await check(world, reference, family=family)
    member = (await world.call("GetMemberProfile", query={"pstrRelationReference": reference})).value
    assert answer.envelope == SUCCESS | {
        "ReturnObject": {
            "Id": member["Id"],
            "FullName": "Ada Byron",
            "Email": email,
            "Status": 1,
            "IsAccountActivated": True,
            "LastLoggedIn": member["LastLoggedIn"],
            "LoginAttempt": 1,
            "ForceChangePassword": False,
        }
    }
    assert member["LastLoggedIn"] is not None


@families
async def test_wrong_passwords_lock_out_and_nobody_is_answered_as_somebody(world: World, family: Family) -> None:
    reference, _ = await person(world)
    for name in (reference, f"NOBODY-{family.value}"):
        answers = [await check(world, name, "wrong", family) for _ in range(5)]
        answers.append(await check(world, name, PASSWORD, family))
        assert [one.envelope for one in answers] == [refusal("117")] * 5 + [refusal("116")]
        assert {one.status for one in answers} == {401}
    profile = await world.call("GetMemberProfile", query={"pstrRelationReference": reference})
    assert profile.value["Status"] == 3
    assert (await world.call("CheckAvailability", {"RelationReference": reference})).outcome == (422, "107")


async def test_after_a_day_every_operation_sees_the_status_from_before_the_lockout(world: World) -> None:
    reference, _ = await person(world)
    for _ in range(5):
        await check(world, reference, "wrong")
    now = world.clock[0]
    world.clock[0] = now + timedelta(hours=24)
    try:
        world.token = await world._token()
        order = {"RelationReference": reference, "Points": 5, "MerchantName": "Shop", "LoyaltyTxnType": 5}
        assert (await world.call("RedeemPoints", order)).outcome == (422, "121")
        assert (await world.call("CheckAvailability", {"RelationReference": reference})).outcome == (200, "000")
        assert (await check(world, reference)).outcome == (200, "000")
    finally:
        world.clock[0] = now
        world.token = await world._token()


@families
@pytest.mark.parametrize(
    ("status", "http", "code", "text"),
    [(2, 422, "114", ""), (3, 401, "116", ""), (4, 422, "113", ""), (6, 422, "115", RESTRICTED)],
)
async def test_the_status_refuses_a_login(
    world: World, family: Family, status: int, http: int, code: str, text: str
) -> None:
    reference, _ = await person(world, status=status)
    answer = await check(world, reference, family=family)
    assert (answer.status, answer.envelope) == (http, refusal(code, text))


async def test_the_errors_of_a_credential_check_in_their_order(world: World) -> None:
    reference, _ = await person(world)
    body: dict[str, Any] = {"UniquerefID": reference, "ProgramId": 0, "RelationType": 5}

    async def code(token: str | None = None, **mended: Any) -> str:
        body.update(mended)
        before = await world.contents()
        answer = await world.call(CHECK, body, token=token)
        assert await world.contents() == before
        return str(answer.envelope["ErrorCode"])

    assert await code() == "999"
    assert await code(Password=PASSWORD) == "403"
    assert await code(await world.bound_token(reference), ProgramId=None) == "403"
    assert await code() == "998"
    assert await code(RelationType=4, Password="x" * 257) == "998"


@families
async def test_a_code_is_sent_and_verified_by_reference_and_by_email(world: World, family: Family) -> None:
    reference, email = await person(world)
    for unique, operation in ((reference, "ByRelationReference"), (email.upper(), "")):
        sent = await world.call(f"GenerateOTP{operation}", asking(unique), family=family)
        assert sent.envelope == SUCCESS
        code = await code_of(world)
        assert code not in str(sent.body)
        assert (await world.call(f"VerifyOTP{operation}", answering(unique, wrong(code)), family=family)).outcome == (
            400,
            "130",
        )
        verified = await world.call(f"VerifyOTP{operation}", answering(unique, int(code)), family=family)
        assert verified.envelope == SUCCESS
        used = await world.call(f"VerifyOTP{operation}", answering(unique, code), family=family)
        assert (used.status, used.envelope) == (400, refusal("130"))


@families
async def test_tries_that_are_used_up_and_codes_asked_for_too_often(world: World, family: Family) -> None:
    reference, email = await person(world)
    await world.call("GenerateOTP", asking(email))
    code = await code_of(world)
    answers = [await world.call("VerifyOTP", answering(email, wrong(code)), family=family) for _ in range(5)]
    answers.append(await world.call("VerifyOTPByRelationReference", answering(reference, code), family=family))
    assert [one.envelope for one in answers] == [refusal("130")] * 5 + [refusal("131")]
    assert {one.status for one in answers} == {400}
    for _ in range(4):
        assert (await world.call("GenerateOTPByRelationReference", asking(reference))).outcome == (200, "000")
    refused = await world.call("GenerateOTP", asking(email), family=family)
    assert (refused.status, refused.envelope) == (429, refusal("132"))
    assert refused.headers["retry-after"] == "3600"


async def test_nobody_is_answered_as_somebody_when_a_code_is_asked_for(world: World) -> None:
    for unique, operation in (("NOBODY", "ByRelationReference"), ("nobody@example.com", "")):
        asked = [await world.call(f"GenerateOTP{operation}", asking(unique)) for _ in range(6)]
        assert [one.envelope for one in asked] == [SUCCESS] * 5 + [refusal("132")]
        guessed = [await world.call(f"VerifyOTP{operation}", answering(unique, "123456")) for _ in range(6)]
        assert [one.envelope for one in guessed] == [refusal("130")] * 5 + [refusal("131")]


async def test_every_published_type_is_taken_exact_in_case(world: World) -> None:
    assert len(set(OTP_TYPES)) == 24
    for number, otp_type in enumerate(OTP_TYPES):
        body = asking(f"TYPE-{number}", otp_type)
        assert (await world.call("GenerateOTPByRelationReference", body)).outcome == (200, "000")
        body["OtpType"] = otp_type.swapcase()
        assert (await world.call("GenerateOTPByRelationReference", body)).outcome == (400, "998")


@pytest.mark.parametrize("operation", ["VerifyOTP", "VerifyOTPByRelationReference"])
async def test_the_errors_of_a_verification_in_their_order(world: World, operation: str) -> None:
    reference, email = await person(world)
    unique = email if operation == "VerifyOTP" else reference
    await world.call("GenerateOTPByRelationReference", asking(reference))
    code = await code_of(world)
    key = {"Idempotency-Key": f"order-{operation}"}
    assert (await world.call(operation, answering(unique, code), headers=key)).outcome == (200, "000")
    await world.call("GenerateOTPByRelationReference", asking(reference))
    fresh = await code_of(world)
    body = answering(unique, None, "login", ProgramId=0, Destination="Fax")

    async def told(**mended: Any) -> str:
        body.update(mended)
        return str((await world.call(operation, body, headers=key)).envelope["ErrorCode"])

    before = await world.contents()
    assert await told() == "999"
    assert await told(OTP=wrong(code)) == "403"
    assert await told(ProgramId=world.credential.program_id) == "998"
    assert await told(OtpType="LOGIN") == "998"
    assert await world.contents() == before
    # From here on it is a guess.
    assert await told(Destination="Mobile") == "409"
    key.clear()
    body["OTP"] = wrong(fresh)
    assert [await told() for _ in range(6)] == ["130"] * 5 + ["131"]
    assert await told(OTP=fresh) == "131"


@pytest.mark.parametrize("suffix", ["", "ByRelationReference"])
async def test_a_repeat_with_its_key_gives_the_first_answer(world: World, suffix: str) -> None:
    reference, email = await person(world)
    unique = reference if suffix else email
    sent = [
        await world.call(f"GenerateOTP{suffix}", asking(unique, _xoxo_api_client_idempotency=f"s-{suffix}"))
        for _ in range(2)
    ]
    body = answering(unique, await code_of(world))
    verified = [
        await world.call(f"VerifyOTP{suffix}", body, headers={"Idempotency-Key": f"v-{suffix}"}) for _ in range(2)
    ]
    for first, again in (sent, verified):
        assert first.body == again.body == SUCCESS
        assert [one.headers.get("idempotency-replayed") for one in (first, again)] == [None, "true"]


async def test_a_bound_token_asks_for_its_own_member_only(world: World) -> None:
    reference, email = await person(world)
    other, other_email = await person(world)
    token = await world.bound_token(reference)
    sent = await world.call("GenerateOTPByRelationReference", {"OtpType": "LOGIN"}, token=token)
    assert sent.outcome == (200, "000")
    verified = await world.call("VerifyOTP", answering(email, await code_of(world)), token=token)
    assert verified.outcome == (200, "000")
    before = await world.contents()
    for unique, suffix in ((other, "ByRelationReference"), (other_email, ""), ("nobody@example.com", "")):
        for body, name in ((asking(unique), "GenerateOTP"), (answering(unique, "123456"), "VerifyOTP")):
            assert (await world.call(f"{name}{suffix}", body, token=token)).outcome == (403, "403")
    assert await world.contents() == before


async def test_another_program_learns_nothing_and_changes_nothing(world: World) -> None:
    """It is answered as if there were no such member, and what it does counts for nobody here."""
    reference, email = await person(world)
    await world.call("GenerateOTP", asking(email))
    code = await code_of(world)
    other = await new_program(world.services, "Other")
    credentials = {"client_id": other.client_id, "client_secret": other.client_secret}
    answer = await world.call("Token", world.credentials() | credentials, token="")
    token = answer.body["access_token"]
    for _ in range(6):
        assert (await world.call(CHECK, {"UniquerefID": reference, "Password": PASSWORD}, token=token)).status == 401
        for unique, operation in ((email, "VerifyOTP"), (reference, "VerifyOTPByRelationReference")):
            assert (await world.call(operation, answering(unique, code), token=token)).outcome == (400, "130")
    assert (await world.call("GenerateOTP", asking(email), token=token)).outcome == (200, "000")
    assert await deliver_messages(world.services, Mailbox()) == 0
    assert (await check(world, reference)).outcome == (200, "000")
    assert (await world.call("VerifyOTP", answering(email, code))).outcome == (200, "000")


async def test_an_inactive_member_is_activated_by_a_code(world: World) -> None:
    reference, _ = await person(world, status=5)
    await world.call("GenerateOTPByRelationReference", asking(reference, "ACTIVATION"))
    body = answering(reference, await code_of(world), "ACTIVATION")
    assert (await world.call("VerifyOTPByRelationReference", body)).outcome == (200, "000")
    profile = await world.call("GetMemberProfile", query={"pstrRelationReference": reference})
    assert profile.value["Status"] == 1
