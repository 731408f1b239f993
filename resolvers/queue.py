"""Use cases of transactions that are accepted at once and posted later: submit, poll, and the work itself."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy import Connection

from domain.access import Permission
from domain.crypto import KeyRing
from domain.errors import BY_CODE, BadRequest, BodyTooLarge, RedemptionNotFound, TesseraError
from domain.points import from_minor
from domain.store import queue as store
from domain.store.queue import FAILED, ON_HOLD, PARTIAL_HOLD, PENDING, SUCCESS, StoredItem
from resolvers.context import Context
from resolvers.queue_payload import dump_command
from resolvers.submission_order import SubmitTransaction

__all__ = [
    "FAILED",
    "ON_HOLD",
    "PARTIAL_HOLD",
    "PENDING",
    "SUCCESS",
    "Element",
    "PolledBatch",
    "PolledItem",
    "QueuedBatch",
    "poll_queue",
    "submit_queue",
]

Element = SubmitTransaction | TesseraError
"""One transaction to queue, or why it could not be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuedBatch:
    """What was queued: what to poll by, and what each transaction is called there, in order."""

    batch_id: UUID
    request_ids: Sequence[UUID]


@dataclass(frozen=True, kw_only=True, slots=True)
class PolledItem:
    """One transaction of a batch. `points` of what was posted, negative for a refund; `error` where it failed."""

    request_id: UUID
    status: str
    points: Decimal
    error: TesseraError | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PolledBatch:
    """A batch with all its transactions in order. `points` is the sum of what was posted."""

    batch_id: UUID
    items: Sequence[PolledItem]
    counts: Mapping[str, int]
    points: Decimal


async def submit_queue(ctx: Context, elements: Sequence[Element]) -> QueuedBatch:
    """Queue transactions, durably; what could not be read is queued as failed.

    Raises Forbidden, BadRequest (none given), BodyTooLarge (more than the program takes).
    """
    ctx.principal.require(Permission.TRANSACTION_SUBMIT)
    if not elements:
        raise BadRequest("no transactions")
    limit = (await ctx.read(ctx.program)).terms.queue_limit
    if len(elements) > limit:
        raise BodyTooLarge(f"at most {limit} transactions")
    # Tens of thousands take a while, and other requests go on meanwhile.
    items = await asyncio.to_thread(_items, ctx.services.keys, elements)
    batch_id, now = uuid4(), ctx.services.clock()

    def body(tx: Connection) -> None:
        program = ctx.principal.program
        store.insert_queue(
            tx, program, reference=batch_id, source=ctx.source, actor=ctx.principal.actor, now=now, items=items
        )

    await ctx.write(body)
    ctx.services.queued.set()
    return QueuedBatch(batch_id=batch_id, request_ids=[one.request_id for one in items])


def _items(keys: KeyRing, elements: Sequence[Element]) -> list[StoredItem]:
    return [_item(keys, position, one) for position, one in enumerate(elements)]


def _item(keys: KeyRing, position: int, element: Element) -> StoredItem:
    if isinstance(element, TesseraError):
        return StoredItem(
            position=position,
            request_id=uuid4(),
            idempotency_key=None,
            payload=None,
            status=FAILED,
            code=element.code,
            detail=element.detail,
        )
    return StoredItem(
        position=position,
        request_id=uuid4(),
        idempotency_key=element.idempotency_key,
        payload=keys.seal_queued(dump_command(element)),
        status=PENDING,
    )


async def poll_queue(ctx: Context, batch_id: UUID) -> PolledBatch:
    """How far a batch of the caller's program is. Raises Forbidden, RedemptionNotFound (123: no such request)."""
    ctx.principal.require(Permission.BATCH_READ)

    def body(tx: Connection) -> PolledBatch:
        batch = store.find_queue_batch(tx, ctx.principal.program, batch_id)
        if batch is None:
            raise RedemptionNotFound
        places = ctx.program(tx).places
        return _polled(batch_id, store.queued_items(tx, batch), places)

    return await ctx.read(body)


def _polled(batch_id: UUID, stored: Sequence[StoredItem], places: int) -> PolledBatch:
    counts: dict[str, int] = {}
    for one in stored:
        counts[one.status] = counts.get(one.status, 0) + 1
    items = [
        PolledItem(
            request_id=one.request_id,
            status=one.status,
            points=from_minor(one.points, places),
            error=None if one.code is None else BY_CODE[one.code](one.detail),
        )
        for one in stored
    ]
    return PolledBatch(
        batch_id=batch_id, items=items, counts=counts, points=from_minor(sum(one.points for one in stored), places)
    )
