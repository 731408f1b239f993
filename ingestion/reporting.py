"""What the log tells of a file under way: its start, every ten seconds how far it is, its end."""

import time
from dataclasses import dataclass, field

import structlog

from ingestion.load import Progress
from resolvers.batch import Batch
from resolvers.context import Context

EVERY_S = 10.0

_log = structlog.get_logger("tessera.inbox")


@dataclass(slots=True)
class Reporter:
    """Tells of one run of a file; made when it begins."""

    ctx: Context
    batch: Batch
    _told_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._tell("file begins", self.batch.rows_read, self.batch.rejected)

    def report(self, progress: Progress) -> None:
        """Tell how far it is, if that has not been told lately."""
        now = time.monotonic()
        if now - self._told_at >= EVERY_S:
            self._told_at = now
            self._tell("file gets on", progress.rows, progress.rejected)

    def end(self, batch: Batch) -> None:
        """Tell what became of it."""
        self.batch = batch
        self._tell(f"file is {batch.status.lower()}", batch.rows_read, batch.rejected)

    def _tell(self, what: str, rows: int, rejected: int) -> None:
        batch, rate = self.batch, self.batch.rows_per_second(self.ctx.services.clock())
        _log.info(
            what,
            program=self.ctx.principal.public_program_id,
            batch=batch.id,
            file=batch.file_name,
            rows=rows,
            of=batch.rows_total,
            rejected=rejected,
            **({} if batch.finished_at is None or rate is None else {"rows_per_second": round(rate)}),
        )
