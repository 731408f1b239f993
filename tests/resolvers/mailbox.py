"""What the tests of member access share: members who are reached, a mailbox for what is sent, callers of a member."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from domain.access import MEMBER_PERMISSIONS, PrincipalKind
from domain.errors import OtpTooOften, TesseraError
from resolvers.context import Context
from resolvers.delivery import deliver_messages
from resolvers.login import CheckCredentials, Login, check_credentials
from resolvers.member import EnrollMember, enroll_member
from resolvers.messenger import Outgoing
from resolvers.otp import GenerateOtp, VerifyOtp, generate_otp, verify_otp
from resolvers.password import ImportSecret, import_secret
from resolvers.subject import Named

PASSWORD = "correct horse battery"


@dataclass
class Mailbox:
    """Takes every message, but for those that are to fail."""

    messages: list[Outgoing] = field(default_factory=list)
    failing: int = 0

    async def deliver(self, message: Outgoing, at: datetime) -> None:
        """Keep a message."""
        if self.failing:
            self.failing -= 1
            raise ConnectionError("the gateway is away")
        self.messages.append(message)


async def person(ctx: Context, reference: str, *, status: int = 1, password: str | None = None, **values: Any) -> int:
    """A member with an e-mail address of its own, and a password if any; its id."""
    given = {"relation_reference": reference, "email_id": f"{reference.lower()}@example.com", "status": status}
    member = (await enroll_member(ctx, EnrollMember(values=given | values))).member
    if password is not None:
        await import_secret(ctx, ImportSecret(relation_reference=reference, secret=password))
    return member.id


def bound(ctx: Context, reference: str) -> Context:
    """A caller whose token is bound to a member."""
    principal = replace(
        ctx.principal, kind=PrincipalKind.MEMBER, member_reference=reference, permissions=MEMBER_PERMISSIONS
    )
    return replace(ctx, principal=principal)


async def login(ctx: Context, reference: str, password: str = PASSWORD) -> Login:
    """Check a password."""
    return await check_credentials(ctx, CheckCredentials(relation_reference=reference, password=password))


async def tried(ctx: Context, reference: str, password: str = PASSWORD) -> str:
    """The code that an attempt at a password is answered with."""
    try:
        await login(ctx, reference, password)
    except TesseraError as error:
        return error.code
    return "000"


async def ask(ctx: Context, reference: str, otp_type: str = "LOGIN", **more: Any) -> str:
    """Ask for a code; it, as it comes to the mailbox, or nothing where none comes."""
    await generate_otp(ctx, GenerateOtp(named=Named(reference=reference), otp_type=otp_type, **more))
    mailbox = Mailbox()
    await deliver_messages(ctx.services, mailbox)
    # What lapses first goes first.
    newest = max(mailbox.messages, key=lambda one: one.message_id, default=None)
    return "" if newest is None else str(newest.details["code"])


async def asked(ctx: Context, reference: str, otp_type: str = "LOGIN", address: str | None = None) -> str:
    """The code that asking is answered with."""
    try:
        await generate_otp(ctx, GenerateOtp(named=Named(reference=reference), otp_type=otp_type, address=address))
    except OtpTooOften as error:
        return error.code if error.retry_after_s in range(1, 3601) else "no time to wait"
    return "000"


async def guess(ctx: Context, reference: str, code: str, otp_type: str = "LOGIN", **more: Any) -> str:
    """The code that a guess is answered with."""
    try:
        await verify_otp(ctx, VerifyOtp(named=Named(reference=reference), otp_type=otp_type, code=code, **more))
    except TesseraError as error:
        return error.code
    return "000"


def wrong(code: str) -> str:
    """Another code of the same length."""
    return code[:-1] + ("0" if code[-1] != "0" else "1")
