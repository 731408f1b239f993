"""Values that no two members of a program have: who has one, by its keyed hash."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from domain.models import member, member_unique_value
from domain.store.among import among
from domain.store.bulk import Bulk
from domain.store.reading import Reading, Values, read


def owners(tx: Connection, program_id: int, attribute: str, hashes: Iterable[bytes]) -> dict[bytes, int]:
    """Who has these values of a unique attribute: member ids by keyed hash."""
    return read(tx, owning(program_id, attribute, hashes))


def owning(program_id: int, attribute: str, hashes: Iterable[bytes]) -> Reading[dict[bytes, int]]:
    """The same, to be read with other things."""
    given: dict[str, Any] = {"program_id": program_id}
    if attribute in _OWNERS:
        # Named by the attribute, so that those of two go together.
        return Reading(_OWNERS[attribute], given | {attribute: list(hashes)}, _to_owners)
    return Reading(_OTHER_OWNERS, given | {"key": attribute, "hashes": list(hashes)}, _to_owners)


def _to_owners(rows: Iterable[Values]) -> dict[bytes, int]:
    return {digest: member_id for digest, member_id in rows}


_OWNERS = {
    key: select(column, member.c.id).where(member.c.program_id == bindparam("program_id"), among(column, key))
    for key, column in (("email_id", member.c.email_hash), ("mobile_number", member.c.mobile_hash))
}
_OTHER_OWNERS = select(member_unique_value.c.value_hash, member_unique_value.c.member_id).where(
    member_unique_value.c.program_id == bindparam("program_id"),
    member_unique_value.c.key == bindparam("key"),
    among(member_unique_value.c.value_hash, "hashes"),
)


def replace_unique_values(
    tx: Connection, program_id: int, values: Sequence[tuple[int, Mapping[str, bytes | None]]]
) -> None:
    """Store what members have now, in place of what they had; a hash that is None frees the value it stood for."""
    rows: list[dict[str, Any]] = [
        {"program_id": program_id, "key": key, "value_hash": digest, "member_id": member_id}
        for member_id, hashes in values
        for key, digest in hashes.items()
        if key not in {"email_id", "mobile_number"}
    ]
    owners_of: dict[str, list[int]] = {}
    for row in rows:
        owners_of.setdefault(row["key"], []).append(row["member_id"])
    for key, members in owners_of.items():
        tx.execute(_FORGET_VALUES, {"program_id": program_id, "key": key, "members": members})
    bulk = Bulk(tx)
    bulk.insert(member_unique_value, [row for row in rows if row["value_hash"] is not None])
    bulk.store()


_FORGET_VALUES = member_unique_value.delete().where(
    member_unique_value.c.program_id == bindparam("program_id"),
    member_unique_value.c.key == bindparam("key"),
    among(member_unique_value.c.member_id, "members"),
)
