"""Use cases of what webhooks deliver: test messages, deliveries again, and what could not be delivered."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from domain.access import Permission
from domain.errors import InvalidRequest
from domain.ids import new_token
from domain.store import webhook as store
from domain.store import webhook_delivery as deliveries
from domain.store.member import references_of
from domain.webhook import signed_headers
from domain.webhook_event import TEST_TYPE, name_of
from resolvers.carrier import NoAnswer
from resolvers.context import Context
from resolvers.webhook import carrier_of
from resolvers.webhook_letter import body_of, message_id
from resolvers.webhook_record import Webhook, current_webhook, load_webhook, record_change
from resolvers.webhook_round import attempt_of, secrets_of

MAX_DEAD_LETTERS = 500
"""So many can be named at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookTest:
    """What a test message came to."""

    is_delivered: bool
    outcome: str
    took_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """An event that could not be delivered for days. `message_id` is what it was sent under."""

    sequence: int
    message_id: str
    type: str
    relation_reference: str | None
    happened_at: datetime
    attempts: int
    first_tried_at: datetime
    last_tried_at: datetime
    outcome: str


async def try_webhook(ctx: Context, name: str) -> WebhookTest:
    """Post a test message to an endpoint at once, whether it is enabled or not.

    Raises Forbidden, WebhookNotFound, ServiceUnavailable (this process posts nothing).
    """
    ctx.principal.require(Permission.WEBHOOK_WRITE)
    row = await ctx.read(lambda tx: load_webhook(tx, ctx, name, lock=False))
    carrier, now, began = carrier_of(ctx), ctx.services.clock(), time.monotonic()
    content = body_of(TEST_TYPE, now, {"webhook": name})
    headers = signed_headers(secrets_of(ctx.services, row, now), new_token("test", 16), now, content)
    try:
        attempt = attempt_of(await carrier.post(row.url, headers, content), now)
        is_delivered, outcome = attempt.is_delivered, attempt.outcome
    except NoAnswer as error:
        is_delivered, outcome = False, str(error)
    return WebhookTest(is_delivered=is_delivered, outcome=outcome, took_ms=round((time.monotonic() - began) * 1000))


async def replay_webhook(
    ctx: Context, name: str, *, after: int | None = None, since: datetime | None = None
) -> Webhook:
    """Deliver again all that came behind an event of the feed, or happened since an instant, then what comes.

    Raises Forbidden, InvalidRequest (not one of the two, or not delivered yet), WebhookNotFound.
    """
    ctx.principal.require(Permission.WEBHOOK_WRITE)
    if (after is None) == (since is None):
        raise InvalidRequest("after: this, or since", field="after")

    def body(tx: Connection) -> Webhook:
        row = load_webhook(tx, ctx, name)
        to = after if since is None else store.number_at(tx, row.program_id, since)
        if to is None or not 0 <= to <= row.position:
            raise InvalidRequest("after: what comes behind it was not delivered yet", field="after")
        deliveries.drop_behind(tx, row.program_id, row.id, to)
        values = {"position": to, "replays": row.replays + 1, "failures": 0, "rests_until": None}
        values["behind"] = deliveries.count_behind(tx, row.program_id, row.id)
        values["next_attempt_at"] = deliveries.next_due(tx, row.program_id, row.id)
        store.update_endpoint(tx, row.program_id, row.id, values)
        record_change(tx, ctx, "replay", name, {"position": row.position}, {"position": to})
        return current_webhook(tx, ctx, name)

    webhook = await ctx.write(body)
    ctx.services.couriers.bell.set()
    return webhook


async def replay_dead_letters(ctx: Context, name: str, sequences: Sequence[int] | None = None) -> int:
    """Try dead letters again, these or all, as if they were new; how many.

    Raises Forbidden, InvalidRequest (too many, or some of these are none), WebhookNotFound.
    """
    ctx.principal.require(Permission.WEBHOOK_WRITE)
    if sequences is not None and len(sequences) > MAX_DEAD_LETTERS:
        raise InvalidRequest(f"sequences: at most {MAX_DEAD_LETTERS}", field="sequences")
    now = ctx.services.clock()

    def body(tx: Connection) -> int:
        row = load_webhook(tx, ctx, name)
        revived = deliveries.revive(tx, row.program_id, row.id, now, sequences)
        if sequences is not None and len(revived) != len(set(sequences)):
            raise InvalidRequest("sequences: not all of them are dead letters", field="sequences")
        deliveries.settle_lanes(tx, row.program_id, row.id, {one.lane for one in revived})
        values = {"behind": deliveries.count_behind(tx, row.program_id, row.id), "next_attempt_at": now}
        values |= {"failures": 0, "rests_until": None}
        store.update_endpoint(tx, row.program_id, row.id, values)
        left = deliveries.count_dead(tx, row.program_id).get(row.id, 0)
        after = {"dead": left, "count": len(revived)}
        record_change(tx, ctx, "replay-dead", name, {"dead": left + len(revived)}, after)
        return len(revived)

    revived = await ctx.write(body)
    ctx.services.couriers.bell.set()
    return revived


async def list_dead_letters(ctx: Context, name: str, *, first: int, after: int | None = None) -> list[DeadLetter]:
    """What could not be delivered to an endpoint, oldest first. Raises Forbidden, WebhookNotFound."""
    ctx.principal.require(Permission.WEBHOOK_READ)

    def body(tx: Connection) -> list[DeadLetter]:
        endpoint = load_webhook(tx, ctx, name, lock=False)
        rows = deliveries.page_dead(tx, endpoint.program_id, endpoint.id, first=first, after=after)
        members = [row.member_id for row in rows if row.member_id is not None]
        references = references_of(tx, endpoint.program_id, members) if members else {}
        return [_dead_letter(row, references) for row in rows]

    return await ctx.read(body)


def _dead_letter(row: Row[Any], references: Mapping[int, str]) -> DeadLetter:
    return DeadLetter(
        sequence=row.feed_seq,
        message_id=message_id(row.program_id, row.feed_seq),
        type=name_of(row.topic),
        relation_reference=references.get(row.member_id),
        happened_at=row.created_at,
        attempts=row.attempts,
        first_tried_at=row.first_tried_at,
        last_tried_at=row.next_attempt_at,
        outcome=row.outcome or "",
    )
