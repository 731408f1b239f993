"""Passwords and one-time codes."""

from collections.abc import Iterator
from dataclasses import replace

from domain.errors import (
    BadRequest,
    InvalidCredentials,
    InvalidRequest,
    LoginBlocked,
    MemberCancelled,
    MembershipBlocked,
    MemberSuspended,
    OtpAttemptsExceeded,
    OtpInvalid,
    OtpTooOften,
    TesseraError,
)
from resolvers.delivery import deliver_messages
from resolvers.password import ImportSecret, import_secret
from tests.resolvers.mailbox import PASSWORD, Mailbox
from tests.rest.golden.case import Ask, Case, Setup, after, changed, key_reused, refusal, repeated, success
from tests.rest.world import World

_CHECK = "CheckMembershipCredentialsByRelationReference"
_BY_REFERENCE = "ByRelationReference"
_EMAIL = "ada@example.com"
_WRONG_CODE = "000000"
_ALLOWED = 5
"""Wrong passwords before a lockout, wrong tries at a code, and codes of one type in an hour."""

_BY_STATUS: dict[int, type[TesseraError]] = {4: MemberCancelled, 2: MemberSuspended, 6: MembershipBlocked}


async def _person(world: World, status: int = 1) -> str:
    """A member with a password and an e-mail address."""
    reference = await world.member(email_id=_EMAIL, full_name="Ada Byron")
    command = ImportSecret(relation_reference=reference, secret=PASSWORD)
    await import_secret(await world._context(), command)
    if status != 1:
        await world.change(reference, status=status)
    return reference


def _login(status: int = 1, password: str = PASSWORD, tried: int = 0) -> Setup:
    """The check of a password, after so many tries with a wrong one."""

    async def setup(world: World) -> Ask:
        body = {"UniquerefID": await _person(world, status), "RelationType": 4}
        for _ in range(tried):
            answer = await world.call(_CHECK, {**body, "Password": "wrong"})
            assert answer.outcome == (401, "117")
        return Ask(body={**body, "Password": password})

    return setup


def _generate(suffix: str) -> Setup:
    async def setup(world: World) -> Ask:
        reference = await _person(world)
        unique = reference if suffix else _EMAIL
        return Ask(
            body={
                "UniquerefID": unique, "SourceAddress": "", "SourceCode": 1, "OtpType": "LOGIN", "RelationType": 4,
            }
        )  # fmt: skip

    return setup


def _verify(suffix: str, tried: int = 0) -> Setup:
    """The verification of the code that was sent, after so many tries with a wrong one."""

    async def setup(world: World) -> Ask:
        ask = await _generate(suffix)(world)
        assert (await world.call(f"GenerateOTP{suffix}", ask.body)).outcome == (200, "000")
        body = {
            "UniquerefID": ask.body["UniquerefID"], "OTP": _WRONG_CODE, "DestinationAddress": "",
            "Destination": "Web", "OtpType": "LOGIN", "RelationType": 4,
        }  # fmt: skip
        for _ in range(tried):
            assert (await world.call(f"VerifyOTP{suffix}", body)).outcome == (400, "130")
        return replace(ask, body={**body, "OTP": await _code(world)})

    return setup


async def _code(world: World) -> str:
    """The code that was sent last in this program; others may have messages that wait."""
    mailbox = Mailbox()
    while await deliver_messages(world.services, mailbox):
        continue
    mine = [one for one in mailbox.messages if one.program_id == world.credential.program_id]
    return str(mine[-1].details["code"])


async def _unknown_email(world: World) -> Ask:
    ask = await _generate("")(world)
    return replace(ask, body={**ask.body, "UniquerefID": "nobody@example.com"})


async def _own_code(world: World) -> Ask:
    token = await world.bound_token(await _person(world))
    return Ask(body={"OtpType": "LOGIN"}, token=token)


def _of_codes(suffix: str) -> Iterator[Case]:
    """What the operations by e-mail address and by reference have in common."""
    send, verify = f"GenerateOTP{suffix}", f"VerifyOTP{suffix}"
    asked, answered = _generate(suffix), _verify(suffix)
    yield success(send, asked)
    yield success(send, repeated(asked, send), "replayed")
    yield refusal(send, BadRequest, changed(asked, {"OtpType": None}))
    yield refusal(send, InvalidRequest, changed(asked, {"OtpType": "login"}))
    yield key_reused(asked, send, {"OtpType": "ACTIVATION"})
    yield refusal(send, OtpTooOften, after(asked, send, _ALLOWED))
    yield success(verify, answered)
    yield success(verify, repeated(answered, verify), "replayed")
    yield refusal(verify, BadRequest, changed(answered, {"OTP": None}))
    yield refusal(verify, InvalidRequest, changed(answered, {"Destination": "Fax"}))
    yield key_reused(answered, verify, {"OTP": _WRONG_CODE})
    yield refusal(verify, OtpInvalid, changed(answered, {"OTP": _WRONG_CODE}))
    yield refusal(verify, OtpInvalid, after(answered, verify), "used")
    yield refusal(verify, OtpAttemptsExceeded, _verify(suffix, tried=_ALLOWED))


CASES: tuple[Case, ...] = (
    success(_CHECK, _login()),
    success(_CHECK, _login(tried=1), "after-a-failure"),
    refusal(_CHECK, BadRequest, changed(_login(), {"Password": None})),
    refusal(_CHECK, InvalidRequest, changed(_login(), {"RelationType": 5})),
    refusal(_CHECK, LoginBlocked, _login(tried=_ALLOWED)),
    refusal(_CHECK, LoginBlocked, _login(status=3), "status"),
    refusal(_CHECK, InvalidCredentials, _login(password="wrong")),
    refusal(_CHECK, InvalidCredentials, changed(_login(), {"UniquerefID": "nobody"}), "nobody"),
    *(refusal(_CHECK, error, _login(status)) for status, error in _BY_STATUS.items()),
    *_of_codes(""),
    success("GenerateOTP", _unknown_email, "nobody"),
    *_of_codes(_BY_REFERENCE),
    success(f"GenerateOTP{_BY_REFERENCE}", _own_code, "own"),
)
