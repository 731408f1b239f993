"""What became of a round of an endpoint is noted in one database transaction, with the endpoint's new position."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from domain.store import webhook as endpoints
from domain.store import webhook_delivery as store
from domain.store.audit import record
from domain.webhook import next_attempt, rest_until
from resolvers.couriers import Lease
from resolvers.webhook_letter import Letter
from resolvers.webhook_round import AT_ONCE, Attempt, Item, Round

GONE_BECAUSE = "the receiver answered that it is gone (HTTP 410)"


def note_round(tx: Connection, lease: Lease, done: Round, now: datetime) -> bool:
    """Note what became of a round; whether there is more to do at once, else the endpoint is given back.

    Nothing is noted where another process took the endpoint up, or it was set back to an earlier event meanwhile.
    """
    row = endpoints.load_leased(tx, lease.program_id, lease.endpoint_id, lease.number, lock=True)
    if row is None:
        return False
    if row.replays != done.endpoint.replays:
        return True
    _store_deliveries(tx, row, done, now)
    values = _outcome(row, done, now) | _disabled(tx, row, done, now)
    values["position"] = done.position
    values["behind"] = store.count_behind(tx, row.program_id, row.id)
    values["next_attempt_at"] = due = store.next_due(tx, row.program_id, row.id)
    is_more = endpoints.newest_number(tx, row.program_id) > done.position or (due is not None and due <= now)
    goes_on = is_more and values["rests_until"] is None and values.get("enabled", row.enabled)
    endpoints.update_endpoint(tx, row.program_id, row.id, values if goes_on else values | {"leased_until": now})
    return bool(goes_on)


def _store_deliveries(tx: Connection, row: Row[Any], done: Round, now: datetime) -> None:
    """Forget what arrived, store what did not, and let the next of each member be first."""
    arrived, again, fresh = [], [], [_row_of(row, one, store.HELD, now) for one in done.held]
    for item in done.items:
        attempt, known = done.attempts.get(item.letter.seq), item.known
        if attempt is not None and attempt.is_delivered:
            arrived += [] if known is None else [item.letter.seq]
        elif known is None:
            fresh.append(_row_of(row, item.letter, store.HELD, now) | _tried(item, attempt))
        elif attempt is not None:
            again.append({"feed_seq": item.letter.seq} | _tried(item, attempt))
    store.drop_deliveries(tx, row.program_id, row.id, arrived)
    store.change_deliveries(tx, row.program_id, row.id, again)
    store.add_deliveries(tx, fresh)
    if arrived or again or fresh:
        lanes = {one.letter.lane for one in done.items} | {one.lane for one in done.held}
        store.settle_lanes(tx, row.program_id, row.id, lanes)


def _row_of(row: Row[Any], letter: Letter, status: str, now: datetime) -> dict[str, Any]:
    return {
        "program_id": row.program_id,
        "endpoint_id": row.id,
        "feed_seq": letter.seq,
        "lane": letter.lane,
        "topic": letter.topic,
        "status": status,
        "attempts": 0,
        "first_tried_at": None,
        "next_attempt_at": now,
        "outcome": None,
    }


def _tried(item: Item, attempt: Attempt | None) -> dict[str, Any]:
    """What a failed attempt changes of a row."""
    if attempt is None:
        return {}
    known = item.known
    attempts = 1 if known is None else known.attempts + 1
    first = attempt.at if known is None or known.first_tried_at is None else known.first_tried_at
    again_at = next_attempt(attempts, first, attempt.at, attempt.retry_after_s)
    return {
        "status": store.DEAD if again_at is None else store.HELD,
        "attempts": attempts,
        "first_tried_at": first,
        "next_attempt_at": again_at or attempt.at,
        "outcome": attempt.outcome,
    }


def _outcome(row: Row[Any], done: Round, now: datetime) -> dict[str, Any]:
    """What a round says of its endpoint. Where many were tried, or it was down, and none came, it is down."""
    last = max(done.attempts.values(), key=lambda one: one.at, default=None)
    values: dict[str, Any] = {"rests_until": None}
    if last is None:
        return values
    values["outcome"] = last.outcome
    if any(not one.is_delivered for one in done.attempts.values()):
        values["failed_at"] = now
    if done.delivered:
        return values | {"succeeded_at": now, "failures": 0}
    if row.failures or len(done.attempts) >= AT_ONCE:
        values |= {"failures": row.failures + 1, "rests_until": rest_until(row.failures + 1, now)}
    return values


def _disabled(tx: Connection, row: Row[Any], done: Round, now: datetime) -> dict[str, Any]:
    """An endpoint whose receiver says that it is gone for good is disabled; what it was behind with is kept."""
    is_gone = any(one.is_gone for one in done.attempts.values())
    if not is_gone or not row.enabled or row.url != done.endpoint.url:
        return {}
    values = {"enabled": False, "disabled_because": GONE_BECAUSE}
    record(
        tx,
        row.program_id,
        now=now,
        actor="system:webhooks",
        action="webhook.disable",
        subject=f"webhook:{row.name}",
        before={"enabled": True},
        after=values,
    )
    return values
