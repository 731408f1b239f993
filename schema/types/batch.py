"""Batch files and the outcome of each of their lines."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import strawberry

from resolvers.batch import Batch as BatchFile
from resolvers.batch import BatchRow as BatchLine
from schema.connection import (
    After,
    Connection,
    First,
    connection_of,
    number_cursor,
    read_number_cursor,
    read_page,
)
from schema.context import Info, RequestContext
from schema.field import field
from schema.global_id import BATCH, encode
from schema.scalar import Points
from schema.types.node import Node


@strawberry.enum(description="How far a file is.")
class BatchStatus(Enum):
    WAITING = strawberry.enum_value("WAITING", description="It was taken, and waits for its turn.")
    RUNNING = strawberry.enum_value("RUNNING", description="It is being read, or will be read on.")
    HELD = strawberry.enum_value(
        "HELD",
        description="Too many of its lines are rejected, or it was uploaded by hand and waits for another "
        "administrator: one releases or discards it.",
    )
    FINISHED = strawberry.enum_value("FINISHED", description="Every line has its outcome.")
    DISCARDED = strawberry.enum_value(
        "DISCARDED", description="What has no outcome yet is not posted any more; what was posted stays."
    )
    REFUSED = strawberry.enum_value(
        "REFUSED", description="The file was refused as a whole, and nothing of it was read: `message` says why."
    )


@strawberry.enum(description="What became of a line.")
class BatchRowStatus(Enum):
    ACCEPTED = strawberry.enum_value("ACCEPTED", description="It was posted.")
    REJECTED = strawberry.enum_value("REJECTED", description="It was refused; nothing of it was posted.")
    PARKED = strawberry.enum_value("PARKED", description="It waits for its member or card, which nobody knows yet.")


@strawberry.type(description="The outcome of one line of a file.")
class BatchRow:
    line: int = strawberry.field(description="The line in the file; the header is line 1.")
    status: BatchRowStatus = strawberry.field(description="What became of it.")
    code: str = strawberry.field(description="The v1 code: `000` for success.")
    message: str = strawberry.field(description="What is wrong with it.")
    points: Points = strawberry.field(description="What it gave, net.")
    external_reference: UUID | None = strawberry.field(description="The reference of its first posting.")


@strawberry.type(description="How many lines were rejected with one code.")
class RejectCount:
    code: str = strawberry.field(description="The v1 code.")
    count: int = strawberry.field(description="How many lines.")


@strawberry.type(description="The sums over the lines of a file.")
class BatchTotals:
    awarded: Points = strawberry.field(description="Points given.")
    taken: Points = strawberry.field(description="Points taken, positive.")
    rejected: list[RejectCount] = strawberry.field(description="The rejected lines by code.")


@strawberry.type(description="A file that was loaded, or is being loaded.")
class Batch(Node):
    batch_id: int = strawberry.field(description="Its number within the program, as handbacks have it.")
    type: str = strawberry.field(
        description="The type of file: `CPD` members, `CRD` sub-relations, `TXN` transactions, `BNS` bonuses, "
        "`ATT` attribute definitions. Empty for a refused file that does not tell."
    )
    file_name: str = strawberry.field(description="The name that it came under.")
    sha256: str = strawberry.field(
        description="The hash of its content, which is loaded once; empty for a file that was refused."
    )
    status: BatchStatus = strawberry.field(description="How far it is.")
    code: str | None = strawberry.field(
        description="The v1 code with which the file was refused, or not read any further; null if it was not."
    )
    message: str | None = strawberry.field(description="Why it was; null if it was not.")
    rows_read: int = strawberry.field(
        description="Lines that have an outcome, or wait for it. Of a file that was held before it began those that "
        "cannot be accepted."
    )
    rows_total: int | None = strawberry.field(
        description="Lines that there are: until the file was read an estimate, which blank lines, and line breaks "
        "within values, make too large; null where nobody counted."
    )
    pending: int | None = strawberry.field(description="Lines that have no outcome yet; null where nobody counted.")
    progress: float | None = strawberry.field(
        description="What share of the lines has its outcome, from 0 to 1; null where nobody counted."
    )
    rows_per_second: float | None = strawberry.field(
        description="How fast it gets on, or got on in the end; null while it waits or is held."
    )
    accepted: int = strawberry.field(description="Lines that were posted.")
    rejected: int = strawberry.field(description="Lines that were refused.")
    parked: int = strawberry.field(description="Lines that wait for their member or card.")
    amount: Decimal = strawberry.field(
        description="The sum over the accepted transactions, purchases and refunds together."
    )
    amount_refunds: Decimal = strawberry.field(description="What of `amount` are refunds.")
    points: Points = strawberry.field(description="What the accepted lines gave, net.")
    started_at: datetime = strawberry.field(description="When it was opened.")
    finished_at: datetime | None = strawberry.field(description="When it was finished or discarded.")
    released_at: datetime | None = strawberry.field(description="When an administrator released it, if it was held.")
    row_id: strawberry.Private[int]

    @field("The outcome of each line, in the order of the file.")
    async def rows(self, info: Info, first: First = None, after: After = None) -> Connection[BatchRow] | None:
        page = read_page(first, after)
        line = read_number_cursor("rows", page) or 0
        found = await info.context.loaders.batch_rows.load((self.row_id, line, page.size + 1))
        return connection_of(found, page, lambda row: _to_row(row), lambda row: number_cursor("rows", row.line))

    @field("Its place among the files of the program that wait: 1 is next; null where it does not wait.")
    async def queue_position(self, info: Info) -> int | None:
        return await info.context.loaders.queue_position.load(self.row_id)

    @field("The sums over all lines.")
    async def totals(self, info: Info) -> BatchTotals | None:
        totals = await info.context.loaders.batch_totals.load(self.row_id)
        counts = sorted(totals.rejected_by_code.items())
        return BatchTotals(
            awarded=Points(totals.awarded),
            taken=Points(totals.taken),
            rejected=[RejectCount(code=code, count=count) for code, count in counts],
        )


def to_batch(row: BatchFile, context: RequestContext) -> Batch:
    """A batch as callers see it."""
    return Batch(
        id=encode(BATCH, context.ctx.principal.program, row.id),
        batch_id=row.id,
        type=row.type,
        file_name=row.file_name,
        sha256=row.sha256,
        status=BatchStatus(row.status),
        code=row.code,
        message=row.message,
        rows_read=row.decided,
        rows_total=row.rows_total,
        pending=row.pending,
        progress=row.progress,
        rows_per_second=row.rows_per_second(context.ctx.services.clock()),
        accepted=row.accepted,
        rejected=row.rejected,
        parked=row.parked,
        amount=row.amount,
        amount_refunds=row.refunded,
        points=Points(row.points),
        started_at=context.local(row.started_at),
        finished_at=context.local_or_none(row.finished_at),
        released_at=context.local_or_none(row.released_at),
        row_id=row.id,
    )


def _to_row(row: BatchLine) -> BatchRow:
    return BatchRow(
        line=row.line,
        status=BatchRowStatus(row.status),
        code=row.code,
        message=row.message,
        points=Points(row.points),
        external_reference=row.external_reference,
    )
