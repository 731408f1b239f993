"""Adjustments that wait for a second administrator, in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from domain.models import member, points_request
from domain.store.ids import allocate_ids

PENDING, APPROVED, REJECTED = "PENDING", "APPROVED", "REJECTED"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRequest:
    """One request; `points` signed, in smallest units; `reason` under the member's key, which is `data_key` wrapped.

    `expires_at` None: as the program's terms have it when it is approved.
    """

    id: int
    member_id: int
    status: str
    points: int
    reason: bytes
    expires_at: datetime | None
    requested_by: str
    requested_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    entry_id: int | None = None
    data_key: bytes | None = None


_COLUMNS = tuple(name for name in StoredRequest.__dataclass_fields__ if name not in {"id", "data_key"})


def insert_request(
    tx: Connection,
    program_id: int,
    *,
    member_id: int,
    points: int,
    reason: bytes,
    expires_at: datetime | None,
    requested_by: str,
    requested_at: datetime,
) -> int:
    """Store a request that waits; its id."""
    number = allocate_ids(tx, points_request, program_id, 1)[0]
    tx.execute(
        insert(points_request).values(
            program_id=program_id,
            id=number,
            member_id=member_id,
            status=PENDING,
            points=points,
            reason=reason,
            expires_at=expires_at,
            requested_by=requested_by,
            requested_at=requested_at,
        )
    )
    return number


def find_requests(
    tx: Connection, program_id: int, ids: Sequence[int], *, lock: bool = False
) -> dict[int, StoredRequest]:
    """Requests by id, locked for a decision if asked for."""
    query = _requests(program_id).where(points_request.c.id.in_(ids)).order_by(points_request.c.id)
    query = query.with_for_update(of=points_request) if lock else query
    return {row.id: _stored(row) for row in tx.execute(query)}


def page_requests(
    tx: Connection,
    program_id: int,
    *,
    status: str | None,
    members: Sequence[int] | None = None,
    limit: int,
    before_id: int | None = None,
) -> list[StoredRequest]:
    """The newest requests of a program, of one status or of all, about these members or about all."""
    query = _requests(program_id).order_by(points_request.c.id.desc()).limit(limit)
    query = query.where(points_request.c.status == status) if status is not None else query
    query = query.where(points_request.c.member_id.in_(members)) if members is not None else query
    query = query.where(points_request.c.id < before_id) if before_id is not None else query
    return [_stored(row) for row in tx.execute(query)]


def decide_request(
    tx: Connection,
    program_id: int,
    request_id: int,
    status: str,
    *,
    decided_by: str,
    decided_at: datetime,
    entry_id: int | None = None,
) -> None:
    """Mark a pending request as approved or rejected. The caller has locked it."""
    tx.execute(
        update(points_request)
        .where(
            points_request.c.program_id == program_id,
            points_request.c.id == request_id,
            points_request.c.status == PENDING,
        )
        .values(status=status, decided_by=decided_by, decided_at=decided_at, entry_id=entry_id)
    )


def _requests(program_id: int) -> Any:
    its = (member.c.program_id == points_request.c.program_id) & (member.c.id == points_request.c.member_id)
    return select(points_request, member.c.data_key).join(member, its).where(points_request.c.program_id == program_id)


def _stored(row: Row[Any]) -> StoredRequest:
    return StoredRequest(id=row.id, data_key=row.data_key, **{name: getattr(row, name) for name in _COLUMNS})
