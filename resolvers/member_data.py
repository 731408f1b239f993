"""The use case of telling a person everything that is stored on them, as one document for machines."""

from dataclasses import asdict
from typing import Any

import orjson
from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import BadRequest, MemberNotFound
from domain.store import audit
from domain.store.member import find_members
from domain.store.member_data import read_sections
from domain.store.merge import merged_ids
from resolvers.context import Context

FORMAT = "tessera-member-data/1"


async def export_member_data(ctx: Context, relation_reference: str) -> dict[str, Any]:
    """Everything that is stored on a member and on those for whom it answers since a merge; noted in the audit trail.

    Points are in the program's smallest unit, as they are stored. Secrets, and keyed hashes by which things are found,
    are left out. Raises BadRequest, Forbidden, MemberNotFound.
    """
    if not relation_reference:
        raise BadRequest("relation_reference: is missing", field="relation_reference")
    ctx.principal.require(Permission.PERSONAL_INFORMATION)
    ctx.principal.require(Permission.MEMBER_ERASE)
    return await ctx.write(lambda tx: _export(tx, ctx, relation_reference))


def as_json(document: dict[str, Any]) -> bytes:
    """The document as JSON. Counters of a member have days and numbers for their names."""
    return orjson.dumps(document, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)


def _export(tx: Connection, ctx: Context, reference: str) -> dict[str, Any]:
    state, keys, now = ctx.program(tx), ctx.services.keys, ctx.services.clock()
    found = find_members(tx, keys, state.id, references=[reference])
    if not found:
        raise MemberNotFound
    member = found[0].member
    others = sorted(merged_ids(tx, state.id, [member.id]))
    people = [found[0], *(find_members(tx, keys, state.id, ids=others) if others else [])]
    sections = read_sections(
        tx, keys, state.id, [one.member.id for one in people], {one.member.id: one.wrapped_key for one in people}
    )
    audit.record(tx, state.id, now=now, actor=ctx.principal, action="member.export", subject=f"member:{member.id}")
    return {
        "format": FORMAT,
        "exported_at": now,
        "program": {"id": state.public_id, "name": state.name, "environment": state.environment},
        "decimals": state.configuration.program.points_decimals,
        "members": [asdict(one.member) for one in people],
        **sections,
    }
