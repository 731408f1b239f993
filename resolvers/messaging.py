"""Messages to members are written in the database transaction of their cause, sealed under the member's key."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from domain.crypto import encrypt
from domain.message import (
    ADDRESS_EVENT,
    EMAIL,
    LINK_EVENT,
    NOTICE_LIFE,
    OTP_EVENT,
    SMS,
    MessageTemplate,
    fill,
    pick_link_template,
    pick_notice_template,
    pick_template,
)
from domain.models.types import to_json
from domain.store.member import Stored
from domain.store.message import Draft, add_message
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.subject import Named, Subject


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How a member is reached: the channel and, where it has one, its own address there.

    `has_file`: in a sandbox people read the messages in a file, those of members without an address as well.
    """

    channel: str
    address: str | None
    has_file: bool = False


def way_to(ctx: Context, state: ProgramState, named: Named, stored: Stored | None) -> Way:
    """Asked for by e-mail address: there; else the program's channel, or the other if the member has only that.

    It is always an address of the member's own, as stored: whoever asks has no say in where a code goes.
    """
    preferred = EMAIL if named.email is not None else state.terms.otp_channel
    if stored is None:
        return Way(channel=preferred, address=None)
    own = {EMAIL: stored.member.email_id, SMS: stored.member.mobile_number}
    if named.email is None and not own[preferred]:
        other = SMS if preferred == EMAIL else EMAIL
        if own[other]:
            return Way(channel=other, address=own[other])
    return Way(channel=preferred, address=own[preferred] or None, has_file=ctx.services.environment == "sandbox")


def send_code(
    tx: Connection,
    state: ProgramState,
    subject: Subject,
    way: Way,
    otp_type: str,
    values: Mapping[str, str],
    expires_at: datetime,
    now: datetime,
) -> None:
    """Write the message that carries a code. For nobody, and for whom there is no address, it goes nowhere."""
    template = pick_template(state.configuration.messages, otp_type, way.channel, _language(subject))
    details = {"otp_type": otp_type, "code": values["code"]}
    _write(tx, state, subject, way, f"{OTP_EVENT}.{otp_type}", template, values, details, expires_at, now)


def send_link(
    tx: Connection,
    ctx: Context,
    state: ProgramState,
    subject: Subject,
    values: Mapping[str, str],
    expires_at: datetime,
    now: datetime,
) -> None:
    """Write the e-mail that carries a link to sign in. For nobody, and who has no address, it goes nowhere."""
    stored = subject.stored
    address = None if stored is None else stored.member.email_id or None
    has_file = stored is not None and ctx.services.environment == "sandbox"
    way = Way(channel=EMAIL, address=address, has_file=has_file)
    template = pick_link_template(state.configuration.messages, _language(subject))
    _write(tx, state, subject, way, LINK_EVENT, template, values, {"link": values["link"]}, expires_at, now)


def send_notice(tx: Connection, state: ProgramState, subject: Subject, way: Way, now: datetime) -> None:
    """Write the message that tells a member, at an address that it had until now, that it has it no longer."""
    template = pick_notice_template(state.configuration.messages, way.channel, _language(subject))
    _write(tx, state, subject, way, ADDRESS_EVENT, template, {}, {}, now + NOTICE_LIFE, now)


def _language(subject: Subject) -> str | None:
    return None if subject.member is None else subject.member.preferred_language


def _write(
    tx: Connection,
    state: ProgramState,
    subject: Subject,
    way: Way,
    event: str,
    template: MessageTemplate,
    values: Mapping[str, str],
    details: Mapping[str, str],
    expires_at: datetime,
    now: datetime,
) -> None:
    add_message(tx, state.id, draft_message(subject.stored, way, event, template, values, details, expires_at), now)


def draft_message(
    stored: Stored | None,
    way: Way,
    event: str,
    template: MessageTemplate,
    values: Mapping[str, str],
    details: Mapping[str, str],
    expires_at: datetime,
) -> Draft:
    """A message before it is stored: what it says, under the member's key."""
    content = {
        "to": way.address,
        "subject": fill(template.subject, values),
        "body": fill(template.body, values),
        "relation_reference": None if stored is None else stored.member.relation_reference,
        **details,
    }
    # Sealed for nobody as well, because it takes as long.
    sealed = encrypt(os.urandom(32) if stored is None else stored.data_key, to_json(content))
    return Draft(
        member_id=None if stored is None else stored.member.id,
        channel=way.channel,
        event=event,
        language=template.language or "",
        payload=sealed if way.address is not None or way.has_file else None,
        expires_at=expires_at,
    )
