"""The lines of a batch file: what each becomes, posted and recorded in one database transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from domain.errors import TesseraError
from domain.points import to_minor
from domain.store import batch as store
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.member import ImportMember, import_members
from resolvers.progress import file_progress, tell_progress
from resolvers.transaction import SubmitTransaction, TransactionOutcome, post_transactions

ACCEPTED, REJECTED = "ACCEPTED", "REJECTED"
SUCCESS = "000"


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchLine:
    """One line of a file: the command it became, or the refusal that reading it gave."""

    line: int
    command: ImportMember | SubmitTransaction | TesseraError


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchRow:
    """The outcome of one line: status ACCEPTED or REJECTED with its v1 code."""

    line: int
    status: str
    code: str
    message: str
    points: Decimal
    external_reference: UUID | None


def not_standing(tx: Connection, locked: Row[Any], lines: Sequence[BatchLine]) -> list[BatchLine]:
    """The lines that have no outcome yet."""
    if not lines:
        return []
    standing = store.standing_lines(tx, locked.program_id, locked.id, first=lines[0].line, last=lines[-1].line)
    return [line for line in lines if line.line not in standing]


def post_fresh_lines(
    tx: Connection, ctx: Context, state: ProgramState, locked: Row[Any], lines: Sequence[BatchLine]
) -> list[BatchRow]:
    """Post lines that do not stand yet in a locked batch, and record their outcomes and its restart point."""
    rows = _post(tx, ctx, state, locked.type, lines)
    _store_outcomes(tx, locked, state, lines, rows)
    told = file_progress(locked, done=locked.rows_read + len(rows))
    tell_progress(tx, locked.program_id, told, ctx.services.clock())
    return rows


def _post(
    tx: Connection, ctx: Context, state: ProgramState, file_type: str, lines: Sequence[BatchLine]
) -> list[BatchRow]:
    """The outcome of each line, in order; what was readable has been posted."""
    outcomes: Iterator[object]
    if file_type == "CPD":
        members = [line.command for line in lines if isinstance(line.command, ImportMember)]
        outcomes = iter(import_members(tx, ctx, state, members))
    else:
        transactions = [line.command for line in lines if isinstance(line.command, SubmitTransaction)]
        outcomes = iter(post_transactions(tx, ctx, state, transactions))
    return [
        _to_row(line.line, line.command if isinstance(line.command, TesseraError) else next(outcomes)) for line in lines
    ]


def _to_row(line: int, outcome: object) -> BatchRow:
    if isinstance(outcome, TesseraError):
        return _row(line, REJECTED, outcome.code, outcome.text)
    if not isinstance(outcome, TransactionOutcome):
        return _row(line, ACCEPTED, SUCCESS, "Success")
    reference = outcome.external_references[0] if outcome.external_references else None
    if outcome.replayed:
        # Its points were given before, perhaps through another door: here they count for nothing.
        return _row(line, ACCEPTED, SUCCESS, "Success (replayed)", reference=reference)
    message = "Success (a refund had waited for it)" if outcome.taken_back else "Success"
    told = message if outcome.hold is None else f"Success ({outcome.hold.lower()})"
    # What such a refund takes moves by this row, and when it came itself it took nothing.
    return _row(line, ACCEPTED, SUCCESS, told, outcome.points + outcome.taken_back, reference)


def _row(
    line: int,
    status: str,
    code: str,
    message: str,
    points: Decimal = Decimal(0),
    reference: UUID | None = None,
) -> BatchRow:
    return BatchRow(line=line, status=status, code=code, message=message, points=points, external_reference=reference)


def _store_outcomes(
    tx: Connection,
    locked: Row[Any],
    state: ProgramState,
    lines: Sequence[BatchLine],
    rows: Sequence[BatchRow],
) -> None:
    places = state.places
    stored = [
        {
            "line": row.line,
            "status": row.status,
            "code": row.code,
            "message": row.message,
            "points": to_minor(row.points, places),
            "external_reference": row.external_reference,
        }
        for row in rows
    ]
    store.insert_rows(tx, locked.program_id, locked.id, stored)
    accepted = [line.command for line, row in zip(lines, rows, strict=True) if row.status == ACCEPTED]
    store.advance_batch(
        tx,
        locked,
        accepted=len(accepted),
        rejected=len(rows) - len(accepted),
        amount=sum((c.amount for c in accepted if isinstance(c, SubmitTransaction)), Decimal(0)),
        points=sum(to_minor(row.points, places) for row in rows),
    )
