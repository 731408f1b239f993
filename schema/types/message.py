"""Messages to members: how a template looks, and what could not be delivered."""

from datetime import datetime
from enum import Enum

import strawberry

from resolvers.message import UndeliveredMessage as UndeliveredRow
from schema.context import RequestContext


@strawberry.enum(description="How messages reach members.")
class MessageChannel(Enum):
    EMAIL = strawberry.enum_value("email", description="By e-mail.")
    SMS = strawberry.enum_value("sms", description="As text messages.")


@strawberry.type(description="What a message says, with samples for what is filled in.")
class MessagePreview:
    event: str = strawberry.field(description="What it is about.")
    channel: MessageChannel = strawberry.field(description="How it is sent.")
    subject: str = strawberry.field(description="The subject of an e-mail.")
    body: str = strawberry.field(description="The text.")


@strawberry.type(
    description="A message to a member that failed and was not delivered since. What it says is not shown."
)
class UndeliveredMessage:
    event: str = strawberry.field(description="What it is about.")
    channel: MessageChannel = strawberry.field(description="How it was to be sent.")
    language: str = strawberry.field(description="The language of its template; empty: of one for everybody.")
    relation_reference: str | None = strawberry.field(description="The member.")
    created_at: datetime = strawberry.field(description="When it was written.")
    attempts: int = strawberry.field(description="How often it was tried.")
    outcome: str | None = strawberry.field(description="What kind of failure the last attempt met.")
    next_attempt_at: datetime | None = strawberry.field(description="When it is tried again; null: it was given up.")


def to_undelivered(row: UndeliveredRow, context: RequestContext) -> UndeliveredMessage:
    """A message that was not delivered as callers see it."""
    return UndeliveredMessage(
        event=row.event,
        channel=MessageChannel(row.channel),
        language=row.language,
        relation_reference=row.relation_reference,
        created_at=context.local(row.created_at),
        attempts=row.attempts,
        outcome=row.outcome,
        next_attempt_at=context.local_or_none(row.next_attempt_at),
    )
