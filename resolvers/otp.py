"""Use cases of one-time passwords: send a code, verify one."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.errors import (
    BadRequest,
    Forbidden,
    InvalidRequest,
    KeyReused,
    OtpAttemptsExceeded,
    OtpInvalid,
    OtpTooOften,
    TesseraError,
)
from domain.member import ACTIVE, INACTIVE, LOGIN_BLOCKED, Member
from domain.origin import read_origin
from domain.otp import (
    ACTIVATION,
    GRANT_LIFE,
    GRANTING_TYPES,
    GUESSES_PER_MEMBER,
    GUESSES_PER_SEND,
    LIFE,
    OTP_TYPES,
    SENDS_PER_MEMBER,
    UNBLOCK,
    mac_of,
    new_code,
    wait_s,
)
from domain.store import audit
from domain.store.idempotency import bind_key, find_keys, fingerprint_of
from domain.store.login import find_failures
from domain.store.otp import Code, has_spent, hold_recent, replace_code, store_recent, take_try, use_code
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.lockout import status_without_block
from resolvers.messaging import send_code, way_to
from resolvers.roster import Change, Roster
from resolvers.subject import Named, Subject, find_subject

MAX_ADDRESS = 254
_MINUTES = str(int(LIFE.total_seconds() // 60))


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


class _Guess(Enum):
    RIGHT = "right"
    WRONG = "wrong"
    SPENT = "spent"
    REPLAYED = "replayed"
    REUSED = "reused"


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
        _count_send(tx, ctx, state, subject, command.address, now)
        _send(tx, ctx, state, subject, command, now)
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
    refusals = {_Guess.WRONG: OtpInvalid, _Guess.SPENT: OtpAttemptsExceeded, _Guess.REUSED: KeyReused}
    refusal = refusals.get(guess)
    if refusal is not None:
        raise refusal()
    return OtpDone(replayed=guess is _Guess.REPLAYED)


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


def _count_send(
    tx: Connection, ctx: Context, state: ProgramState, subject: Subject, address: str | None, now: datetime
) -> None:
    """Take one send off what the hour has. Raises OtpTooOften."""
    recent = hold_recent(tx, state.id, subject.digest, subject.member_id, now)
    waits = [wait_s(recent.sends, SENDS_PER_MEMBER, now)]
    counted = [(subject.digest, recent)]
    origin, most = _origin(ctx, state, address), state.terms.otp_sends_per_address
    if origin is not None and most:
        counted.append((origin, hold_recent(tx, state.id, origin, None, now)))
        waits.append(wait_s(counted[-1][1].sends, most, now))
    if any(waits):
        raise OtpTooOften(retry_after_s=max(waits))
    for digest, one in counted:
        one.sends.append(now)
        store_recent(tx, state.id, digest, one, now)


def _send(
    tx: Connection, ctx: Context, state: ProgramState, subject: Subject, command: GenerateOtp, now: datetime
) -> None:
    way = way_to(ctx, state, command.named, subject.stored)
    code, expires_at = new_code(state.terms.otp_length), now + LIFE
    mac = mac_of(ctx.services.keys, subject.digest, command.otp_type, way.channel, expires_at, code)
    kept = Code(command.otp_type, way.channel, mac, expires_at)
    replace_code(tx, state.id, subject.digest, subject.member_id, kept, now)
    values = {"code": code, "minutes": _MINUTES}
    send_code(tx, state, subject, way, command.otp_type, values, expires_at, now)


def _verify(tx: Connection, ctx: Context, command: VerifyOtp, now: datetime) -> _Guess:
    state, keys = ctx.program(tx), ctx.services.keys
    subject = _own_subject(tx, ctx, state, command.named)
    # Of the code itself a plain hash could be turned back: it has few digits.
    mac = keys.code_mac("fingerprint", subject.digest.hex(), command.code)
    key, fingerprint = ctx.key(command.idempotency_key), fingerprint_of("otp.verify", mac.hex(), command.otp_type)
    bound = find_keys(tx, state.id, "otp.verify", [key] if key else [], now)
    if key in bound and bound[key].fingerprint == fingerprint:
        return _Guess.REPLAYED
    if not _count_guess(tx, ctx, state, subject, command.address, now):
        return _Guess.SPENT
    if key in bound:
        # Counted like any other, so that nobody tries out which code the key was used with.
        return _Guess.REUSED
    tried = take_try(tx, state.id, subject.digest, command.otp_type, now)
    if not tried and has_spent(tx, state.id, subject.digest, command.otp_type, now):
        return _Guess.SPENT
    kept = next((one for one in tried if one.otp_type == command.otp_type), None)
    if kept is None:
        return _Guess.WRONG
    given = mac_of(keys, subject.digest, kept.otp_type, kept.channel, kept.expires_at, command.code)
    if not hmac.compare_digest(kept.mac, given) or subject.member is None:
        return _Guess.WRONG
    _accept(tx, ctx, state, subject.member, subject.digest, kept.otp_type, now)
    if key:
        bind_key(tx, state.id, "otp.verify", key, fingerprint, {"verified": True}, now)
    return _Guess.RIGHT


def _count_guess(
    tx: Connection, ctx: Context, state: ProgramState, subject: Subject, address: str | None, now: datetime
) -> bool:
    """Take one guess off what the hour has, whatever code it is at; False: none is left, and nothing is looked at."""
    counted = [(subject.digest, hold_recent(tx, state.id, subject.digest, subject.member_id, now), GUESSES_PER_MEMBER)]
    origin, most = _origin(ctx, state, address), state.terms.otp_sends_per_address * GUESSES_PER_SEND
    if origin is not None and most:
        counted.append((origin, hold_recent(tx, state.id, origin, None, now), most))
    if any(len(one.guesses) >= allowed for _, one, allowed in counted):
        return False
    for digest, one, _ in counted:
        one.guesses.append(now)
        store_recent(tx, state.id, digest, one, now)
    return True


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
    audit.record(tx, state.id, now=now, actor=ctx.principal.actor, action=action, subject=f"member:{member.id}")


def _origin(ctx: Context, state: ProgramState, address: str | None) -> bytes | None:
    """A keyed hash of where a call comes from; None where that says nothing: no address, or one that all share."""
    where = read_origin(address or "")
    return None if where is None else ctx.services.keys.lookup_hash(state.id, "otp-origin", where)
