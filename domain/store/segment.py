"""Snapshots of frozen segments in the database."""

from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, Connection, Select, Text, cast, delete, func, literal, select, text
from sqlalchemy.dialects import postgresql, sqlite

from domain.crypto import KeyRing
from domain.member import Member
from domain.models import member, segment_member
from domain.models.types import to_json
from domain.store.member import find_members


def read_snapshots(tx: Connection, program_id: int, member_ids: Sequence[int]) -> dict[int, frozenset[str]]:
    """The frozen segments that these members were taken into."""
    found: dict[int, set[str]] = {}
    columns = segment_member.c
    for row in tx.execute(
        select(columns.member_id, columns.segment).where(
            columns.program_id == program_id, columns.member_id.in_(member_ids)
        )
    ):
        found.setdefault(row.member_id, set()).add(row.segment)
    return {member_id: frozenset(names) for member_id, names in found.items()}


def snapshot_of(
    tx: Connection, keys: KeyRing, program_id: int, segment: str, *, first: int, after_id: int | None
) -> list[Member]:
    """A page of the members in a snapshot, in the order of ids; who was merged into another stays out."""
    taken = segment_member.c
    ids = (
        select(taken.member_id)
        .join(member, (member.c.program_id == taken.program_id) & (member.c.id == taken.member_id))
        .where(taken.program_id == program_id, taken.segment == segment, member.c.merged_into.is_(None))
        .order_by(taken.member_id)
        .limit(first)
    )
    found = list(tx.scalars(ids if after_id is None else ids.where(taken.member_id > after_id)))
    return [one.member for one in find_members(tx, keys, program_id, ids=found)] if found else []


def candidates(tx: Connection, keys: KeyRing, program_id: int, *, first: int, after_id: int | None) -> list[Member]:
    """The next members who may be in a segment, in the order of ids: each person once, and nobody who was erased."""
    ids = select(member.c.id).where(
        member.c.program_id == program_id, member.c.merged_into.is_(None), member.c.erased_at.is_(None)
    )
    ids = ids if after_id is None else ids.where(member.c.id > after_id)
    found = list(tx.scalars(ids.order_by(member.c.id).limit(first)))
    return [one.member for one in find_members(tx, keys, program_id, ids=found)] if found else []


def add_to_snapshot(tx: Connection, program_id: int, segment: str, member_ids: Sequence[int]) -> int:
    """Take these members into a snapshot, with one statement; how many were not in it before."""
    dialect = postgresql if tx.dialect.name == "postgresql" else sqlite
    chosen = select(literal(program_id, BigInteger), literal(segment, Text), member.c.id).where(
        member.c.program_id == program_id,
        member.c.id.in_(_listed(tx, member_ids)),
        # Who was merged or erased since they were chosen stays out.
        member.c.merged_into.is_(None),
        member.c.erased_at.is_(None),
    )
    added = dialect.insert(segment_member).from_select(["program_id", "segment", "member_id"], chosen)
    return tx.execute(added.on_conflict_do_nothing()).rowcount


def cut_snapshot(tx: Connection, program_id: int, segment: str, keep: Sequence[int]) -> int:
    """Take everybody else out of a snapshot, with one statement; how many."""
    taken = segment_member.c
    mine = (taken.program_id == program_id, taken.segment == segment)
    # NOT IN a long list is searched through for each row once it outgrows the memory of a hash.
    others = select(taken.member_id).where(*mine).except_(_listed(tx, keep))
    return tx.execute(delete(segment_member).where(*mine, taken.member_id.in_(others))).rowcount


def lock_snapshots(tx: Connection, program_id: int) -> None:
    """Let nobody else take a snapshot in the program before this database transaction ends."""
    if tx.dialect.name == "postgresql":
        # Two that replace one snapshot at once would leave both halves of it.
        tx.execute(text("SELECT pg_advisory_xact_lock(7412, :program)"), {"program": program_id % 2**31})


def count_snapshot(tx: Connection, program_id: int, segment: str) -> int:
    """How many members a snapshot has, without those who were merged into another."""
    taken = segment_member.c
    query = (
        select(func.count())
        .join_from(segment_member, member, (member.c.program_id == taken.program_id) & (member.c.id == taken.member_id))
        .where(taken.program_id == program_id, taken.segment == segment, member.c.merged_into.is_(None))
    )
    return tx.scalar(query) or 0


def forget_snapshots(tx: Connection, program_id: int, segments: Collection[str]) -> None:
    """Delete the snapshots of segments that are frozen no longer."""
    if segments:
        tx.execute(
            delete(segment_member).where(
                segment_member.c.program_id == program_id, segment_member.c.segment.in_(segments)
            )
        )


def forget_member(tx: Connection, program_id: int, member_id: int) -> None:
    """Take a member out of every snapshot."""
    tx.execute(
        delete(segment_member).where(segment_member.c.program_id == program_id, segment_member.c.member_id == member_id)
    )


def join_snapshots(tx: Connection, program_id: int, victim_id: int, survivor_id: int) -> list[str]:
    """Take a member into the snapshots that another is in; into which it came that way."""
    found = read_snapshots(tx, program_id, [victim_id, survivor_id])
    missing = sorted(found.get(victim_id, frozenset()) - found.get(survivor_id, frozenset()))
    for segment in missing:
        add_to_snapshot(tx, program_id, segment, [survivor_id])
    return missing


def part_snapshots(tx: Connection, program_id: int, victim_id: int, survivor_id: int, joined: Sequence[str]) -> None:
    """Take a member out of the snapshots that it came into by another, unless they were taken anew meanwhile."""
    # Replacing a snapshot drops who is merged into another, so the victim is in those that stand since before.
    standing = read_snapshots(tx, program_id, [victim_id]).get(victim_id, frozenset())
    tx.execute(
        delete(segment_member).where(
            segment_member.c.program_id == program_id,
            segment_member.c.member_id == survivor_id,
            segment_member.c.segment.in_(sorted(standing.intersection(joined))),
        )
    )


def _listed(tx: Connection, ids: Sequence[int]) -> Select[tuple[int]]:
    """The ids as rows. They go over as one value: a parameter for each would pass the limits of both databases."""
    listed = literal(to_json(list(ids)), Text)
    rows = (
        func.jsonb_array_elements_text(cast(listed, postgresql.JSONB))
        if tx.dialect.name == "postgresql"
        else func.json_each(listed)
    )
    return select(cast(rows.table_valued("value").c.value, BigInteger))
