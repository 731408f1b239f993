"""Batch files as they are told: how far each is, what it sums up to, what is expected of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row

from domain.errors import RedemptionNotFound
from domain.file_terms import FileTerms
from domain.points import from_minor
from domain.store import batch as store
from domain.store.program import ProgramState
from resolvers.context import Context

WAITING, RUNNING, HELD, FINISHED, DISCARDED = "WAITING", "RUNNING", "HELD", "FINISHED", "DISCARDED"
REFUSED = "REFUSED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """A file and how far it is.

    `status`: WAITING for its turn, RUNNING, HELD for an administrator, FINISHED, DISCARDED, of which no more is posted,
    or REFUSED as a whole; `code` and `message` say why it was refused, or not read any further. `parked` lines wait for
    their member. `amount` is the sum over the accepted transactions, of which `refunded` is that of refunds; `points`
    what they gave, net. `rows_read` is where it is gone on with. `rows_total`: how many lines there are, None where
    nobody counted them; `resumed_at`: when it was last begun or gone on with, at `resumed_rows`; `released_at`: when an
    administrator let it go on whatever is rejected. `header` is the first line as it came; `revision` counts changes of
    outcomes that stood; `uploaded_by`: who brought it by hand.
    """

    id: int
    type: str
    file_name: str
    sha256: str
    status: str
    rows_read: int
    accepted: int
    rejected: int
    parked: int
    amount: Decimal
    points: Decimal
    started_at: datetime
    finished_at: datetime | None
    rows_total: int | None
    resumed_at: datetime | None
    resumed_rows: int
    released_at: datetime | None
    refunded: Decimal = Decimal(0)
    code: str | None = None
    message: str | None = None
    header: bytes = field(default=b"", repr=False)
    revision: int = 0
    uploaded_by: Sequence[str] = ()

    @property
    def wants_approval(self) -> bool:
        """Whether it was uploaded by hand and has to be released by somebody else before it begins."""
        return self.status == HELD and self.resumed_at is None and bool(self.uploaded_by)

    @property
    def decided(self) -> int:
        """How many lines have an outcome, or wait for their member. Of a file held before it began the bad ones."""
        return self.accepted + self.rejected + self.parked

    @property
    def pending(self) -> int | None:
        """How many lines have no outcome yet; None where nobody counted them."""
        if self.status in {FINISHED, DISCARDED, REFUSED}:
            return 0
        return None if self.rows_total is None else max(0, self.rows_total - self.decided)

    @property
    def progress(self) -> float | None:
        """What share of its lines has an outcome, 0 to 1; None where nobody counted them."""
        if self.status == FINISHED:
            return 1.0
        return min(1.0, self.decided / self.rows_total) if self.rows_total else None

    def rows_per_second(self, now: datetime) -> float | None:
        """How fast it gets on, or got on in the end, since it was last gone on with; None where it does not."""
        until = self.finished_at or now
        if self.resumed_at is None or until <= self.resumed_at or self.status not in {RUNNING, FINISHED}:
            return None
        return (self.rows_read - self.resumed_rows) / (until - self.resumed_at).total_seconds()


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchTotals:
    """What the handback sums up: points given and taken (both positive), rejected lines by code."""

    awarded: Decimal
    taken: Decimal
    rejected_by_code: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileLayout:
    """What a program expects of a file of one type, beyond the fixed columns."""

    type: str
    custom_keys: frozenset[str]
    ignore_unknown: bool
    terms: FileTerms = FileTerms()

    @property
    def checks_first(self) -> bool:
        """Whether all rows are read before any is posted, because a file with many bad ones is held."""
        return self.terms.reject_limit_percent is not None


def load_batch(tx: Connection, ctx: Context, batch_id: int) -> Batch:
    """One batch, within a use case. Raises RedemptionNotFound."""
    row = store.load_batch(tx, ctx.principal.program, batch_id)
    if row is None:
        raise RedemptionNotFound("no such batch")
    return to_batch(row, ctx.program(tx))


def to_batches(rows: Sequence[Row[Any]], state: ProgramState) -> list[Batch]:
    """Stored batches as they are told."""
    return [to_batch(row, state) for row in rows]


def to_batch(row: Row[Any], state: ProgramState) -> Batch:
    """A stored batch as it is told."""
    return Batch(
        id=row.id,
        type=row.type,
        file_name=row.file_name,
        sha256=row.sha256,
        status=row.status,
        rows_read=row.rows_read,
        accepted=row.accepted,
        rejected=row.rejected,
        parked=row.parked,
        amount=row.amount,
        points=from_minor(row.points, state.places),
        started_at=row.started_at,
        finished_at=row.finished_at,
        rows_total=row.rows_total,
        resumed_at=row.resumed_at,
        resumed_rows=row.resumed_rows,
        released_at=row.released_at,
        refunded=row.refunded,
        code=row.code,
        message=row.message,
        header=row.header or b"",
        revision=row.revision,
        uploaded_by=row.uploaded_by or (),
    )


def name_key(file_name: str) -> str:
    """What two files may not have in common: without the suffix, because the handbacks would be the same files."""
    return file_name.split(".", 1)[0].lower()
