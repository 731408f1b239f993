"""Members in the database: found by id, reference or keyed hash; written in bulk."""

from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import orjson
from sqlalchemy import CTE, ColumnElement, Connection, Select, bindparam, func, null, select

from domain.clock import NEVER
from domain.crypto import KeyRing, decrypt, encrypt
from domain.ledger.chain import GENESIS
from domain.member import Member
from domain.models import account, member
from domain.models.types import to_json
from domain.store.among import among
from domain.store.bulk import Bulk
from domain.store.reading import Reading, Values, read
from domain.store.unique_value import replace_unique_values

PERSONAL = ("full_name", "email_id", "mobile_number", "gender", "address")
"""What is stored encrypted of every member, beside the date of birth and the program's own personal attributes."""
_NOBODY: Mapping[str, Any] = {**dict.fromkeys((*PERSONAL, "dob")), "attributes": {}}


@dataclass(slots=True)
class Stored:
    """A member with the key that its personal information is under; an erased one has none.

    `asked_for` and `asked_id` are what it was found by: not its own where it answers for another since a merge.
    """

    member: Member
    data_key: bytes
    wrapped_key: bytes
    version: int
    asked_for: str | None = None
    asked_id: int | None = None


def find_members(
    tx: Connection,
    keys: KeyRing,
    program_id: int,
    *,
    ids: Sequence[int] | None = None,
    references: Sequence[str] | None = None,
    lock: bool = False,
    follow: bool = False,
    with_person: bool = True,
) -> list[Stored]:
    """Members by id or by reference, locked for a change if asked for; unknown ones are left out.

    A reference, and an id with `follow`, leads to the member who answers for it since a merge. Not `with_person`:
    what is encrypted stays so, and is left out.
    """
    by = "references" if references is not None else "ids"
    leads = follow or references is not None
    query = members_query(by, follow=leads, lock=lock, with_person=with_person)
    given = {"program_id": program_id, by: ids or references or []}
    reading = Reading(query, given, _named_rows if leads else _rows)
    rows = read(tx, reading)
    while lock and leads and any(row.merged_into is not None for row in rows):
        # Merged while we waited for the lock, which still led to who answered before.
        rows = read(tx, reading)
    return [stored_member(keys, row, with_person=with_person) for row in rows]


# By the others a member is found, and nobody asks for them.
_READ = [one for one in member.c if one.name not in {"program_id", "email_hash", "mobile_hash"}]


@cache
def members_query(by: str, *, follow: bool, lock: bool, with_person: bool = True) -> Select[Any]:
    """Members by `references` or by `ids`, with what they were asked for by where it may lead to another."""
    column = member.c.relation_reference if by == "references" else member.c.id
    among_them = (member.c.program_id == bindparam("program_id")) & among(column, by)
    columns = _READ if with_person else [one if one.name != "profile" else null().label("profile") for one in _READ]
    query = select(*columns).order_by(member.c.id)
    if not follow:
        query = query.where(among_them)
        return query.with_for_update() if lock else query
    named = NAMED if by == "references" else _named(among_them)
    # Both sides of the join are named, so that each is found by its key.
    found = (member.c.program_id == bindparam("program_id")) & (member.c.id == named.c.answers)
    query = query.add_columns(named.c.asked_for, named.c.asked_id).join(named, found)
    return query.with_for_update(of=member) if lock else query


def _named(among_them: ColumnElement[bool]) -> CTE:
    """Who is asked for, looked up by itself: joined freely, a planner that knows no figures yet tries all with all."""
    answers = func.coalesce(member.c.merged_into, member.c.id).label("answers")
    asked = member.c.relation_reference.label("asked_for"), member.c.id.label("asked_id")
    return select(answers, *asked).where(among_them).cte("named").prefix_with("MATERIALIZED")


NAMED = _named(
    (member.c.program_id == bindparam("program_id")) & among(member.c.relation_reference, "references"),
)
"""Whom `references` name, and who answers for them. It is looked up once for all that is read with it."""


def members_named(
    keys: KeyRing, program_id: int, references: Sequence[str], *, with_person: bool = True
) -> Reading[list[Stored]]:
    """Whom these references lead to; unknown ones are left out. `with_person` as in `find_members`."""

    def take(rows: Iterable[Values]) -> list[Stored]:
        return [stored_member(keys, row, with_person=with_person) for row in _named_rows(rows)]

    query = members_query("references", follow=True, lock=False, with_person=with_person)
    return Reading(query, {"program_id": program_id, "references": references}, take)


_ROW: Any = namedtuple("_ROW", [one.name for one in _READ])  # type: ignore[misc]  # of a table
_NAMED_ROW: Any = namedtuple("_NAMED_ROW", [*_ROW._fields, "asked_for", "asked_id"])  # type: ignore[misc]  # the same


def _rows(rows: Iterable[Values]) -> list[Any]:
    return list(map(_ROW._make, rows))


def _named_rows(rows: Iterable[Values]) -> list[Any]:
    return list(map(_NAMED_ROW._make, rows))


_LED = select(member.c.relation_reference, func.coalesce(member.c.merged_into, member.c.id)).where(
    member.c.program_id == bindparam("program_id"), among(member.c.relation_reference, "references")
)


_MERGED = (
    select(member.c.id)
    .where(
        member.c.program_id == bindparam("program_id"),
        among(member.c.relation_reference, "references"),
        member.c.merged_into.is_not(None),
    )
    .limit(1)
)


