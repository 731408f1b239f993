"""Endpoints of webhooks, and what could not be delivered to them."""

from datetime import datetime

import strawberry

from domain.webhook_event import KNOWN_TYPES
from resolvers.webhook_record import Webhook as WebhookRow
from resolvers.webhook_replay import DeadLetter
from schema.context import RequestContext

_TYPES = (
    "The types of events that it is told of, each by its name or as a family such as `points.*`; null: all, and those "
    f"that are new one day. Types are {', '.join(f'`{one}`' for one in KNOWN_TYPES)}, and those of `order.*`."
)


@strawberry.type(description="An address that the program's events are posted to. Its secret is shown once.")
class Webhook:
    name: str = strawberry.field(description="Its name in the program.")
    url: str = strawberry.field(description="Where events are posted to.")
    description: str = strawberry.field(description="What people say of it.")
    event_types: list[str] | None = strawberry.field(description=_TYPES)
    enabled: bool = strawberry.field(description="Whether anything is posted. Meanwhile events wait in the feed.")
    disabled_because: str | None = strawberry.field(
        description="Why Tessera disabled it; null where a person did, or nobody."
    )
    old_secret_until: datetime | None = strawberry.field(
        description="Until when messages are signed with the former secret as well; null: it had no overlap."
    )
    position: strawberry.ID = strawberry.field(
        description="The place in the program's feed up to which events were delivered, or are counted below."
    )
    behind: int = strawberry.field(description="How many events before that place are to be tried again.")
    dead_letters: int = strawberry.field(description="How many could not be delivered for days.")
    is_down: bool = strawberry.field(description="Whether nothing of what was tried last arrived: it is tried seldom.")
    next_attempt_at: datetime | None = strawberry.field(
        description="When the first of those that are behind is tried again; null: none is behind."
    )
    succeeded_at: datetime | None = strawberry.field(description="When something arrived last.")
    failed_at: datetime | None = strawberry.field(description="When something did not arrive last.")
    outcome: str | None = strawberry.field(description="What the last request came to.")
    created_at: datetime = strawberry.field(description="When it was made.")
    created_by: str = strawberry.field(description="Who made it.")


@strawberry.type(description="An event that could not be delivered to an endpoint for days.")
class WebhookDeadLetter:
    sequence: strawberry.ID = strawberry.field(description="The place of the event in the program's feed.")
    message_id: str = strawberry.field(description="What it was posted under: `webhook-id`.")
    type: str = strawberry.field(description="The type of the event.")
    relation_reference: str | None = strawberry.field(description="The member that it is of; null: of none.")
    happened_at: datetime = strawberry.field(description="When it happened.")
    attempts: int = strawberry.field(description="How often it was tried.")
    first_tried_at: datetime = strawberry.field(description="When it was tried first.")
    last_tried_at: datetime = strawberry.field(description="When it was tried last.")
    outcome: str = strawberry.field(description="What the last request came to.")


@strawberry.input(
    description="An endpoint. Of one that is known all is replaced but its secret, and it is tried at once. A new one "
    "is told what happens from now on."
)
class WebhookSaveInput:
    name: str = strawberry.field(description="Its name in the program: letters, digits, `-` and `_`, at most 50.")
    url: str = strawberry.field(
        description="An `https` address on the internet; in a sandbox `http` as well. Other networks are refused, "
        "unless the deployment names them."
    )
    description: str = strawberry.field(default="", description="What people say of it: up to 500 characters.")
    event_types: list[str] | None = strawberry.field(default=None, description=_TYPES)
    enabled: bool = strawberry.field(default=True, description="Whether anything is posted.")


def to_webhook(row: WebhookRow, context: RequestContext) -> Webhook:
    """An endpoint as callers see it."""
    return Webhook(
        name=row.name,
        url=row.url,
        description=row.description,
        event_types=None if row.event_types is None else list(row.event_types),
        enabled=row.enabled,
        disabled_because=row.disabled_because,
        old_secret_until=context.local_or_none(row.old_secret_until),
        position=strawberry.ID(str(row.position)),
        behind=row.behind,
        dead_letters=row.dead,
        is_down=row.is_down,
        next_attempt_at=context.local_or_none(row.next_attempt_at),
        succeeded_at=context.local_or_none(row.succeeded_at),
        failed_at=context.local_or_none(row.failed_at),
        outcome=row.outcome,
        created_at=context.local(row.created_at),
        created_by=row.created_by,
    )


def to_dead_letter(row: DeadLetter, context: RequestContext) -> WebhookDeadLetter:
    """What could not be delivered as callers see it."""
    return WebhookDeadLetter(
        sequence=strawberry.ID(str(row.sequence)),
        message_id=row.message_id,
        type=row.type,
        relation_reference=row.relation_reference,
        happened_at=context.local(row.happened_at),
        attempts=row.attempts,
        first_tried_at=context.local(row.first_tried_at),
        last_tried_at=context.local(row.last_tried_at),
        outcome=row.outcome,
    )
