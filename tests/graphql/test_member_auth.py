"""One-time codes and passwords over GraphQL: for servers, members and administrators."""

from typing import Any

import pytest

from domain.otp import OTP_TYPES
from domain.password import Scheme
from resolvers.delivery import deliver_messages
from schema.mutations.member_auth import OtpType, SecretScheme
from tests.graphql.world import Caller, World
from tests.resolvers.mailbox import PASSWORD, Mailbox, tried, wrong

GENERATE = "mutation($i: OtpGenerateInput!) {otpGenerate(input: $i) {done replayed}}"
VERIFY = "mutation($i: OtpVerifyInput!) {otpVerify(input: $i) {done replayed}}"
SET = "mutation($i: PasswordSetInput!) {passwordSet(input: $i) {changedAt replayed member {relationReference}}}"
IMPORT = "mutation($i: MemberSecretImportInput!) {memberSecretImport(input: $i) {replayed member {relationReference}}}"
NEW = "another horse battery"
DONE, AGAIN = {"done": True, "replayed": False}, {"done": True, "replayed": True}


@pytest.fixture
async def ann(server: Caller, world: World) -> str:
    """A member with an e-mail address and a password."""
    reference = await world.member(server, emailId="ann@example.com")
    given = {"relationReference": reference, "secret": PASSWORD, "idempotencyKey": "import"}
    for replayed in (False, True):
        imported = (await server.ask(IMPORT, i=given)).data["memberSecretImport"]
        assert imported == {"replayed": replayed, "member": {"relationReference": reference}}
    return reference


async def code_of(world: World) -> str:
    mailbox = Mailbox()
    await deliver_messages(world.services, mailbox)
    return str(mailbox.messages[-1].details["code"])


async def verified(world: World, caller: Caller, otp_type: str, **named: Any) -> None:
    """Ask for a code and verify it."""
    assert (await caller.ask(GENERATE, i={"otpType": otp_type, **named})).data["otpGenerate"] == DONE
    given = {"otpType": otp_type, "code": await code_of(world), **named}
    assert (await caller.ask(VERIFY, i=given)).data["otpVerify"] == DONE


def test_the_enums_are_those_of_the_domain() -> None:
    assert [str(one.value) for one in OtpType] == [one.name for one in OtpType] == list(OTP_TYPES)
    assert [str(one.value) for one in SecretScheme] == [one.value for one in Scheme]


async def test_a_server_sends_and_verifies_codes(world: World, server: Caller, ann: str) -> None:
    given = {"otpType": "LOGIN", "relationReference": ann, "idempotencyKey": "k1"}
    assert (await server.ask(GENERATE, i=given)).data["otpGenerate"] == DONE
    assert (await server.ask(GENERATE, i=given)).data["otpGenerate"] == AGAIN
    code = await code_of(world)
    by_email = {"otpType": "LOGIN", "email": "Ann@example.com"}
    failed = await server.ask(VERIFY, i=by_email | {"code": wrong(code)})
    assert failed.refusal == ("BAD_USER_INPUT", "OTP_INVALID", "130", None)
    given = by_email | {"code": code, "idempotencyKey": "k2"}
    assert (await server.ask(VERIFY, i=given)).data["otpVerify"] == DONE
    assert (await server.ask(VERIFY, i=given)).data["otpVerify"] == AGAIN


async def test_too_many_codes_and_tries_are_refused(world: World, server: Caller, ann: str) -> None:
    given: dict[str, Any] = {"otpType": "LOGIN", "relationReference": ann}
    for _ in range(5):
        assert (await server.ask(GENERATE, i=given)).data
    await world.refused(server, GENERATE, given, "RATE_LIMITED", "OTP_TOO_OFTEN", "132", None)
    code = await code_of(world)
    for _ in range(5):
        assert (await server.ask(VERIFY, i=given | {"code": wrong(code)})).refusal[2] == "130"
    answer = await server.ask(VERIFY, i=given | {"code": code})
    assert answer.refusal == ("BAD_USER_INPUT", "OTP_ATTEMPTS_EXCEEDED", "131", None)


