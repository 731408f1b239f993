"""SQL of proposed attribute definitions."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from domain.models import attribute_proposal as table
from domain.store.ids import allocate_ids

PENDING, APPLIED, DISMISSED = "PENDING", "APPLIED", "DISMISSED"


def pending_proposals(
    tx: Connection,
    program_id: int,
    *,
    keys: Collection[str] | None = None,
    ids: Collection[int] | None = None,
    lock: bool = False,
    first: int | None = None,
    after_id: int = 0,
) -> Sequence[Row[Any]]:
    """The proposals that nobody decided on, oldest first: of these keys, with these ids, or a page of all."""
    query = select(table).where(table.c.program_id == program_id, table.c.status == PENDING, table.c.id > after_id)
    if keys is not None:
        query = query.where(table.c.key.in_(keys))
    if ids is not None:
        query = query.where(table.c.id.in_(ids))
    query = query.with_for_update() if lock else query
    return tx.execute(query.order_by(table.c.id).limit(first)).all()


def replace_proposals(
    tx: Connection, program_id: int, proposals: Sequence[Mapping[str, Any]], instead_of: Collection[int], now: datetime
) -> None:
    """Store proposals (section, key, definition, source) in place of those with these ids."""
    if instead_of:
        tx.execute(delete(table).where(table.c.program_id == program_id, table.c.id.in_(instead_of)))
    if not proposals:
        return
    fixed = {"program_id": program_id, "status": PENDING, "proposed_at": now, "decided_at": None, "decided_by": None}
    ids = allocate_ids(tx, table, program_id, len(proposals))
    tx.execute(insert(table), [fixed | {"id": one} | dict(given) for one, given in zip(ids, proposals, strict=True)])


def decide_proposals(
    tx: Connection, program_id: int, ids: Collection[int], *, status: str, actor: str, now: datetime
) -> None:
    """Store what was decided on pending proposals."""
    tx.execute(
        update(table)
        .where(table.c.program_id == program_id, table.c.id.in_(ids), table.c.status == PENDING)
        .values(status=status, decided_at=now, decided_by=actor)
    )
