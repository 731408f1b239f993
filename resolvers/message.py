"""Use cases of messages to members: how a template looks, a test of one, and what could not be delivered."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from domain.access import Permission
from domain.clock import to_micros
from domain.errors import BadRequest, ConfigurationRefused, InvalidRequest, ServiceUnavailable
from domain.message import EMAIL, MessageTemplate, fill
from domain.notice import SAMPLES
from domain.rules.parse import ConfigurationInvalid, parse
from domain.store import message as store
from domain.store.member import references_of
from resolvers.context import Context
from resolvers.messenger import Messenger, Outgoing

_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f]{1,190}")
_NUMBER = re.compile(r"\+?[0-9]{5,20}")

_log = structlog.get_logger("tessera.messages")


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewMessage:
    """A template of the configuration by its name, or one that is nowhere yet."""

    template: str | None = None
    event: str | None = None
    channel: str | None = None
    subject: str = ""
    body: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MessagePreview:
    """What a message says, with samples in braces."""

    event: str
    channel: str
    subject: str
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageTest:
    """What became of a test message."""

    is_delivered: bool
    outcome: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UndeliveredMessage:
    """A message that failed. `next_attempt_at` None: it was given up."""

    id: int
    event: str
    channel: str
    language: str
    relation_reference: str | None
    created_at: datetime
    attempts: int
    outcome: str | None
    next_attempt_at: datetime | None


async def preview_message(ctx: Context, command: PreviewMessage) -> MessagePreview:
    """How a template looks with samples. Raises Forbidden, BadRequest (neither or both), ConfigurationRefused (a
    template that is not good), InvalidRequest (no template of this name)."""
    ctx.principal.require(Permission.CONFIGURATION_READ)
    if command.template is not None:
        template = await ctx.read(lambda tx: _template(tx, ctx, str(command.template)))
    else:
        template = _given(command)
    return _filled(template)


async def send_test_message(ctx: Context, name: str, to: str) -> MessageTest:
    """Send a template of the configuration, with samples, to an address, and wait for what becomes of it.

    Raises Forbidden, InvalidRequest (no such template, no address), ServiceUnavailable (this process sends nothing).
    """
    ctx.principal.require(Permission.CONFIGURATION_WRITE)
    now = ctx.services.clock()

    def body(tx: Connection) -> tuple[MessageTemplate, int]:
        template = _template(tx, ctx, name)
        if (_EMAIL if template.channel == EMAIL else _NUMBER).fullmatch(to) is None:
            raise InvalidRequest(f"to: no address for {template.channel}", field="to")
        _messenger(ctx)
        told = {"template": name, "channel": template.channel}
        ctx.audit(tx, "message.test", f"message-template:{name}", after=told)
        return template, ctx.program(tx).public_id

    template, public_id = await ctx.write(body)
    shown = _filled(template)
    message = Outgoing(
        program_id=public_id,
        message_id=to_micros(now),
        attempt=1,
        channel=template.channel,
        event=template.event,
        language=template.language or "",
        to=to,
        subject=shown.subject,
        body=shown.body,
        details={},
    )
    try:
        await _messenger(ctx).deliver(message, now)
    except Exception as error:
        # Whatever a carrier raises means that it was not delivered; its text may name the address, or hold what the
        # gateway was sent.
        _log.warning("test message was not delivered", channel=template.channel, reason=type(error).__name__)
        return MessageTest(is_delivered=False, outcome=type(error).__name__)
    return MessageTest(is_delivered=True, outcome="handed on")


async def list_undelivered(ctx: Context, *, first: int, before_id: int | None = None) -> list[UndeliveredMessage]:
    """Messages that failed and were not delivered since, newest first. Raises Forbidden."""
    ctx.principal.require(Permission.CONFIGURATION_READ)
    program_id = ctx.principal.program

    def body(tx: Connection) -> list[UndeliveredMessage]:
        rows = store.page_undelivered(tx, program_id, first=first, before_id=before_id)
        members = [row.member_id for row in rows if row.member_id is not None]
        references = references_of(tx, program_id, members) if members else {}
        return [_undelivered(row, references.get(row.member_id)) for row in rows]

    return await ctx.read(body)


async def count_undelivered(ctx: Context) -> int:
    """How many they are. Raises Forbidden."""
    ctx.principal.require(Permission.CONFIGURATION_READ)
    return await ctx.read(lambda tx: store.count_undelivered(tx, ctx.principal.program))


def _messenger(ctx: Context) -> Messenger:
    if ctx.services.messenger is None:
        raise ServiceUnavailable("this process sends nothing")
    return ctx.services.messenger


def _template(tx: Connection, ctx: Context, name: str) -> MessageTemplate:
    for one in ctx.program(tx).configuration.messages:
        if one.name == name:
            return one
    raise InvalidRequest("template: the configuration has none of this name", field="template")


def _given(command: PreviewMessage) -> MessageTemplate:
    if command.event is None or command.channel is None or command.body is None:
        raise BadRequest("template: this, or event, channel and body", field="template")
    item = {"name": "preview", "event": command.event, "channel": command.channel, "body": command.body}
    if command.subject:
        item["subject"] = command.subject
    try:
        [template] = parse({"version": 1, "messages": [item]}).messages
    except ConfigurationInvalid as error:
        raise ConfigurationRefused(str(error)) from error
    return template


def _filled(template: MessageTemplate) -> MessagePreview:
    return MessagePreview(
        event=template.event,
        channel=template.channel,
        subject=fill(template.subject, SAMPLES),
        body=fill(template.body, SAMPLES),
    )


def _undelivered(row: Row[Any], reference: str | None) -> UndeliveredMessage:
    return UndeliveredMessage(
        id=row.id,
        event=row.event,
        channel=row.channel,
        language=row.language,
        relation_reference=reference,
        created_at=row.created_at,
        attempts=row.attempts,
        outcome=row.outcome,
        next_attempt_at=row.next_attempt_at,
    )
