"""Mutations that decide about files with too many rejected lines."""

import strawberry

from domain.errors import RedemptionNotFound
from resolvers.batch_decision import discard_batch, release_batch
from schema.context import Info, RequestContext
from schema.field import mutation
from schema.global_id import BATCH, decode
from schema.types.batch import Batch, to_batch


@strawberry.input(description="A held file to go on with.")
class BatchReleaseInput:
    batch_id: strawberry.ID = strawberry.field(description="The file's id.")


@strawberry.input(description="A held file to give up.")
class BatchDiscardInput:
    batch_id: strawberry.ID = strawberry.field(description="The file's id.")


@strawberry.type(description="A held file that was decided about.")
class BatchDecisionPayload:
    batch: Batch = strawberry.field(description="The file.")


@strawberry.type
class BatchMutation:
    @mutation(
        "Go on with a file that was held for too many rejected lines: it waits for its turn, and all lines that are "
        "good are posted, however many are not."
    )
    async def batch_release(self, info: Info, input: BatchReleaseInput) -> BatchDecisionPayload | None:
        row = await release_batch(info.context.changing(), _number(input.batch_id, info.context))
        return BatchDecisionPayload(batch=to_batch(row, info.context))

    @mutation(
        "Give up a file that was held: no more of it is posted, nor what waits for its member. What was posted before "
        "it was held stays; if nothing was, the file may come again under its name."
    )
    async def batch_discard(self, info: Info, input: BatchDiscardInput) -> BatchDecisionPayload | None:
        row = await discard_batch(info.context.changing(), _number(input.batch_id, info.context))
        return BatchDecisionPayload(batch=to_batch(row, info.context))


def _number(given: str, context: RequestContext) -> int:
    """The number of a file. Raises BadRequest, RedemptionNotFound (those of other programs)."""
    number = decode(given, "batchId").number(BATCH, context.ctx.principal.program)
    if number is None:
        raise RedemptionNotFound("no such batch")
    return number
