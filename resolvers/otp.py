"""Use cases of one-time passwords: send a code, verify one."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.errors import BadRequest, Forbidden, InvalidRequest, TesseraError
from domain.member import ACTIVE, INACTIVE, LOGIN_BLOCKED, Member
from domain.otp import ACTIVATION, GRANT_LIFE, GRANTING_TYPES, OTP_TYPES, UNBLOCK
from domain.store import audit
from domain.store.idempotency import bind_key, find_keys, fingerprint_of
from domain.store.login import find_failures
from domain.store.otp import use_code
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.lockout import status_without_block
from resolvers.member_change import Change
from resolvers.one_time_code import Guess, compare_code, count_guess, count_send, refusal_of, write_code
from resolvers.roster import Roster
from resolvers.subject import Named, Subject, find_subject


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerateOtp:
    """Send a code to a member. `address` says from where it was asked for; it counts there, and nothing goes there."""

    named: Named
    otp_type: str
    address: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class VerifyOtp:
    """Verify a code. `address` says from where it came."""

    named: Named
    otp_type: str
    code: str
    address: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OtpDone:
    """A code was asked for, or was right; `replayed` where the idempotency key had run before."""

    replayed: bool = False


async def generate_otp(ctx: Context, command: GenerateOtp) -> OtpDone:
    """Send a code to one of the member's own addresses. For nobody it does all the same but to send.

    Raises BadRequest, Forbidden, InvalidRequest, KeyReused, OtpTooOften.
    """
    _check(ctx, command.named, command.otp_type)
    now, key = ctx.services.clock(), ctx.key(command.idempotency_key)

    def body(tx: Connection) -> OtpDone:
        state = ctx.program(tx)
        subject = _own_subject(tx, ctx, state, command.named)
        fingerprint = fingerprint_of("otp.generate", subject.digest.hex(), command.otp_type)
        if _is_replay(tx, state, "otp.generate", key, fingerprint, now):
            return OtpDone(replayed=True)
        count_send(tx, ctx, state, subject, command.address, now)
        write_code(tx, ctx, state, subject, command.named, command.otp_type, now)
        if key:
            bind_key(tx, state.id, "otp.generate", key, fingerprint, {"sent": True}, now)
        return OtpDone()

    return await ctx.write(body)


async def verify_otp(ctx: Context, command: VerifyOtp) -> OtpDone:
    """Verify a code, once, and do what its type does.

    ACTIVATION makes an inactive member active, UNBLOCKMEMBER lifts status 3, RESETPASSWORD and FORGOTPWD allow one
    change of the password. Raises BadRequest, Forbidden, InvalidRequest, OtpAttemptsExceeded, KeyReused (that is
    a guess, too), OtpInvalid.
    """
    if not command.code:
        raise BadRequest("OTP: is missing", field="code")
    _check(ctx, command.named, command.otp_type)
    now = ctx.services.clock()
    # A refusal comes back and is not raised inside, because the guess has to be counted.
    guess = await ctx.write(lambda tx: _verify(tx, ctx, command, now))
    refusal = refusal_of(guess)
    if refusal is not None:
        raise refusal
    return OtpDone(replayed=guess is Guess.REPLAYED)


def _check(ctx: Context, named: Named, otp_type: str) -> None:
    if not (named.reference or named.email):
        raise BadRequest("UniquerefID: is missing", field="relation_reference")
    ctx.principal.require(Permission.MEMBER_OTP)
    if otp_type not in OTP_TYPES:
        raise InvalidRequest("OtpType: not one of the 24 published types", field="otp_type")


def _own_subject(tx: Connection, ctx: Context, state: ProgramState, named: Named) -> Subject:
    """Whom the caller names. Raises Forbidden where its token is bound to somebody else."""
    subject = find_subject(tx, ctx.services.keys, state.id, named)
    if ctx.principal.kind is PrincipalKind.MEMBER:
        ctx.principal.member(named.reference)
        own = ctx.own_members(tx) or frozenset()
        if subject.member_id not in own:
            raise Forbidden("the token is bound to another member")
    return subject


def _is_replay(
    tx: Connection, state: ProgramState, use_case: str, key: str | None, fingerprint: bytes, now: datetime
) -> bool:
    bound = find_keys(tx, state.id, use_case, [key] if key else [], now)
    if key not in bound:
        return False
    bound[key].replay(fingerprint)
    return True


def _verify(tx: Connection, ctx: Context, command: VerifyOtp, now: datetime) -> Guess:
    state, keys = ctx.program(tx), ctx.services.keys
    subject = _own_subject(tx, ctx, state, command.named)
    # Of the code itself a plain hash could be turned back: it has few digits.
    mac = keys.code_mac("fingerprint", subject.digest.hex(), command.code)
    key, fingerprint = ctx.key(command.idempotency_key), fingerprint_of("otp.verify", mac.hex(), command.otp_type)
    bound = find_keys(tx, state.id, "otp.verify", [key] if key else [], now)
    if key in bound and bound[key].fingerprint == fingerprint:
        return Guess.REPLAYED
    if not count_guess(tx, ctx, state, subject, command.address, now):
        return Guess.SPENT
    if key in bound:
        # Counted like any other, so that nobody tries out which code the key was used with.
        return Guess.REUSED
    guess = compare_code(tx, ctx, state, subject, command.otp_type, command.code, now)
    if guess is not Guess.RIGHT or subject.member is None:
        return guess
    _accept(tx, ctx, state, subject.member, subject.digest, command.otp_type, now)
    if key:
        bind_key(tx, state.id, "otp.verify", key, fingerprint, {"verified": True}, now)
    return Guess.RIGHT


def _accept(
    tx: Connection, ctx: Context, state: ProgramState, member: Member, digest: bytes, otp_type: str, now: datetime
) -> None:
    """The code was right: it is used, and its type does what it does."""
    grant_until = now + GRANT_LIFE if otp_type in GRANTING_TYPES else None
    use_code(tx, state.id, digest, otp_type, now, grant_until)
    status = member.status
    if otp_type == ACTIVATION and status == INACTIVE:
        status = ACTIVE
    elif otp_type == UNBLOCK and status == LOGIN_BLOCKED:
        status = status_without_block(member, find_failures(tx, state.id, digest).status_before)
    if status != member.status:
        change = Change(action="UPDATE", values={"status": status}, member_id=member.id)
        [outcome] = Roster(tx, ctx, state, now).apply([change])
        if isinstance(outcome, TesseraError):
            raise outcome
    action = f"member.otp.{otp_type.lower()}"
    audit.record(tx, state.id, now=now, actor=ctx.principal, action=action, subject=f"member:{member.id}")