async def test_a_member_changes_its_own_password(world: World, server: Caller, ann: str) -> None:
    app = await world.caller(member=ann)
    await world.refused(app, SET, {"password": NEW}, "FORBIDDEN", "FORBIDDEN", "403", None)
    await verified(world, app, "FORGOTPWD")
    changed = (await app.ask(SET, i={"password": NEW})).data["passwordSet"]
    assert (changed["replayed"], changed["member"]) == (False, {"relationReference": ann})
    assert await tried(world.context(1), ann, NEW) == "000"
    assert (await app.ask(SET, i={"password": PASSWORD, "oldPassword": NEW})).data
    assert (await app.ask(SET, i={"password": NEW, "oldPassword": NEW})).refusal[1:3] == ("INVALID_CREDENTIALS", "117")
    assert await tried(world.context(1), ann) == "000"


async def test_a_member_does_nothing_for_another(world: World, server: Caller, ann: str) -> None:
    other = await world.caller(member=await world.member(server))
    for document, given in (
        (GENERATE, {"otpType": "LOGIN", "relationReference": ann}),
        (GENERATE, {"otpType": "LOGIN", "email": "ann@example.com"}),
        (VERIFY, {"otpType": "LOGIN", "code": "123456", "relationReference": ann}),
        (SET, {"password": NEW, "oldPassword": PASSWORD, "relationReference": ann}),
        (IMPORT, {"relationReference": ann, "secret": NEW}),
    ):
        await world.refused(other, document, given, "FORBIDDEN", "FORBIDDEN", "403", None)


async def test_a_server_sets_a_password_after_a_code(world: World, server: Caller, ann: str) -> None:
    await verified(world, server, "RESETPASSWORD", email="ann@example.com")
    assert (await server.ask(SET, i={"password": NEW, "relationReference": ann, "idempotencyKey": "s"})).data
    again = await server.ask(SET, i={"password": NEW, "relationReference": ann, "idempotencyKey": "s"})
    assert again.data["passwordSet"]["replayed"] is True
    assert await tried(world.context(1), ann, NEW) == "000"


async def test_administrators_import_secrets_and_executives_do_not(world: World, server: Caller, ann: str) -> None:
    program = world.ours.program_id
    given = {"relationReference": ann, "secret": "0" * 32, "scheme": "MD5", "forceChange": True}
    executive = await world.administrator("customer-executive", program)
    await world.refused(executive, IMPORT, given, "FORBIDDEN", "FORBIDDEN", "403", None)
    assert (await (await world.administrator("program-admin", program)).ask(IMPORT, i=given)).data
    assert await tried(world.context(1), ann, "0" * 32) == "000"


async def test_what_does_not_hold_is_refused(world: World, server: Caller, ann: str) -> None:
    two_names = {"otpType": "LOGIN", "relationReference": ann, "email": "ann@example.com"}
    await world.refused(server, GENERATE, two_names, "BAD_USER_INPUT", "BAD_REQUEST", "999", "email")
    await world.refused(
        server, GENERATE, {"otpType": "LOGIN"}, "BAD_USER_INPUT", "BAD_REQUEST", "999", "relationReference"
    )
    short = {"password": "short", "relationReference": ann}
    await world.refused(server, SET, short, "BAD_USER_INPUT", "INVALID_REQUEST", "998", "password")
    await world.refused(server, SET, {"password": NEW}, "BAD_USER_INPUT", "BAD_REQUEST", "999", "relationReference")
    bad = {"relationReference": ann, "secret": "x", "scheme": "BCRYPT"}
    await world.refused(server, IMPORT, bad, "BAD_USER_INPUT", "INVALID_REQUEST", "998", "secret")
    nobody = {"relationReference": "NOBODY", "secret": NEW}
    await world.refused(server, IMPORT, nobody, "NOT_FOUND", "MEMBER_NOT_FOUND", "103", None)


async def test_another_programs_server_changes_nothing(world: World, server: Caller, ann: str) -> None:
    foreign = await world.caller(world.theirs)
    given: dict[str, Any] = {"relationReference": ann, "secret": NEW}
    await world.refused(foreign, IMPORT, given, "NOT_FOUND", "MEMBER_NOT_FOUND", "103", None)
    given = {"relationReference": ann, "password": NEW}
    await world.refused(foreign, SET, given, "FORBIDDEN", "FORBIDDEN", "403", None)
