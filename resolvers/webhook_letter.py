"""What is posted for an event: its type, its instant and its data, which name a member by its reference only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row

from domain.clock import NEVER
from domain.points import from_minor, plain_text
from domain.store.feed import StoredEvent
from domain.store.member import references_of
from domain.store.program import ProgramState
from domain.store.webhook_source import files_of, postings_of, purchase_ids_of
from domain.webhook_event import type_of

_OTHERS = ("survivor_id", "victim_id", "referee_id", "referrer_id")
"""Further members that events name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """An event as it is posted. `id` is the same each time, at each endpoint; letters of one `lane` go in order."""

    seq: int
    lane: int
    topic: str
    type: str
    id: str
    body: bytes


def lane_of(event: StoredEvent) -> int:
    """What an event goes in order with: others of its member. What is of no member waits for nothing."""
    return -event.seq if event.member_id is None else event.member_id


def message_id(program_id: int, seq: int) -> str:
    """The id of the message that tells of an event; of the partition, as sandbox and live have one number."""
    return f"evt_{program_id}_{seq}"


def body_of(type_: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """The body of a message."""
    return orjson.dumps({"type": type_, "timestamp": _instant(at), "data": data})


def write_letters(tx: Connection, state: ProgramState, events: Sequence[StoredEvent]) -> list[Letter]:
    """The letters of these events, in their order; an event that nobody is told of has none."""
    told = [(event, event.told) for event in events]
    source = _Source(tx, state, [one for _, one in told], [event.member_id for event in events])
    letters = []
    for event, one in told:
        type_ = type_of(event.topic, one)
        if type_ is not None:
            data = {"sequence": str(event.seq)} | source.member(event.member_id) | source.data(event.topic, one)
            letters.append(
                Letter(
                    seq=event.seq,
                    lane=lane_of(event),
                    topic=event.topic,
                    type=type_,
                    id=message_id(state.id, event.seq),
                    body=body_of(type_, event.created_at, data),
                )
            )
    return letters


class _Source:
    """What a page of events refers to, read at once."""

    def __init__(
        self, tx: Connection, state: ProgramState, told: Sequence[Mapping[str, Any]], members: Sequence[int | None]
    ) -> None:
        def ids(*names: str) -> list[int]:
            return sorted({one[name] for one in told for name in names if isinstance(one.get(name), int)})

        self._places = state.places
        wanted = {one for one in members if one is not None} | set(ids(*_OTHERS))
        self._references = references_of(tx, state.id, sorted(wanted)) if wanted else {}
        self._postings = postings_of(tx, state.id, ids("entry_id"))
        self._files = files_of(tx, state.id, ids("batch_id"))
        self._purchases = purchase_ids_of(tx, state.id, ids("transaction"))

    def member(self, member_id: int | None) -> dict[str, Any]:
        """Whom an event is of."""
        return {} if member_id is None else {"member": self._references.get(member_id)}

    def data(self, topic: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """What an event tells. Numbers of rows are ours: an event of whatever topic is told without them."""
        if "entry_id" in told:
            return self._posting(self._postings[told["entry_id"]])
        if topic == "batch.progress":
            return self._batch(told)
        if topic == "expiry.reminder":
            at = datetime.fromisoformat(told["expires_at"])
            return {"points": self._points(told["points"]), "expires_at": _instant(at)}
        if "transaction" in told and "held_id" in told:
            return {"transaction_id": self._purchases.get(told["transaction"])}
        others = {one.removesuffix("_id"): self._references.get(told[one]) for one in _OTHERS if one in told}
        return others | {name: value for name, value in told.items() if not _is_row(name, value)}

    def _posting(self, row: Row[Any]) -> dict[str, Any]:
        return {
            "reference": str(row.external_reference),
            "kind": row.kind,
            "bucket": row.bucket,
            "points": self._points(row.points),
            "balance_after": self._points(row.balance_after),
            "entry_sequence": str(row.seq),
            "transaction_date": _instant(row.transaction_date),
            "expires_at": None if row.expires_at is None or row.expires_at >= NEVER else _instant(row.expires_at),
            "merchant": row.merchant,
            "amount": None if row.amount is None else plain_text(row.amount),
            "transaction_id": row.purchase_id,
            "reverses": None if row.reverses_reference is None else str(row.reverses_reference),
        }

    def _batch(self, told: Mapping[str, Any]) -> dict[str, Any]:
        if "queue_id" in told:
            return {"queue_batch_id": told["queue_id"], "rows": told["total"]}
        row = self._files[told["batch_id"]]
        return {
            "file_name": row.file_name,
            "file_type": row.type,
            "status": row.status,
            "rows": row.rows_read,
            "accepted": row.accepted,
            "rejected": row.rejected,
        }

    def _points(self, minor: int) -> str:
        return plain_text(from_minor(minor, self._places))


def _is_row(name: str, value: Any) -> bool:
    return name.endswith("_id") and isinstance(value, int)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
