"""The share of rejected rows over which a program holds a file for an administrator."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row

from domain.store import batch as store
from domain.store.program import ProgramState
from resolvers.batch_line import REJECTED, BatchRow


class BatchHeld(Exception):
    """The batch is held: none of its lines is posted before an administrator released it."""


def is_over(limit_percent: Decimal | None, *, rejected: int, rows: int) -> bool:
    """Whether so many rejected rows of so many are more than the program puts up with."""
    return limit_percent is not None and rejected * 100 > limit_percent * rows


def hold_over_limit(tx: Connection, state: ProgramState, locked: Row[Any], posted: Sequence[BatchRow]) -> None:
    """Hold a batch of which so many rows are rejected by now that it is over the limit whatever follows.

    `locked` is the batch as it was before `posted`. Where nothing follows there is nothing to hold.
    """
    read = locked.rows_read + len(posted)
    if locked.rows_total is None or locked.released_at is not None or read >= locked.rows_total:
        return
    rejected = locked.rejected + sum(row.status == REJECTED for row in posted)
    if is_over(state.configuration.files.reject_limit_percent, rejected=rejected, rows=locked.rows_total):
        store.hold_batch(tx, locked.program_id, locked.id)
