"""Attempts at a member's password, shared by the use cases that ask for it: compared, counted, locked out.

Nobody learns from an answer or its time whether a reference is somebody's: failures are counted for whatever was
submitted, and a wrong password costs the same work whoever it is for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from domain.errors import InvalidCredentials, LoginBlocked, MembershipBlocked, ServiceUnavailable, TesseraError
from domain.member import ACTIVE, INACTIVE, LOGIN_BLOCKED, Member
from domain.member_status import Operation, refusal_by_status
from domain.password import hashes_of, matches
from domain.store import audit
from domain.store.login import (
    Failures,
    find_failures,
    forget_failures,
    hold_failures,
    lock_failures,
    set_status,
    store_failures,
)
from domain.store.member_secret import Kept, find_secret, hardest_work
from resolvers.context import Context
from resolvers.lockout import FAILURES_ALLOWED, FORGOTTEN_AFTER, LOCKOUT, tell_updated
from resolvers.subject import Named, Subject, find_subject

RESTRICTED = "Your account has been restricted by the program administrator. Please contact support."
_ROUNDS = 5

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Compared:
    """A password that was compared with what was kept then."""

    kept: Kept | None
    digest: bytes
    is_right: bool


async def compare(ctx: Context, named: Named, password: str) -> Compared:
    """Compare a password outside of any database transaction. Raises LoginBlocked, TooManyRequests."""
    now = ctx.services.clock()

    def look(tx: Connection) -> tuple[Subject, Kept | None, int, Failures]:
        program_id = ctx.principal.program
        subject = find_subject(tx, ctx.services.keys, program_id, named)
        kept = None if subject.member_id is None else find_secret(tx, program_id, subject.member_id)
        return subject, kept, hardest_work(tx, program_id), find_failures(tx, program_id, subject.digest)

    subject, kept, hardest, failures = await ctx.read(look)
    if is_blocked(failures, now):
        raise LoginBlocked
    secret = None if kept is None else kept.secret
    is_right = await ctx.services.hashing.run(
        lambda: matches(secret, password, hardest), program=ctx.principal.program, cost=hashes_of(hardest)
    )
    return Compared(kept, subject.digest, is_right)


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of an attempt: a refusal, or the member, locked, with the failures in a row before."""

    refusal: TesseraError | None
    subject: Subject
    failures: int = 0


def judge(tx: Connection, ctx: Context, named: Named, compared: Compared, now: datetime) -> Judged | None:
    """Count an attempt and say what comes of it; None: what it was compared with is not in force, compare again.

    A refusal comes back and is not raised, because what was counted has to be stored.
    """
    program_id = ctx.principal.program
    subject = find_subject(tx, ctx.services.keys, program_id, named, lock=True)
    kept = None if subject.member_id is None else find_secret(tx, program_id, subject.member_id)
    if subject.digest != compared.digest or kept != compared.kept:
        return None
    if not compared.is_right or subject.member is None:
        return Judged(_count(tx, ctx, subject, now), subject)
    failures = lock_failures(tx, program_id, subject.digest)
    if is_blocked(failures, now):
        return Judged(LoginBlocked(), subject)
    stopped = refusal_to_sign_in(subject.member)
    if stopped is not None:
        return Judged(stopped, subject)
    forget_failures(tx, program_id, subject.digest)
    return Judged(None, subject, _in_a_row(failures, now))


def refusal_to_sign_in(member: Member) -> TesseraError | None:
    """What keeps a member who has proved itself from signing in, if anything: its status."""
    stopped = refusal_by_status(Operation.LOGIN, member.status)
    return None if stopped is None else stopped(RESTRICTED if stopped is MembershipBlocked else None)


def _count(tx: Connection, ctx: Context, subject: Subject, now: datetime) -> TesseraError:
    program_id, member = ctx.principal.program, subject.member
    failures = hold_failures(tx, program_id, subject.digest, subject.member_id, now)
    if is_blocked(failures, now):
        return LoginBlocked()
    counted = Failures(_in_a_row(failures, now) + 1)
    if counted.count >= FAILURES_ALLOWED:
        counted.blocked_until = now + LOCKOUT
        if member is not None and member.status in {ACTIVE, INACTIVE}:
            counted.status_before = member.status
            _lock_out(tx, ctx, member, now)
    store_failures(tx, program_id, subject.digest, counted, now)
    return InvalidCredentials()


def _lock_out(tx: Connection, ctx: Context, member: Member, now: datetime) -> None:
    program_id = ctx.principal.program
    set_status(tx, program_id, member.id, LOGIN_BLOCKED)
    tell_updated(tx, program_id, member.id, now)
    audit.record(tx, program_id, now=now, actor=ctx.principal, action="member.lockout", subject=f"member:{member.id}")
    # Of a lockout that is not stored after all nothing is known but to look again.
    ctx.services.lockouts.note(now + LOCKOUT)


def is_blocked(failures: Failures, now: datetime) -> bool:
    """Whether a subject is locked out."""
    return failures.blocked_until is not None and failures.blocked_until > now


def _in_a_row(failures: Failures, now: datetime) -> int:
    if failures.blocked_until is not None:
        return 0  # It has lapsed, else nobody would ask.
    is_old = failures.updated_at is None or failures.updated_at <= now - FORGOTTEN_AFTER
    return 0 if is_old else failures.count


async def attempt(
    ctx: Context, named: Named, password: str, settle: Callable[[Connection, Compared], Result | None]
) -> Result:
    """Compare and settle in a database transaction, again where the secret was changed in between.

    Raises LoginBlocked, TooManyRequests, ServiceUnavailable.
    """
    for _ in range(_ROUNDS):
        settled = await ctx.write(_given(settle, await compare(ctx, named, password)))
        if settled is not None:
            return settled
    raise ServiceUnavailable("the password is being changed", retry_after_s=1)


def _given(
    settle: Callable[[Connection, Compared], Result | None], compared: Compared
) -> Callable[[Connection], Result | None]:
    return lambda tx: settle(tx, compared)
