"""One-time codes, shared by the use cases that send them and that take guesses at them: counted, compared, used."""

import hmac
from datetime import datetime
from enum import Enum

from sqlalchemy import Connection

from domain.errors import KeyReused, OtpAttemptsExceeded, OtpInvalid, OtpTooOften, TesseraError
from domain.origin import read_origin
from domain.otp import (
    GUESSES_PER_MEMBER,
    GUESSES_PER_SEND,
    LIFE,
    SENDS_PER_MEMBER,
    mac_of,
    new_code,
    wait_s,
)
from domain.store.otp import Code, has_spent, hold_recent, replace_code, store_recent, take_try
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.messaging import send_code, way_to
from resolvers.subject import Named, Subject


class Guess(Enum):
    """What became of a guess; REPLAYED: its idempotency key had run before; REUSED: with another code."""

    RIGHT = "right"
    WRONG = "wrong"
    SPENT = "spent"
    REPLAYED = "replayed"
    REUSED = "reused"


def count_send(
    tx: Connection, ctx: Context, state: ProgramState, subject: Subject, address: str | None, now: datetime
) -> None:
    """Take one send off what the hour has. Raises OtpTooOften."""
    recent = hold_recent(tx, state.id, subject.digest, subject.member_id, now)
    waits = [wait_s(recent.sends, SENDS_PER_MEMBER, now)]
    counted = [(subject.digest, recent)]
    origin, most = origin_of(ctx, state, address), state.terms.otp_sends_per_address
    if origin is not None and most:
        counted.append((origin, hold_recent(tx, state.id, origin, None, now)))
        waits.append(wait_s(counted[-1][1].sends, most, now))
    if any(waits):
        raise OtpTooOften(retry_after_s=max(waits))
    for digest, one in counted:
        one.sends.append(now)
        store_recent(tx, state.id, digest, one, now)


def write_code(
    tx: Connection, ctx: Context, state: ProgramState, subject: Subject, named: Named, otp_type: str, now: datetime
) -> None:
    """Make a code, which kills the old of its type, and write the message that carries it."""
    way = way_to(ctx, state, named, subject.stored)
    code, expires_at = new_code(state.terms.otp_length), now + LIFE
    mac = mac_of(ctx.services.keys, subject.digest, otp_type, way.channel, expires_at, code)
    kept = Code(otp_type, way.channel, mac, expires_at)
    replace_code(tx, state.id, subject.digest, subject.member_id, kept, now)
    values = {"code": code, "minutes": str(int(LIFE.total_seconds() // 60))}
    send_code(tx, state, subject, way, otp_type, values, expires_at, now)


def refusal_of(guess: Guess) -> TesseraError | None:
    """The error that a guess is answered with, if any."""
    refusals = {Guess.WRONG: OtpInvalid, Guess.SPENT: OtpAttemptsExceeded, Guess.REUSED: KeyReused}
    refusal = refusals.get(guess)
    return None if refusal is None else refusal()


def guess_code(
    tx: Connection,
    ctx: Context,
    state: ProgramState,
    subject: Subject,
    otp_type: str,
    code: str,
    address: str | None,
    now: datetime,
) -> Guess:
    """Count a guess and compare it. What comes of a right one, which is not used yet, is the caller's to do."""
    if not count_guess(tx, ctx, state, subject, address, now):
        return Guess.SPENT
    return compare_code(tx, ctx, state, subject, otp_type, code, now)


def compare_code(
    tx: Connection, ctx: Context, state: ProgramState, subject: Subject, otp_type: str, code: str, now: datetime
) -> Guess:
    """Compare a guess that was counted."""
    tried = take_try(tx, state.id, subject.digest, otp_type, now)
    if not tried and has_spent(tx, state.id, subject.digest, otp_type, now):
        return Guess.SPENT
    kept = next((one for one in tried if one.otp_type == otp_type), None)
    if kept is None:
        return Guess.WRONG
    given = mac_of(ctx.services.keys, subject.digest, kept.otp_type, kept.channel, kept.expires_at, code)
    if not hmac.compare_digest(kept.mac, given) or subject.member is None:
        return Guess.WRONG
    return Guess.RIGHT


def count_guess(
    tx: Connection, ctx: Context, state: ProgramState, subject: Subject, address: str | None, now: datetime
) -> bool:
    """Take one guess off what the hour has, whatever code it is at; False: none is left, and nothing is looked at."""
    counted = [(subject.digest, hold_recent(tx, state.id, subject.digest, subject.member_id, now), GUESSES_PER_MEMBER)]
    origin, most = origin_of(ctx, state, address), state.terms.otp_sends_per_address * GUESSES_PER_SEND
    if origin is not None and most:
        counted.append((origin, hold_recent(tx, state.id, origin, None, now), most))
    if any(len(one.guesses) >= allowed for _, one, allowed in counted):
        return False
    for digest, one, _ in counted:
        one.guesses.append(now)
        store_recent(tx, state.id, digest, one, now)
    return True


def origin_of(ctx: Context, state: ProgramState, address: str | None) -> bytes | None:
    """A keyed hash of where a call comes from; None where that says nothing: no address, or one that all share."""
    where = read_origin(address or "")
    return None if where is None else ctx.services.keys.lookup_hash(state.id, "otp-origin", where)