def led_astray(program_id: int, led: Mapping[str, int]) -> Reading[bool]:
    """Whether by now a reference leads to another member than it did, or to none: merged, parted again, erased.

    To be asked under the locks of their accounts, which merges and erasures take as well.
    """
    given = {"program_id": program_id, "references": sorted(led)}
    return Reading(_LED, given, lambda rows: led != {row[0]: row[1] for row in rows})


def led_to(tx: Connection, program_id: int, references: Sequence[str]) -> dict[str, int]:
    """The id of the member who answers for each of these references; unknown ones are left out."""
    given = {"program_id": program_id, "references": references}
    return read(tx, Reading(_LED, given, lambda rows: {row[0]: row[1] for row in rows}))


def are_merged(tx: Connection, program_id: int, references: Sequence[str]) -> bool:
    """Whether any of these references leads to a member of another one."""
    return read(tx, Reading(_MERGED, {"program_id": program_id, "references": references}, lambda rows: any(rows)))


def references_of(tx: Connection, program_id: int, ids: Sequence[int]) -> dict[int, str]:
    """The relation references of these members."""
    rows = tx.execute(
        select(member.c.id, member.c.relation_reference).where(member.c.program_id == program_id, member.c.id.in_(ids))
    )
    return {row.id: row.relation_reference for row in rows}


def insert_members(
    bulk: Bulk,
    program_id: int,
    fresh: Sequence[tuple[Stored, Mapping[str, bytes]]],
    account_ids: Sequence[int],
    pi_keys: frozenset[str],
) -> None:
    """New members, each with an empty account; hashes of unique values by attribute key, which are stored after."""
    rows = [_columns(one, hashes, pi_keys) | _frozen(one) for one, hashes in fresh]
    accounts = [
        {"id": account_id, "member_id": one.member.id} for account_id, (one, _) in zip(account_ids, fresh, strict=True)
    ]
    bulk.insert(member, rows, {"program_id": program_id, "version": 1})
    bulk.insert(account, accounts, {"program_id": program_id, **_EMPTY_ACCOUNT})


def update_members(
    tx: Connection,
    program_id: int,
    altered: Sequence[tuple[Stored, Mapping[str, bytes | None]]],
    pi_keys: frozenset[str],
) -> None:
    """Store changed members under the next version; a hash that is None frees the value it stood for."""
    if not altered:
        return
    rows = [
        _columns(one, hashes, pi_keys) | {"program_id": program_id, "version": one.version + 1}
        for one, hashes in altered
    ]
    bulk = Bulk(tx)
    bulk.update(member, ("program_id", "id"), rows)
    bulk.store()
    replace_unique_values(tx, program_id, [(one.member.id, hashes) for one, hashes in altered])


def _columns(one: Stored, hashes: Mapping[str, bytes | None], pi_keys: frozenset[str]) -> dict[str, Any]:
    person = one.member
    personal = {
        "full_name": person.full_name,
        "email_id": person.email_id,
        "mobile_number": person.mobile_number,
        "gender": person.gender,
        "address": person.address,
        "dob": person.dob.isoformat() if person.dob else None,
        "attributes": {key: value for key, value in person.attributes.items() if key in pi_keys},
    }
    return {
        "id": person.id,
        "status": person.status,
        "accrual_allowed": person.accrual_allowed,
        "preferred_language": person.preferred_language,
        "profile": encrypt(one.data_key, to_json(personal)),
        "email_hash": hashes.get("email_id"),
        "mobile_hash": hashes.get("mobile_number"),
        "attributes": {key: value for key, value in person.attributes.items() if key not in pi_keys},
        "activated_at": person.activated_at,
        "last_logged_in_at": person.last_logged_in_at,
    }


def _frozen(one: Stored) -> dict[str, Any]:
    return {
        "relation_reference": one.member.relation_reference,
        "data_key": one.wrapped_key,
        "enrolled_at": one.member.enrolled_at,
        "referral_code": one.member.referral_code,
        "referred_by": one.member.referred_by,
    }


_EMPTY_ACCOUNT: Mapping[str, Any] = {
    "currency": "DEFAULT",
    **dict.fromkeys(("version", "available", "spend", "bonus", "redeemed", "expired"), 0),
    **dict.fromkeys(("next_expiry", "next_release"), NEVER),
    "head_hash": GENESIS,
}


def stored_member(keys: KeyRing, row: Any, *, with_person: bool = True) -> Stored:
    """A member as it is stored; `row` has the columns of `members_query`."""
    data_key = keys.unwrap(row.data_key) if with_person and row.data_key and row.profile is not None else b""
    # By a reading, a document comes as its text.
    attributes = orjson.loads(row.attributes) if isinstance(row.attributes, str) else row.attributes
    personal = orjson.loads(decrypt(data_key, row.profile)) if data_key else _NOBODY
    return Stored(
        Member(
            id=row.id,
            relation_reference=row.relation_reference,
            status=row.status,
            dob=date.fromisoformat(personal["dob"]) if personal["dob"] else None,
            preferred_language=row.preferred_language,
            attributes={**attributes, **personal["attributes"]},
            accrual_allowed=row.accrual_allowed,
            enrolled_at=row.enrolled_at,
            activated_at=row.activated_at,
            last_logged_in_at=row.last_logged_in_at,
            tier=row.tier,
            tier_since=row.tier_since,
            tier_qualified_at=row.tier_qualified_at,
            referral_code=row.referral_code,
            referred_by=row.referred_by,
            referral_rewarded_at=row.referral_rewarded_at,
            erased_at=row.erased_at,
            **{name: personal[name] for name in PERSONAL},
        ),
        data_key,
        row.data_key,
        row.version,
        getattr(row, "asked_for", None),
        getattr(row, "asked_id", None),
    )
