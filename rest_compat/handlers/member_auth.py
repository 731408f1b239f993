"""Handlers of the member auth group."""

from resolvers.login import CheckCredentials, check_credentials
from resolvers.otp import GenerateOtp, OtpDone, VerifyOtp, generate_otp, verify_otp
from resolvers.subject import Named
from rest_compat.call import REPLAYED, program_zone
from rest_compat.envelope import Answer, local_time
from rest_compat.operation import Call


async def check(call: Call) -> Answer:
    """The member whose password it is."""
    values = call.values
    login = await check_credentials(
        call.ctx, CheckCredentials(relation_reference=values["UniquerefID"], password=values["Password"])
    )
    member = login.member
    return Answer(
        return_object={
            "Id": member.id,
            "FullName": member.full_name,
            "Email": member.email_id,
            "Status": member.status,
            "IsAccountActivated": member.activated_at is not None,
            "LastLoggedIn": local_time(login.logged_in_at, await program_zone(call)),
            "LoginAttempt": login.failed_attempts,
            "ForceChangePassword": login.force_change,
        }
    )


async def generate(call: Call) -> Answer:
    """True, whether or not somebody has this e-mail address."""
    return await _generate(call, Named(email=call.values["UniquerefID"]))


async def generate_by_reference(call: Call) -> Answer:
    """True, whether or not somebody has this reference."""
    return await _generate(call, _by_reference(call))


async def verify(call: Call) -> Answer:
    """True for the right code of whose e-mail address this is."""
    return await _verify(call, Named(email=call.values["UniquerefID"]))


async def verify_by_reference(call: Call) -> Answer:
    """True for the right code of whose reference this is."""
    return await _verify(call, _by_reference(call))


def _by_reference(call: Call) -> Named:
    return Named(reference=call.values["UniquerefID"] or call.ctx.principal.member_reference)


async def _generate(call: Call, named: Named) -> Answer:
    values = call.values
    command = GenerateOtp(
        named=named, otp_type=values["OtpType"], address=values["SourceAddress"], idempotency_key=call.key
    )
    return _true(await generate_otp(call.ctx, command))


async def _verify(call: Call, named: Named) -> Answer:
    values = call.values
    command = VerifyOtp(
        named=named,
        otp_type=values["OtpType"],
        code=values["OTP"].strip(),
        address=values["DestinationAddress"],
        idempotency_key=call.key,
    )
    return _true(await verify_otp(call.ctx, command))


def _true(done: OtpDone) -> Answer:
    return Answer(return_object=True, headers=REPLAYED if done.replayed else ())
