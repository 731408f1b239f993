"""Events of files and queued batches that get on: written with what they tell of."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from domain.models.types import to_json
from domain.store.outbox import add_events

BATCH_TOPIC = "batch.progress"


def file_progress(batch: Row[Any], *, done: int | None = None) -> dict[str, Any]:
    """How far a file is: lines that have their outcome, of how many."""
    return {
        "batch_id": batch.id,
        "done": batch.rows_read if done is None else done,
        "total": batch.rows_total,
        "finished": batch.status in {"FINISHED", "DISCARDED", "REFUSED"},
    }


def queue_progress(batch: Row[Any], *, done: int | None = None) -> dict[str, Any]:
    """How far a queued batch is: transactions that have their outcome, of how many."""
    at = (batch.total if batch.finished_at else batch.next_position) if done is None else done
    return {"queue_id": str(batch.reference), "done": at, "total": batch.total, "finished": at >= batch.total}


def tell_progress(tx: Connection, program_id: int, told: Mapping[str, Any], now: datetime) -> None:
    """Write the event."""
    add_events(tx, program_id, [{"topic": BATCH_TOPIC, "payload": to_json(told), "created_at": now}])
