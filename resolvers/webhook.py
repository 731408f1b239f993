"""Use cases of a program's webhook endpoints: kept, changed, given new secrets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import InvalidRequest, ServiceUnavailable
from domain.models import webhook_endpoint
from domain.store import webhook as store
from domain.store import webhook_delivery as deliveries
from domain.store.ids import allocate_ids
from domain.store.program import lock_program
from domain.webhook import new_secret
from domain.webhook_event import check_types
from resolvers.carrier import Carrier
from resolvers.context import Context
from resolvers.outbox import number_program
from resolvers.webhook_record import Webhook, current_webhook, load_webhook, record_change, to_webhook, told_of

MAX_ENDPOINTS, MAX_OVERLAP_HOURS, MAX_DESCRIPTION = 20, 168, 500
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}")


@dataclass(frozen=True, kw_only=True, slots=True)
class SaveWebhook:
    """An endpoint as it is to be. `event_types` None: all."""

    name: str
    url: str
    description: str = ""
    event_types: Sequence[str] | None = None
    enabled: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedWebhook:
    """An endpoint with its fresh secret, the only place where that is ever shown; None where it kept its own."""

    webhook: Webhook
    secret: str | None


async def save_webhook(ctx: Context, command: SaveWebhook) -> IssuedWebhook:
    """Keep an endpoint, or change the one of its name; a new one is told what happens from now on.

    Raises Forbidden, SecondFactorNeeded, InvalidRequest, WebhookAddressRefused.
    """
    ctx.principal.require(Permission.WEBHOOK_WRITE)
    ctx.principal.require_proof()
    _check(ctx, command)
    program_id, now, secret = ctx.principal.program, ctx.services.clock(), new_secret()
    await number_program(ctx.services, program_id)

    def body(tx: Connection) -> IssuedWebhook:
        lock_program(tx, program_id)
        before = store.find_endpoint(tx, program_id, command.name, lock=True)
        terms = {
            "url": command.url,
            "description": command.description,
            "event_types": None if command.event_types is None else sorted(set(command.event_types)),
            "enabled": command.enabled,
            "disabled_because": None,
        }
        if before is None:
            _insert(tx, ctx, command.name, terms, secret, now)
        else:
            # Whatever it failed with before: it is tried at once.
            store.update_endpoint(tx, program_id, before.id, terms | {"failures": 0, "rests_until": None})
        after = load_webhook(tx, ctx, command.name)
        record_change(tx, ctx, "save", command.name, None if before is None else told_of(before), told_of(after))
        webhook = current_webhook(tx, ctx, command.name)
        return IssuedWebhook(webhook=webhook, secret=secret if before is None else None)

    issued = await ctx.write(body)
    ctx.services.couriers.bell.set()
    return issued


async def remove_webhook(ctx: Context, name: str) -> None:
    """Forget an endpoint, and what was not delivered to it. Raises Forbidden, WebhookNotFound."""
    ctx.principal.require(Permission.WEBHOOK_WRITE)

    def body(tx: Connection) -> None:
        row = load_webhook(tx, ctx, name)
        store.remove_endpoint(tx, row.program_id, row.id)
        record_change(tx, ctx, "remove", name, told_of(row), None)

    await ctx.write(body)


async def rotate_webhook_secret(ctx: Context, name: str, overlap_hours: int = 0) -> IssuedWebhook:
    """Give an endpoint a new secret; for so many hours messages are signed with the former one as well.

    Raises Forbidden, SecondFactorNeeded, InvalidRequest, WebhookNotFound.
    """
    ctx.principal.require(Permission.WEBHOOK_WRITE)
    ctx.principal.require_proof()
    if not 0 <= overlap_hours <= MAX_OVERLAP_HOURS:
        raise InvalidRequest(f"overlap_hours: 0 to {MAX_OVERLAP_HOURS}", field="overlap_hours")
    now, secret = ctx.services.clock(), new_secret()

    def body(tx: Connection) -> IssuedWebhook:
        row = load_webhook(tx, ctx, name)
        until = now + timedelta(hours=overlap_hours) if overlap_hours else None
        values = {
            "secret": ctx.services.keys.seal_webhook(secret),
            "old_secret": row.secret if overlap_hours else None,
            "old_secret_until": until,
        }
        store.update_endpoint(tx, row.program_id, row.id, values)
        before, after = (
            {"old_secret_until": None if one is None else one.isoformat()} for one in (row.old_secret_until, until)
        )
        record_change(tx, ctx, "rotate-secret", name, before, after)
        return IssuedWebhook(webhook=current_webhook(tx, ctx, name), secret=secret)

    return await ctx.write(body)


async def list_webhooks(ctx: Context) -> list[Webhook]:
    """The endpoints of the caller's program, by name. Raises Forbidden."""
    ctx.principal.require(Permission.WEBHOOK_READ)

    def body(tx: Connection) -> list[Webhook]:
        dead = deliveries.count_dead(tx, ctx.principal.program)
        return [to_webhook(row, dead.get(row.id, 0)) for row in store.list_endpoints(tx, ctx.principal.program)]

    return await ctx.read(body)


def carrier_of(ctx: Context) -> Carrier:
    """What posts in this process. Raises ServiceUnavailable where nothing does."""
    if ctx.services.carrier is None:
        raise ServiceUnavailable("this process posts nothing")
    return ctx.services.carrier


def _check(ctx: Context, command: SaveWebhook) -> None:
    if _NAME.fullmatch(command.name) is None:
        raise InvalidRequest("name: letters, digits, - and _, at most 50", field="name")
    text = command.description.replace("\n", " ")
    if len(text) > MAX_DESCRIPTION or not (text.isprintable() or not text):
        raise InvalidRequest(f"description: at most {MAX_DESCRIPTION} characters", field="description")
    check_types(command.event_types)
    carrier_of(ctx).check(command.url)


def _insert(tx: Connection, ctx: Context, name: str, terms: dict[str, Any], secret: str, now: datetime) -> None:
    program_id = ctx.principal.program
    if len(store.list_endpoints(tx, program_id)) >= MAX_ENDPOINTS:
        raise InvalidRequest(f"name: a program has at most {MAX_ENDPOINTS} webhooks: remove one first", field="name")
    [endpoint_id] = allocate_ids(tx, webhook_endpoint, program_id, 1)
    own = {
        "program_id": program_id,
        "id": endpoint_id,
        "name": name,
        "secret": ctx.services.keys.seal_webhook(secret),
        "position": store.newest_number(tx, program_id),
        "leased_until": now,
        "created_at": now,
        "created_by": ctx.principal.actor,
    }
    store.insert_endpoint(tx, terms | own)
