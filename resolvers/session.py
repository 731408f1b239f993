"""Use cases by which members sign in: with a password, with a code, with a link that was mailed."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from domain.access import Permission
from domain.crypto import hash_secret
from domain.errors import (
    BadRequest,
    InvalidCredentials,
    KeyReused,
    LoginBlocked,
    OtpAttemptsExceeded,
    OtpInvalid,
    TesseraError,
)
from domain.idempotency_key import key_of_member, read_key
from domain.member import Member
from domain.session import MOST_SESSIONS, REPLAY, Method
from domain.store.idempotency import bind_key, find_keys, fingerprint_of
from domain.store.login import note_login
from domain.store.member import find_members
from domain.store.merge import answering_for
from domain.store.otp import use_code
from domain.store.session import end_oldest, find_link, find_session, insert_session, use_link
from resolvers.attempt import Compared, attempt, judge, refusal_to_sign_in
from resolvers.context import Context
from resolvers.one_time_code import Guess, guess_code, refusal_of
from resolvers.rate import count_failed_start, refuse_spraying
from resolvers.session_token import SessionTokens, tokens_of
from resolvers.subject import Named, find_subject

USE_CASE = "session.start"
CODE_TYPE = "LOGIN"
_MISSES = (InvalidCredentials, LoginBlocked, OtpInvalid, OtpAttemptsExceeded)

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class StartByPassword:
    """Sign in with a password. `address` is where the call came from, as the server saw it."""

    named: Named
    password: str
    address: str = ""
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class StartByCode:
    """Sign in with a one-time code of the type LOGIN."""

    named: Named
    code: str
    address: str = ""
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class StartByLink:
    """Sign in with the token of a link that was mailed."""

    token: str
    address: str = ""
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class _Start:
    """An attempt that may be repeated under its key: `key` as it is stored, apart from those of other members."""

    ctx: Context
    method: Method
    key: str | None
    fingerprint: bytes
    now: datetime


async def start_by_password(ctx: Context, command: StartByPassword) -> SessionTokens:
    """Begin a session of a member who knows its password; five wrong ones in a row lock it out for a day.

    Raises BadRequest, Forbidden, InvalidRequest, TooManyRequests, LoginBlocked (locked out), InvalidCredentials; with
    the right password LoginBlocked, MemberSuspended, MemberCancelled, MembershipBlocked, KeyReused.
    """
    _check(ctx, command.named, "password", command.password)
    key, now = read_key(command.idempotency_key), ctx.services.clock()

    def settle(tx: Connection, compared: Compared) -> SessionTokens | TesseraError | None:
        judged = judge(tx, ctx, command.named, compared, now)
        if judged is None or judged.refusal is not None or judged.subject.member is None:
            return None if judged is None else judged.refusal
        start = _start(ctx, Method.PASSWORD, key, judged.subject.digest, b"", now)
        force_change = compared.kept is not None and compared.kept.force_change
        return _begin(tx, start, judged.subject.member, force_change=force_change)

    await ctx.read(lambda tx: refuse_spraying(tx, ctx.services, ctx.principal.program, command.address, now))
    return await _counted(ctx, command.address, attempt(ctx, command.named, command.password, settle))


async def start_by_code(ctx: Context, command: StartByCode) -> SessionTokens:
    """Begin a session of a member who was sent a code, which is used up, whatever its status says then.

    Raises BadRequest, Forbidden, InvalidRequest, TooManyRequests, OtpAttemptsExceeded, OtpInvalid; with the right
    code LoginBlocked, MemberSuspended, MemberCancelled, MembershipBlocked, KeyReused.
    """
    _check(ctx, command.named, "code", command.code)
    key, now = read_key(command.idempotency_key), ctx.services.clock()
    # A refusal comes back and is not raised inside, because the guess has to be counted.
    return await _counted(ctx, command.address, ctx.write(lambda tx: _start_by_code(tx, ctx, command, key, now)))


def _start_by_code(
    tx: Connection, ctx: Context, command: StartByCode, key: str | None, now: datetime
) -> SessionTokens | TesseraError:
    state, keys = ctx.program(tx), ctx.services.keys
    refuse_spraying(tx, ctx.services, state.id, command.address, now)
    subject = find_subject(tx, keys, state.id, command.named)
    mac = keys.code_mac("session", subject.digest.hex(), command.code)
    start = _start(ctx, Method.CODE, key, subject.digest, mac, now)
    guess = guess_code(tx, ctx, state, subject, CODE_TYPE, command.code, command.address, now)
    refusal = refusal_of(guess)
    if refusal is not None:
        # The code of a start whose answer was lost is used up; nobody learns of it without its key. It costs a guess.
        return (_replay(tx, start) if guess is Guess.WRONG else None) or refusal
    locked = find_subject(tx, keys, state.id, command.named, lock=True)
    if locked.member is None or locked.digest != subject.digest:
        return OtpInvalid()
    use_code(tx, state.id, subject.digest, CODE_TYPE, now, None)
    return refusal_to_sign_in(locked.member) or _begin(tx, start, locked.member)


async def start_by_link(ctx: Context, command: StartByLink) -> SessionTokens:
    """Begin a session of a member who was mailed a link, which is used up, whatever its status says then.

    Raises BadRequest, Forbidden, InvalidRequest, TooManyRequests, OtpInvalid; with a good link LoginBlocked,
    MemberSuspended, MemberCancelled, MembershipBlocked.
    """
    _check(ctx, None, "token", command.token)
    key, now = read_key(command.idempotency_key), ctx.services.clock()
    return await _counted(ctx, command.address, ctx.write(lambda tx: _start_by_link(tx, ctx, command, key, now)))


def _start_by_link(
    tx: Connection, ctx: Context, command: StartByLink, key: str | None, now: datetime
) -> SessionTokens | TesseraError:
    state, digest = ctx.program(tx), hash_secret(command.token)
    refuse_spraying(tx, ctx.services, state.id, command.address, now)
    start = _start(ctx, Method.LINK, key, digest, digest, now)
    link = find_link(tx, state.id, digest, now)
    if link is None or link.member_id is None:
        return _replay(tx, start) or _bad_link()
    found = find_members(tx, ctx.services.keys, state.id, ids=[link.member_id], lock=True)
    # Whoever changes a member locks it first, so the link is as it was or gone.
    if not found or answering_for(tx, state.id, [link.member_id]) or not use_link(tx, state.id, digest, now):
        return _bad_link()
    return refusal_to_sign_in(found[0].member) or _begin(tx, start, found[0].member)


def _bad_link() -> OtpInvalid:
    return OtpInvalid("token: the link was used, has lapsed or was replaced by a newer one", field="token")


def _check(ctx: Context, named: Named | None, name: str, value: str) -> None:
    if named is not None and not (named.reference or named.email):
        raise BadRequest("relation_reference: is missing", field="relation_reference")
    if not value:
        raise BadRequest(f"{name}: is missing", field=name)
    ctx.principal.require(Permission.SESSION_START)


async def _counted(ctx: Context, address: str, attempted: Awaitable[Result | TesseraError]) -> Result:
    """What an attempt gave. Raises what it was refused with; a miss counts for the address that it came from."""
    try:
        outcome = await attempted
        if isinstance(outcome, TesseraError):
            raise outcome
    except _MISSES:
        await count_failed_start(ctx.services, ctx.principal.program, address)
        raise
    return outcome


def _start(ctx: Context, method: Method, key: str | None, whose: bytes, proof: bytes, now: datetime) -> _Start:
    # All strangers share the publishable key: each has its own keys, by what only it can name.
    own = None if key is None else key_of_member(key, whose.hex())
    return _Start(ctx, method, own, fingerprint_of(USE_CASE, method.value, whose.hex(), proof.hex()), now)


def _begin(
    tx: Connection, start: _Start, member: Member, *, force_change: bool = False
) -> SessionTokens | TesseraError:
    """Begin a session of a member who has proved itself and is locked; under a key that ran before, go on with it."""
    program_id, now = start.ctx.principal.program, start.now
    if start.key is not None and find_keys(tx, program_id, USE_CASE, [start.key], now):
        return _replay(tx, start, force_change=force_change) or KeyReused()
    session = insert_session(tx, program_id, member.id, start.method, now)
    end_oldest(tx, program_id, member.id, MOST_SESSIONS, now)
    note_login(tx, program_id, member.id, now)
    if start.key is not None:
        bind_key(tx, program_id, USE_CASE, start.key, start.fingerprint, {"session_id": session.id}, now)
    return tokens_of(tx, start.ctx, session, member.relation_reference, force_change=force_change)


def _replay(tx: Connection, start: _Start, *, force_change: bool = False) -> SessionTokens | None:
    """The tokens of a start whose answer was lost: for a few minutes, and as long as nobody has used them."""
    program_id, now = start.ctx.principal.program, start.now
    bound = find_keys(tx, program_id, USE_CASE, [start.key], now) if start.key else {}
    if start.key not in bound or bound[start.key].fingerprint != start.fingerprint:
        return None
    session = find_session(tx, program_id, bound[start.key].outcome["session_id"])
    if session is None or session.number or session.ended_at is not None or now - session.started_at > REPLAY:
        return None
    [stored] = find_members(tx, start.ctx.services.keys, program_id, ids=[session.member_id])
    reference = stored.member.relation_reference
    return tokens_of(tx, start.ctx, session, reference, force_change=force_change, replayed=True)
