"""The subscriptions: what callers are told without asking again and again."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Annotated, TypeAlias, TypeVar
from uuid import UUID

import strawberry

from domain.errors import BadRequest, RedemptionNotFound
from resolvers.following import ORDERS, POSTINGS, Event, follow_batches, follow_members
from schema.context import Info, RequestContext
from schema.field import subscription
from schema.global_id import BATCH, decode
from schema.types.event import (
    BalanceChange,
    BatchProgress,
    MemberActivity,
    OrderChange,
    to_activities,
    to_changes,
    to_order_changes,
    to_progress,
)

Told = TypeVar("Told", MemberActivity, BalanceChange, OrderChange, BatchProgress)

Reference = Annotated[
    str | None,
    strawberry.argument(
        description="The member; null: with a member's token its own member, else all members of the program."
    ),
]
After: TypeAlias = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="The `eventId` of the last event that was seen: all behind it come, and then what is new. Null: "
        "only what is new. Over SSE the header `Last-Event-ID` says the same, and counts if both are there."
    ),
]


@strawberry.type(description="What is told as it happens. Over `graphql-transport-ws` or SSE, at the same address.")
class Subscription:
    @subscription(
        "What happens to a member, or to all members of the program: each event once, those of a member in their order."
    )
    async def member_activity(
        self, info: Info, reference: Reference = None, after: After = None
    ) -> AsyncGenerator[MemberActivity, None]:
        context = info.context
        pages = follow_members(context.ctx, reference, after=_place(after, context), recheck=context.recheck)
        async for one in _one_by_one(pages, to_activities, context):
            yield one

    @subscription(
        "The balance of a member, or of any member of the program, whenever points were posted. Several postings that "
        "came shortly after one another may be told as one. Points that wait for their release become available "
        "without one."
    )
    async def balance_changed(
        self, info: Info, reference: Reference = None, after: After = None
    ) -> AsyncGenerator[BalanceChange, None]:
        context = info.context
        pages = follow_members(
            context.ctx, reference, after=_place(after, context), recheck=context.recheck, prefix=POSTINGS
        )
        async for one in _one_by_one(pages, to_changes, context):
            yield one

    @subscription("How the orders of a member, or of all members of the program, get on.")
    async def order_changed(
        self, info: Info, reference: Reference = None, after: After = None
    ) -> AsyncGenerator[OrderChange, None]:
        context = info.context
        pages = follow_members(
            context.ctx, reference, after=_place(after, context), recheck=context.recheck, prefix=ORDERS
        )
        async for one in _one_by_one(pages, to_order_changes, context):
            yield one

    @subscription(
        "How files and queued batches get on. Of one of them it begins with how far that is, and ends with its end; "
        "without arguments it tells of all. For those who may read batches."
    )
    async def batch_progress(
        self,
        info: Info,
        batch: Annotated[strawberry.ID | None, strawberry.argument(description="The global id of one file.")] = None,
        queue_batch_id: Annotated[
            UUID | None, strawberry.argument(description="One queued batch, as `transactionsQueue` named it.")
        ] = None,
        after: After = None,
    ) -> AsyncGenerator[BatchProgress, None]:
        context = info.context
        if batch is not None and queue_batch_id is not None:
            raise BadRequest("batch: either batch or queueBatchId", field="batch")
        number = None if batch is None else decode(batch, "batch").number(BATCH, context.ctx.principal.program)
        if batch is not None and number is None:
            raise RedemptionNotFound("no such batch")
        pages = follow_batches(
            context.ctx,
            after=_place(after, context),
            recheck=context.recheck,
            batch_id=number,
            queue_id=queue_batch_id,
        )
        async for one in _one_by_one(pages, to_progress, context):
            yield one


async def _one_by_one(
    pages: AsyncGenerator[Sequence[Event], None],
    tell: Callable[[Sequence[Event], RequestContext], list[Told]],
    context: RequestContext,
) -> AsyncGenerator[Told, None]:
    async with aclosing(pages):
        async for page in pages:
            # What was loaded for the events before is not true any longer.
            context.changing()
            for one in tell(page, context):
                context.event_id = one.event_id
                yield one


def _place(after: str | None, context: RequestContext) -> int | None:
    """The number that an event id stands for. Raises BadRequest."""
    given = context.last_event_id or after
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 19):
        raise BadRequest("after: not the id of an event", field="after")
    return int(given)
