"""Use cases that send members what they sign in with: a code, or a link."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from domain.access import Permission
from domain.crypto import hash_secret
from domain.errors import BadRequest, InvalidRequest
from domain.idempotency_key import key_of_member, read_key
from domain.ids import new_token
from domain.session import LINK_LIFE, LINK_PREFIX
from domain.store.idempotency import bind_key, find_keys, fingerprint_of
from domain.store.program import ProgramState
from domain.store.session import replace_link
from resolvers.context import Context
from resolvers.messaging import send_link
from resolvers.one_time_code import count_send, write_code
from resolvers.session import CODE_TYPE
from resolvers.subject import Named, Subject, find_subject

_MINUTES = str(int(LINK_LIFE.total_seconds() // 60))


@dataclass(frozen=True, kw_only=True, slots=True)
class SendToSignIn:
    """Whom to send a code or a link. `address` is where the call came from, as the server saw it."""

    named: Named
    address: str = ""
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """It was sent, if there is such a member with an address; `replayed` where the idempotency key had run before."""

    replayed: bool = False


async def send_session_code(ctx: Context, command: SendToSignIn) -> Sent:
    """Send a code to sign in with to one of the member's own addresses. For nobody it does all the same but to send.

    Raises BadRequest, Forbidden, InvalidRequest, OtpTooOften, KeyReused.
    """
    _check(ctx, command.named)
    return await ctx.write(lambda tx: _send(tx, ctx, command, "session.code"))


async def send_session_link(ctx: Context, command: SendToSignIn) -> Sent:
    """Mail a link to sign in with. For nobody it does all the same but to send.

    Raises BadRequest, Forbidden, InvalidRequest (the program has no `sign_in_url`), OtpTooOften, KeyReused.
    """
    _check(ctx, command.named)
    return await ctx.write(lambda tx: _send(tx, ctx, command, "session.link"))


def _check(ctx: Context, named: Named) -> None:
    if not (named.reference or named.email):
        raise BadRequest("relation_reference: is missing", field="relation_reference")
    ctx.principal.require(Permission.SESSION_START)


def _send(tx: Connection, ctx: Context, command: SendToSignIn, use_case: str) -> Sent:
    now, state, key = ctx.services.clock(), ctx.program(tx), read_key(command.idempotency_key)
    if use_case == "session.link" and state.terms.sign_in_url is None:
        raise InvalidRequest("the program has no sign_in_url, so there are no links")
    subject = find_subject(tx, ctx.services.keys, state.id, command.named)
    # All strangers share the publishable key: each member has its own keys.
    own, fingerprint = None if key is None else key_of_member(key, subject.digest.hex()), fingerprint_of(use_case)
    if own is not None and own in (bound := find_keys(tx, state.id, use_case, [own], now)):
        bound[own].replay(fingerprint)
        return Sent(replayed=True)
    # Codes and links count together: both come to the same person.
    count_send(tx, ctx, state, subject, command.address, now)
    if use_case == "session.link":
        _write_link(tx, ctx, state, subject, now)
    else:
        write_code(tx, ctx, state, subject, command.named, CODE_TYPE, now)
    if own is not None:
        bind_key(tx, state.id, use_case, own, fingerprint, {"sent": True}, now)
    return Sent()


def _write_link(tx: Connection, ctx: Context, state: ProgramState, subject: Subject, now: datetime) -> None:
    token, expires_at = new_token(LINK_PREFIX), now + LINK_LIFE
    replace_link(tx, state.id, subject.digest, subject.member_id, hash_secret(token), now, expires_at)
    # Behind the #, which no browser sends on: neither logs nor other sites get to see it.
    values = {"link": f"{state.terms.sign_in_url}#token={token}", "minutes": _MINUTES}
    send_link(tx, ctx, state, subject, values, expires_at, now)
