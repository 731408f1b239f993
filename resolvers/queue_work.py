"""The work of the queue: posts what was accepted, portion by portion, each with its outcomes in one transaction.

Whoever is killed in the middle leaves the portion as it was: nothing is posted twice, nothing is lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from domain.access import Permission, Principal, PrincipalKind
from domain.errors import (
    DuplicateRecord,
    KeyReused,
    ServiceUnavailable,
    TesseraError,
    UnexpectedFailure,
)
from domain.points import to_minor
from domain.store import queue as store
from domain.store.idempotency import find_keys
from domain.store.program import ProgramState
from domain.store.queue import FAILED, SUCCESS, StoredItem
from domain.store.transaction import find_transactions
from resolvers.context import Context, Services
from resolvers.earning import USE_CASE
from resolvers.program import Program, list_environment_programs
from resolvers.progress import queue_progress, tell_progress
from resolvers.queue_payload import load_command
from resolvers.submission import TransactionOutcome
from resolvers.submission_order import SubmitTransaction
from resolvers.transaction import post_transactions

ITEMS_PER_COMMIT = 100
_ACTOR = "system:queue"

_log = structlog.get_logger("tessera.queue")


async def work_queue(services: Services, *, limit: int = ITEMS_PER_COMMIT) -> int:
    """Post the next portion of the oldest batch of every program; how many transactions were seen to.

    Any number of processes share the work: each takes a batch that no other one works on.
    """
    waiting = await services.db.read(store.programs_with_work)
    if not waiting:
        return 0
    done, failures = 0, list[Exception]()
    for program in await list_environment_programs(services):
        if program.id in waiting:
            try:
                done += await _work(services, program, limit)
            except Exception as error:  # noqa: BLE001 - raised below, when the other programs had their turn
                failures.append(error)
    if failures:
        raise failures[0]
    return done


async def _work(services: Services, program: Program, limit: int) -> int:
    portion = _Portion(services, program)
    try:
        return await portion.post(limit)
    except ServiceUnavailable:
        raise
    except Exception:
        # One of them is poison: nothing of the portion is stored, and each is tried alone.
        _log.exception("a portion of the queue failed, its items are tried one by one", program_id=program.id)
    done = 0
    while done < limit and await portion.post_alone():
        done += 1
    return done


@dataclass(slots=True)
class _Portion:
    """Posts the next items of a program. `tried`: batches and the items that `post` began with, the last at the end."""

    services: Services
    program: Program
    tried: list[tuple[int, StoredItem]] = field(default_factory=list)

    async def post(self, limit: int) -> int:
        """Post the next items of the oldest batch that is free; how many."""
        ctx = self._context(_ACTOR, "job", "queue")
        return await ctx.write(lambda tx: self._post(tx, limit))

    async def post_alone(self) -> bool:
        """Post one item, or mark it as failed where even that raises; False where there is none."""
        self.tried.clear()
        try:
            return bool(await self.post(1))
        except ServiceUnavailable:
            raise
        except Exception as error:
            if not self.tried:
                raise
            batch_id, item = self.tried[-1]
            _log.exception("a queued transaction failed", request_id=str(item.request_id))
            refusal = error if isinstance(error, TesseraError) else UnexpectedFailure()
            await self._fail(batch_id, item, refusal)
            return True

    def _post(self, tx: Connection, limit: int) -> int:
        batch = store.lock_next_batch(tx, self.program.id)
        if batch is None:
            return 0
        # One more than is posted, to know whether it is the last portion.
        items = store.pending_items(tx, batch, limit + 1)
        mine = items[:limit]
        if mine:
            self.tried.append((batch.id, mine[0]))
            self._settle(tx, batch, mine)
        self._advance(tx, batch, items[limit:])
        return len(mine)

    def _settle(self, tx: Connection, batch: Row[Any], items: Sequence[StoredItem]) -> None:
        ctx = self._context(batch.actor, batch.source, f"queue:{batch.reference}")
        state = ctx.program_in_force(tx)
        commands = [_command(ctx, one) for one in items]
        outcomes = post_transactions(tx, ctx, state, commands)
        results = list(zip(items, outcomes, strict=True))
        posted = [_posted(one, outcome, state) for one, outcome in results if not _is_repeat(outcome)]
        store.store_outcomes(tx, state.id, batch.id, posted)
        # The first with the same key may stand among them.
        repeats = [_repeat(tx, ctx, state, one, outcome) for one, outcome in results if _is_repeat(outcome)]
        store.store_outcomes(tx, state.id, batch.id, repeats)

    def _advance(self, tx: Connection, batch: Row[Any], rest: Sequence[StoredItem]) -> None:
        at = rest[0].position if rest else batch.total
        now = self.services.clock()
        store.advance_queue(tx, batch, at, None if rest else now)
        tell_progress(tx, self.program.id, queue_progress(batch, done=at), now)

    async def _fail(self, batch_id: int, item: StoredItem, refusal: TesseraError) -> None:
        """Mark an item as failed, if nobody did anything about it meanwhile."""

        def body(tx: Connection) -> None:
            batch = store.lock_queue_batch(tx, self.program.id, batch_id)
            pending = [] if batch is None else store.pending_items(tx, batch, 2)
            if batch is not None and pending and pending[0].position == item.position:
                store.store_outcomes(tx, self.program.id, batch_id, [_failed(item, refusal)])
                self._advance(tx, batch, pending[1:])

        await self.services.db.write(body)

    def _context(self, actor: str, source: str, request_id: str) -> Context:
        """A call on behalf of who submitted."""
        principal = Principal(
            kind=PrincipalKind.PROGRAM,
            actor=actor,
            program_id=self.program.id,
            public_program_id=self.program.public_id,
            environment=self.program.environment,
            permissions=frozenset({Permission.TRANSACTION_SUBMIT}),
        )
        return Context(services=self.services, principal=principal, source=source, request_id=request_id)


def _command(ctx: Context, item: StoredItem) -> SubmitTransaction:
    return load_command(ctx.services.keys.open_queued(item.payload or b""))


def _is_repeat(outcome: TransactionOutcome | TesseraError) -> bool:
    """Whether the key of a transaction stood for another one already."""
    if isinstance(outcome, TesseraError):
        return outcome.is_replay or isinstance(outcome, KeyReused)
    return outcome.replayed


def _posted(item: StoredItem, outcome: TransactionOutcome | TesseraError, state: ProgramState) -> StoredItem:
    if isinstance(outcome, TesseraError):
        return _failed(item, outcome)
    points = to_minor(outcome.points, state.places)
    status = outcome.hold or SUCCESS
    return replace(item, payload=None, status=status, points=points, transaction_ref=outcome.id)


def _failed(item: StoredItem, refusal: TesseraError) -> StoredItem:
    return replace(item, payload=None, status=FAILED, code=refusal.code, detail=refusal.detail)


def _repeat(
    tx: Connection, ctx: Context, state: ProgramState, item: StoredItem, outcome: TransactionOutcome | TesseraError
) -> StoredItem:
    """A repeated key is a failure that names the first request, or what is known of one that was not queued."""
    kind = KeyReused if isinstance(outcome, KeyReused) else DuplicateRecord
    return _failed(item, kind(_first(tx, ctx, state, item.idempotency_key or "")))


def _first(tx: Connection, ctx: Context, state: ProgramState, key: str) -> str:
    bound = find_keys(tx, state.id, USE_CASE, [key], ctx.services.clock())[key]
    refusal: str | None = bound.outcome.get("refusal")
    transaction: int | None = bound.outcome.get("id")
    request = store.first_request(tx, state.id, key, transaction_ref=transaction, code=refusal)
    if request is not None:
        return f"idempotency key of request_id {str(request).upper()}"
    if transaction is None:
        return f"idempotency key of a transaction that was refused with {refusal}"
    first = find_transactions(tx, state.id, [transaction])[transaction]
    return f"idempotency key of transaction_id {first.transaction_id} from {first.source}"
