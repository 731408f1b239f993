"""The lines of a batch file: what each becomes, posted and recorded in one database transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Connection, Row

from domain.access import Permission
from domain.errors import MemberNotFound, TesseraError
from domain.points import to_minor
from domain.record import record
from domain.rules.fixed import REFUND
from domain.store import batch as store
from domain.store import batch_row
from domain.store.program import ProgramState
from resolvers.attribute_proposal import ProposeAttribute, Proposed, propose_attributes
from resolvers.bonus import Bonus, PostBonus, post_bonuses
from resolvers.context import Context
from resolvers.member import ImportMember, import_members
from resolvers.parked_payload import Waiting
from resolvers.parking import is_to_wait, parking_of
from resolvers.progress import file_progress, tell_progress
from resolvers.sub_relation import LinkSubRelation, link_sub_relations
from resolvers.transaction import SubmitTransaction, TransactionOutcome, post_transactions

ACCEPTED, REJECTED, PARKED = "ACCEPTED", "REJECTED", "PARKED"
SUCCESS = "000"
PARKED_OUTCOME = object()
"""The outcome of a line that waits."""

Command: TypeAlias = ImportMember | LinkSubRelation | SubmitTransaction | PostBonus | ProposeAttribute


@dataclass(frozen=True, slots=True)
class Poster:
    """What posts the lines of a type of file: many in one database transaction, an outcome or a refusal for each."""

    permission: Permission
    post: Callable[[Connection, Context, ProgramState, Sequence[Any]], Sequence[object]]


POSTERS: Mapping[str, Poster] = {
    "CPD": Poster(Permission.MEMBER_WRITE, import_members),
    "CRD": Poster(Permission.SUB_RELATION_WRITE, link_sub_relations),
    "TXN": Poster(Permission.TRANSACTION_SUBMIT, post_transactions),
    "BNS": Poster(Permission.POINTS_AWARD, post_bonuses),
    "ATT": Poster(Permission.BATCH_WRITE, propose_attributes),
}
"""By type of file."""


@record
class BatchLine:
    """One line of a file: the command it became, or the refusal that reading it gave; `raw` is how it came."""

    line: int
    command: Command | TesseraError
    raw: bytes = b""


@record
class BatchRow:
    """The outcome of one line: status ACCEPTED, REJECTED or PARKED, with its v1 code."""

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
    standing = batch_row.standing_lines(tx, locked.program_id, locked.id, first=lines[0].line, last=lines[-1].line)
    return [line for line in lines if line.line not in standing]


def post_fresh_lines(
    tx: Connection, ctx: Context, state: ProgramState, locked: Row[Any], lines: Sequence[BatchLine]
) -> list[BatchRow]:
    """Post lines that do not stand yet in a locked batch, and record their outcomes and its restart point.

    Lines whose member is not known, or that others wait before, wait where the program says so. Raises Forbidden.
    """
    ctx.principal.require(POSTERS[locked.type].permission)
    parking = parking_of(tx, ctx, state, locked)
    if parking is None:
        outcomes = post_lines(tx, ctx, state, locked.type, lines)
    else:
        waiters = [(one.line, one.command, one.raw) for one in lines if isinstance(one.command, Waiting)]
        behind = parking.behind(waiters)
        outcomes = post_lines(tx, ctx, state, locked.type, [one for one in lines if one.line not in behind])
        waiting = {line for line, outcome in outcomes.items() if is_to_wait(outcome)} | behind
        waiters = [one for one in waiters if one[0] in waiting]
        parking.park(waiters)
        outcomes |= {line: PARKED_OUTCOME for line, *_ in waiters}
    rows = [to_row(one.line, outcomes[one.line]) for one in lines]
    told = file_progress(locked, done=_store_outcomes(tx, locked, state, lines, rows))
    if told["done"] != told["total"]:
        # Behind the last lines comes the end, which says so.
        tell_progress(tx, locked.program_id, told, ctx.services.clock())
    return rows


def post_lines(
    tx: Connection, ctx: Context, state: ProgramState, file_type: str, lines: Sequence[BatchLine]
) -> dict[int, object]:
    """The outcome of each line of files of one type; what was readable has been posted, in order.

    The lines of several files go by a number of their own.
    """
    commands = [one.command for one in lines if not isinstance(one.command, TesseraError)]
    outcomes = iter(POSTERS[file_type].post(tx, ctx, state, commands) if commands else ())
    return {one.line: one.command if isinstance(one.command, TesseraError) else next(outcomes) for one in lines}


def to_row(line: int, outcome: object) -> BatchRow:
    """What is stored of a line, and told in the handback."""
    if outcome is PARKED_OUTCOME:
        return _row(line, PARKED, MemberNotFound.code, f"{MemberNotFound.message} (parked)")
    if isinstance(outcome, TesseraError):
        return _row(line, REJECTED, outcome.code, outcome.text)
    if isinstance(outcome, Proposed):
        told = "Success (waits for an administrator)" if outcome.waits else "Success (stands already)"
        return _row(line, ACCEPTED, SUCCESS, told)
    if isinstance(outcome, Bonus):
        if outcome.replayed:
            return _row(line, ACCEPTED, SUCCESS, "Success (replayed)", reference=outcome.external_reference)
        return _row(line, ACCEPTED, SUCCESS, "Success", outcome.points, outcome.external_reference)
    if not isinstance(outcome, TransactionOutcome):
        return _row(line, ACCEPTED, SUCCESS, "Success")
    reference = outcome.external_references[0] if outcome.external_references else None
    if outcome.replayed:
        # Its points were given before, perhaps through another door: here they count for nothing.
        return _row(line, ACCEPTED, SUCCESS, "Success (replayed)", reference=reference)
    why = "a refund had waited for it" if outcome.taken_back else outcome.why_nothing
    why = why if outcome.hold is None else outcome.hold.lower()
    # What such a refund takes moves by this row, and when it came itself it took nothing.
    message = "Success" if why is None else f"Success ({why})"
    return _row(line, ACCEPTED, SUCCESS, message, outcome.points + outcome.taken_back, reference)


def _row(
    line: int,
    status: str,
    code: str,
    message: str,
    points: Decimal = Decimal(0),
    reference: UUID | None = None,
) -> BatchRow:
    return BatchRow(line=line, status=status, code=code, message=message, points=points, external_reference=reference)


def stored_row(row: BatchRow, places: int) -> dict[str, Any]:
    """The outcome of a line as it is stored."""
    return {
        "line": row.line,
        "status": row.status,
        "code": row.code,
        "message": row.message,
        "points": to_minor(row.points, places),
        "external_reference": row.external_reference,
    }


def amount_of(command: object) -> Decimal:
    """What a line adds to the amount of its file."""
    return command.amount if isinstance(command, SubmitTransaction) else Decimal(0)


def refund_of(command: object) -> Decimal:
    """What of the amount of a line is a refund."""
    is_refund = isinstance(command, SubmitTransaction) and command.transaction_type.upper() == REFUND
    return amount_of(command) if is_refund else Decimal(0)


def _store_outcomes(
    tx: Connection,
    locked: Row[Any],
    state: ProgramState,
    lines: Sequence[BatchLine],
    rows: Sequence[BatchRow],
) -> int:
    """How many rows of the file have their outcome by now."""
    stored = [stored_row(row, state.places) for row in rows]
    batch_row.insert_rows(tx, locked.program_id, locked.id, stored)
    statuses = [row.status for row in rows]
    accepted, parked = statuses.count(ACCEPTED), statuses.count(PARKED)
    # Other types have no amounts.
    paid = [line.command for line, one in zip(lines, statuses, strict=True) if one == ACCEPTED and locked.type == "TXN"]
    return store.advance_batch(
        tx,
        locked,
        accepted=accepted,
        rejected=len(rows) - accepted - parked,
        parked=parked,
        amount=sum(map(amount_of, paid), Decimal(0)),
        refunded=sum(map(refund_of, paid), Decimal(0)),
        points=sum([row["points"] for row in stored]),
    )
