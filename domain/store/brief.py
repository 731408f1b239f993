"""What is known of members without decrypting anything."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from domain.models import member
from domain.store.among import among
from domain.store.reading import Reading, read


class Brief(NamedTuple):
    """A member without personal information."""

    id: int
    relation_reference: str
    tier: str | None
    tier_since: datetime | None
    tier_qualified_at: datetime | None


_BRIEF = select(*(member.c[name] for name in Brief._fields)).where(
    member.c.program_id == bindparam("program_id"), among(member.c.id, "ids")
)


def references_of(tx: Connection, program_id: int, ids: Sequence[int]) -> dict[int, str]:
    """The relation references of these members."""
    return {one.id: one.relation_reference for one in briefs(tx, program_id, ids).values()}


def briefs(tx: Connection, program_id: int, ids: Sequence[int]) -> dict[int, Brief]:
    """These members without their personal information."""
    given = {"program_id": program_id, "ids": list(ids)}
    return read(tx, Reading(_BRIEF, given, lambda rows: {row[0]: Brief(*row) for row in rows}))
