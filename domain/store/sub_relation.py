"""Sub-relations in the database: found by member, by card and by identifier; emptied, never deleted."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select, update

from domain.models import sub_relation as table
from domain.store.bulk import Bulk
from domain.sub_relation import SubRelation

_COLUMNS: tuple[ColumnElement[Any], ...] = (
    table.c.id,
    table.c.member_id,
    table.c.type,
    table.c.card_hash,
    table.c.card_last_four,
    table.c.card_number,
    table.c.sub_relation_identifier,
    table.c.last_six_digits,
    table.c.product_code,
    table.c.expiry_date,
    table.c.status,
    table.c.created_at,
    table.c.version,
)


def find_by_id(tx: Connection, program_id: int, row_id: int) -> SubRelation | None:
    """One sub-relation, an emptied one too."""
    row = tx.execute(select(*_COLUMNS).where(table.c.program_id == program_id, table.c.id == row_id)).one_or_none()
    return None if row is None else _sub_relation(row)


def find_linked(tx: Connection, program_id: int, ids: Sequence[int]) -> list[SubRelation]:
    """Sub-relations by id that are linked."""
    return [_sub_relation(row) for row in tx.execute(_linked(program_id).where(table.c.id.in_(ids)))]


def lock_sub_relation(tx: Connection, program_id: int, row_id: int) -> SubRelation | None:
    """One sub-relation that is linked, locked for a change."""
    row = tx.execute(_linked(program_id).where(table.c.id == row_id).with_for_update()).one_or_none()
    return None if row is None else _sub_relation(row)


def find_of_member(tx: Connection, program_id: int, member_id: int) -> list[SubRelation]:
    """All that is linked to a member, by id."""
    query = _linked(program_id).where(table.c.member_id == member_id)
    return [_sub_relation(row) for row in tx.execute(query.order_by(table.c.id))]


def find_by_value(
    tx: Connection, program_id: int, values: Collection[tuple[bytes | None, str | None]]
) -> list[SubRelation]:
    """Links with these pairs of card and identifier (None: whichever), by one statement.

    Of each pair two at most, which are of two members: a value stands once on a member. There may be more.
    """
    cards = sorted({card for card, identifier in values if card is not None and identifier is None})
    identifiers = sorted({identifier for card, identifier in values if card is None and identifier is not None})
    both = [(card, identifier) for card, identifier in values if card is not None and identifier is not None]
    parts = []
    if cards:
        parts.append(_first_two(program_id, table.c.card_hash.in_(cards), table.c.card_hash))
    if identifiers:
        is_named = table.c.sub_relation_identifier.in_(identifiers)
        parts.append(_first_two(program_id, is_named, table.c.sub_relation_identifier))
    if both:
        is_pair = _has_any(sorted({card for card, _ in both}), sorted({identifier for _, identifier in both}), and_)
        parts.append(_first_two(program_id, is_pair, table.c.card_hash, table.c.sub_relation_identifier))
    if not parts:
        return []
    return [_sub_relation(row) for row in tx.execute(parts[0].union_all(*parts[1:]) if parts[1:] else parts[0])]


def find_on_members(
    tx: Connection,
    program_id: int,
    member_ids: Collection[int],
    card_hashes: Collection[bytes],
    identifiers: Collection[str],
) -> list[SubRelation]:
    """The links of these members that have one of these cards or identifiers."""
    if not member_ids:
        return []
    query = _linked(program_id).where(table.c.member_id.in_(member_ids), _has_any(card_hashes, identifiers, or_))
    return [_sub_relation(row) for row in tx.execute(query.order_by(table.c.id))]


def members_by_value(
    tx: Connection,
    program_id: int,
    card_hash: bytes | None,
    identifier: str | None,
    *,
    first: int,
    after_id: int | None,
) -> list[int]:
    """A page of the members that a card, an identifier, or the pair of both is linked to, in the order of ids."""
    query = select(table.c.member_id).distinct().where(_has_value(program_id, card_hash, identifier))
    query = query if after_id is None else query.where(table.c.member_id > after_id)
    return list(tx.scalars(query.order_by(table.c.member_id).limit(first)))


def page_of_members(
    tx: Connection, program_id: int, member_ids: Sequence[int], *, first: int, after_id: int | None
) -> list[SubRelation]:
    """The oldest links of each member, at most `first` each, by one statement."""
    query = select(
        *_COLUMNS,
        func.row_number().over(partition_by=table.c.member_id, order_by=table.c.id).label("place"),
    ).where(table.c.program_id == program_id, table.c.member_id.in_(member_ids), table.c.unlinked_at.is_(None))
    ranked = (query if after_id is None else query.where(table.c.id > after_id)).subquery()
    columns = [ranked.c[column.name] for column in _COLUMNS]
    rows = tx.execute(select(*columns).where(ranked.c.place <= first).order_by(ranked.c.id))
    return [_sub_relation(row) for row in rows]


def insert_sub_relations(bulk: Bulk, program_id: int, links: Iterable[SubRelation]) -> None:
    """Store new links."""
    bulk.insert(table, [{"program_id": program_id, "unlinked_at": None, **_values(one)} for one in links])


def update_sub_relations(bulk: Bulk, program_id: int, links: Iterable[SubRelation]) -> None:
    """Store what changed beside the pairs."""
    bulk.update(table, ("program_id", "id"), [{"program_id": program_id, **_values(one)} for one in links])


def move_links(
    tx: Connection, program_id: int, giver_id: int, taker_id: int, only: Collection[int] | None = None
) -> list[int]:
    """Link to one member what is linked to another, unless it has the card or identifier already; what moved."""
    mine = find_of_member(tx, program_id, giver_id)
    theirs = find_of_member(tx, program_id, taker_id)
    taken = {value for link in theirs for value in (link.card_hash, link.identifier) if value is not None}
    moved = [
        link.id for link in mine if (only is None or link.id in only) and not taken & {link.card_hash, link.identifier}
    ]
    tx.execute(update(table).where(table.c.program_id == program_id, table.c.id.in_(moved)).values(member_id=taker_id))
    return moved


def empty_sub_relation(tx: Connection, program_id: int, row_id: int, now: datetime) -> None:
    """Unlink one: what it said is gone."""
    tx.execute(_empty(table.c.id == row_id, program_id, now))


def empty_of_member(tx: Connection, program_id: int, member_id: int, now: datetime) -> None:
    """Unlink all that a member has."""
    tx.execute(_empty(table.c.member_id == member_id, program_id, now))


def _empty(condition: ColumnElement[bool], program_id: int, now: datetime) -> Any:
    cleared = dict.fromkeys(
        ("card_hash", "card_last_four", "card_number", "sub_relation_identifier", "last_six_digits", "product_code")
    )
    return (
        update(table)
        .where(table.c.program_id == program_id, table.c.unlinked_at.is_(None), condition)
        .values(**cleared, expiry_date=None, status=None, unlinked_at=now, version=table.c.version + 1)
    )


def _first_two(program_id: int, condition: ColumnElement[bool], *partition: ColumnElement[Any]) -> Select[Any]:
    place = func.row_number().over(partition_by=partition, order_by=table.c.member_id).label("place")
    ranked = (
        select(*_COLUMNS, place)
        .where(table.c.program_id == program_id, table.c.unlinked_at.is_(None), condition)
        .subquery()
    )
    return select(*(ranked.c[column.name] for column in _COLUMNS)).where(ranked.c.place <= 2)


def _has_any(
    card_hashes: Collection[bytes],
    identifiers: Collection[str],
    joined: Callable[..., ColumnElement[bool]],
) -> ColumnElement[bool]:
    return joined(table.c.card_hash.in_(card_hashes), table.c.sub_relation_identifier.in_(identifiers))


def _linked(program_id: int) -> Select[Any]:
    return select(*_COLUMNS).where(table.c.program_id == program_id, table.c.unlinked_at.is_(None))


def _has_value(program_id: int, card_hash: bytes | None, identifier: str | None) -> ColumnElement[bool]:
    conditions = [table.c.program_id == program_id, table.c.unlinked_at.is_(None)]
    if card_hash is not None:
        conditions.append(table.c.card_hash == card_hash)
    if identifier is not None:
        conditions.append(table.c.sub_relation_identifier == identifier)
    return and_(*conditions)


def _values(one: SubRelation) -> dict[str, Any]:
    return {
        "id": one.id,
        "member_id": one.member_id,
        "type": one.type,
        "card_hash": one.card_hash,
        "card_last_four": one.card_last_four,
        "card_number": one.card_number,
        "sub_relation_identifier": one.identifier,
        "last_six_digits": one.last_six_digits,
        "product_code": one.product_code,
        "expiry_date": one.expiry_date,
        "status": one.status,
        "created_at": one.created_at,
        "version": one.version,
    }


def _sub_relation(row: Row[Any]) -> SubRelation:
    stored = dict(row._mapping)
    identifier = stored.pop("sub_relation_identifier")
    return SubRelation(identifier=identifier, **stored)
