"""Snapshots of frozen segments in the database."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from sqlalchemy import BigInteger, Connection, Text, bindparam, delete, func, literal, select, text
from sqlalchemy.dialects import postgresql, sqlite

from domain.crypto import KeyRing
from domain.member import Member
from domain.models import member, segment_member
from domain.store.among import among
from domain.store.member import find_members
from domain.store.reading import Reading, Values, read

_AT_A_TIME = 1000


# By name, because the key has the segment before the member: without it a purchase reads whole snapshots.
_SNAPSHOTS = select(segment_member.c.member_id, segment_member.c.segment).where(
    segment_member.c.program_id == bindparam("program_id"),
    among(segment_member.c.segment, "segments"),
    among(segment_member.c.member_id, "members"),
)


def snapshots(
    program_id: int, segments: Sequence[str], member_ids: Sequence[int]
) -> Reading[dict[int, frozenset[str]]]:
    """Which of these frozen segments these members were taken into."""

    def take(rows: Iterable[Values]) -> dict[int, frozenset[str]]:
        found: dict[int, set[str]] = {}
        for member_id, segment in rows:
            found.setdefault(member_id, set()).add(segment)
        return {member_id: frozenset(names) for member_id, names in found.items()}

    return Reading(_SNAPSHOTS, {"program_id": program_id, "segments": segments, "members": member_ids}, take)


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


def members_of(tx: Connection, program_id: int, segment: str) -> set[int]:
    """Everybody who is in a snapshot, also those who were merged into another since."""
    taken = segment_member.c
    query = select(taken.member_id).where(taken.program_id == program_id, taken.segment == segment)
    return set(tx.scalars(query))


def add_to_snapshot(tx: Connection, program_id: int, segment: str, member_ids: Collection[int]) -> int:
    """Take these members into a snapshot; how many were not in it before."""
    dialect, added = postgresql if tx.dialect.name == "postgresql" else sqlite, 0
    # In portions: one statement over all of them has a plan that goes by a guess of how many they are.
    for portion in _portions(member_ids):
        chosen = select(literal(program_id, BigInteger), literal(segment, Text), member.c.id).where(
            member.c.program_id == program_id,
            member.c.id.in_(portion),
            # Who was merged or erased since they were chosen stays out.
            member.c.merged_into.is_(None),
            member.c.erased_at.is_(None),
        )
        insert = dialect.insert(segment_member).from_select(["program_id", "segment", "member_id"], chosen)
        added += tx.execute(insert.on_conflict_do_nothing()).rowcount
    return added


def take_out_of_snapshot(tx: Connection, program_id: int, segment: str, member_ids: Collection[int]) -> int:
    """Take these members out of a snapshot; how many were in it."""
    taken, removed = segment_member.c, 0
    for portion in _portions(member_ids):
        removed += tx.execute(
            delete(segment_member).where(
                taken.program_id == program_id, taken.segment == segment, taken.member_id.in_(portion)
            )
        ).rowcount
    return removed


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


def forget_member(tx: Connection, program_id: int, segments: Sequence[str], member_id: int) -> None:
    """Take a member out of the snapshots of these segments."""
    for segment in segments:
        take_out_of_snapshot(tx, program_id, segment, [member_id])


def join_snapshots(
    tx: Connection, program_id: int, segments: Sequence[str], victim_id: int, survivor_id: int
) -> list[str]:
    """Take a member into the snapshots that another is in; into which it came that way."""
    found = read(tx, snapshots(program_id, segments, [victim_id, survivor_id]))
    missing = sorted(found.get(victim_id, frozenset()) - found.get(survivor_id, frozenset()))
    for segment in missing:
        add_to_snapshot(tx, program_id, segment, [survivor_id])
    return missing


def part_snapshots(tx: Connection, program_id: int, joined: Sequence[str], victim_id: int, survivor_id: int) -> None:
    """Take a member out of the snapshots that it came into by another, unless they were taken anew meanwhile."""
    # Replacing a snapshot drops who is merged into another, so the victim is in those that stand since before.
    standing = read(tx, snapshots(program_id, joined, [victim_id])).get(victim_id, frozenset())
    forget_member(tx, program_id, sorted(standing), survivor_id)


def _portions(member_ids: Collection[int]) -> Iterator[Sequence[int]]:
    ordered = sorted(member_ids)
    return (ordered[start : start + _AT_A_TIME] for start in range(0, len(ordered), _AT_A_TIME))
