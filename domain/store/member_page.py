"""Pages of members: which, in which order, and how many.

Each order is that of an index, and so is each filter that may leave few of many, but for the days of the enrolment and
the beginning of a reference: they are a range of the index of their order.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, func, select, tuple_

from domain.crypto import KeyRing
from domain.member import Member
from domain.models import member
from domain.store.member import stored_member

MemberOrder = Literal["enrolment", "reference"]
Place = tuple[datetime | str, int]
"""Where a page begins or ends: what its order goes by, and the id."""

_LAST = "\U0010ffff"


@dataclass(frozen=True, kw_only=True, slots=True)
class Narrowing:
    """Which members are meant; None: any. Enrolled in [start, end); `email_hash` and `mobile_hash` are keyed hashes."""

    statuses: Collection[int] | None = None
    tier: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    prefix: str | None = None
    email_hash: bytes | None = None
    mobile_hash: bytes | None = None

    def apply(self, query: Select[Any]) -> Select[Any]:
        """The query, narrowed, but for the statuses."""
        columns = member.c
        for column, wanted in (
            (columns.tier, self.tier),
            (columns.email_hash, self.email_hash),
            (columns.mobile_hash, self.mobile_hash),
        ):
            query = query if wanted is None else query.where(column == wanted)
        query = query if self.start is None else query.where(columns.enrolled_at >= self.start)
        query = query if self.end is None else query.where(columns.enrolled_at < self.end)
        if self.prefix is None:
            return query
        return query.where(columns.relation_reference >= self.prefix, columns.relation_reference < self.prefix + _LAST)


def place_of(tx: Connection, program_id: int, member_id: int, order: MemberOrder) -> Place | None:
    """The place of a member in an order; None where there is no such member. It never changes."""
    name = _ordered_by(order)
    query = select(name, member.c.id).where(member.c.program_id == program_id, member.c.id == member_id)
    row = tx.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])


def page_members(
    tx: Connection,
    keys: KeyRing,
    program_id: int,
    *,
    first: int,
    order: MemberOrder,
    descending: bool,
    after: Place | None,
    only: Narrowing,
) -> list[Member]:
    """At most `first` members behind a place, in an order of references (by code points) or of enrolment."""
    name = _ordered_by(order)
    query = only.apply(select(member).where(member.c.program_id == program_id))
    # No two members have one reference, and its index knows no ids.
    key = [name] if order == "reference" else [name, member.c.id]
    if after is not None:
        place, behind = tuple_(*key), after[: len(key)]
        query = query.where(place < behind if descending else place > behind)
    directed = [one.desc() if descending else one.asc() for one in key]
    if only.statuses is None:
        rows = list(tx.execute(query.order_by(*directed).limit(first)))
    else:
        # One page of each status, so that an index leads to the next one however rare it is.
        pages = [
            select(query.where(member.c.status == one).order_by(*directed).limit(first).subquery())
            for one in sorted(only.statuses)
        ]
        found = list(tx.execute(pages[0].union_all(*pages[1:]))) if pages else []
        by_enrolment = order == "enrolment"
        found.sort(key=lambda row: (row.enrolled_at if by_enrolment else row.relation_reference, row.id))
        rows = (found[::-1] if descending else found)[:first]
    return [stored_member(keys, row).member for row in rows]


def count_members(tx: Connection, program_id: int, only: Narrowing) -> int:
    """How many members of the program are meant."""
    query = select(func.count()).select_from(member).where(member.c.program_id == program_id)
    if only.statuses is not None:
        query = query.where(member.c.status.in_(sorted(only.statuses)))
    return tx.scalar(only.apply(query)) or 0


def _ordered_by(order: MemberOrder) -> ColumnElement[Any]:
    return member.c.enrolled_at if order == "enrolment" else member.c.relation_reference
