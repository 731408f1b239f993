"""Webhook endpoints as use cases give them, and the entries that they leave in the audit trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row

from domain.errors import WebhookNotFound
from domain.store import webhook as store
from domain.store import webhook_delivery as deliveries
from domain.store.audit import record
from resolvers.context import Context


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """An endpoint as it is kept; never its secret.

    `position`: the number of the event up to which all was delivered, or is counted in `behind` (tried again) or
    `dead`. `old_secret_until`: messages are signed with the former secret as well.
    """

    name: str
    url: str
    description: str
    event_types: Sequence[str] | None
    enabled: bool
    disabled_because: str | None
    old_secret_until: datetime | None
    position: int
    behind: int
    dead: int
    is_down: bool
    next_attempt_at: datetime | None
    succeeded_at: datetime | None
    failed_at: datetime | None
    outcome: str | None
    created_at: datetime
    created_by: str


def load_webhook(tx: Connection, ctx: Context, name: str, *, lock: bool = True) -> Row[Any]:
    """The endpoint of this name in the caller's program. Raises WebhookNotFound."""
    row = store.find_endpoint(tx, ctx.principal.program, name, lock=lock)
    if row is None:
        raise WebhookNotFound
    return row


def current_webhook(tx: Connection, ctx: Context, name: str) -> Webhook:
    """The same as callers see it, as it is in this database transaction. Raises WebhookNotFound."""
    row = load_webhook(tx, ctx, name, lock=False)
    return to_webhook(row, deliveries.count_dead(tx, row.program_id).get(row.id, 0))


def to_webhook(row: Row[Any], dead: int) -> Webhook:
    """A stored endpoint as callers see it."""
    own = {name: getattr(row, name) for name in Webhook.__dataclass_fields__ if name not in {"dead", "is_down"}}
    return Webhook(dead=dead, is_down=row.failures > 0, **own)


def record_change(tx: Connection, ctx: Context, what: str, name: str, before: Any, after: Any) -> None:
    """An entry of the audit trail; no secret."""
    record(
        tx,
        ctx.principal.program,
        now=ctx.services.clock(),
        actor=ctx.principal,
        action=f"webhook.{what}",
        subject=f"webhook:{name}",
        before=before,
        after=after,
    )


def told_of(row: Row[Any]) -> dict[str, Any]:
    """What the audit trail has of an endpoint. Whoever receives may have put a secret behind the `?`."""
    url = urlsplit(row.url)._replace(query="").geturl()
    return {"url": url} | {name: getattr(row, name) for name in ("description", "event_types", "enabled")}
