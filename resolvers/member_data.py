"""The use case of telling a person everything that is stored on them, as one document for machines."""

from dataclasses import asdict
from typing import Any

import orjson
from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import BadRequest, InvalidRequest, MemberNotFound
from domain.store import audit
from domain.store.member import find_members
from domain.store.member_data import read_sections
from domain.store.merge import merged_ids
from resolvers.context import Context

FORMAT = "tessera-member-data/1"


MOST_ROWS = 10_000
"""In a document that goes out in one answer; a file has no limit."""


async def export_member_data(
    ctx: Context, relation_reference: str | None, *, most_rows: int | None = None
) -> dict[str, Any]:
    """Everything that is stored on a member and on those for whom it answers since a merge; noted in the audit trail.

    Points are in the program's smallest unit, as they are stored. Secrets, and keyed hashes by which things are found,
    are left out. With a member's token it is that member, who is not told its segments and who of the staff did what.
    Raises BadRequest, Forbidden, MemberNotFound, InvalidRequest (more than `most_rows`).
    """
    if ctx.principal.member_reference is None and not relation_reference:
        raise BadRequest("relation_reference: is missing", field="relation_reference")
    ctx.principal.require(Permission.PERSONAL_INFORMATION)
    if ctx.principal.member_reference is None:
        ctx.principal.require(Permission.MEMBER_ERASE)
    reference = ctx.principal.member(relation_reference) or ""
    return await ctx.write(lambda tx: _export(tx, ctx, reference, most_rows))


def as_json(document: dict[str, Any]) -> bytes:
    """The document as JSON. Counters of a member have days and numbers for their names."""
    return orjson.dumps(document, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)


def _export(tx: Connection, ctx: Context, reference: str, most_rows: int | None) -> dict[str, Any]:
    state, keys, now = ctx.program(tx), ctx.services.keys, ctx.services.clock()
    found = find_members(tx, keys, state.id, references=[reference])
    if not found:
        raise MemberNotFound
    member = found[0].member
    others = sorted(merged_ids(tx, state.id, [member.id]))
    people = [found[0], *(find_members(tx, keys, state.id, ids=others) if others else [])]
    sections = read_sections(
        tx,
        keys,
        state.id,
        {one.member.id: one.wrapped_key for one in people},
        of_itself=ctx.principal.member_reference is not None,
        limit=most_rows,
    )
    if most_rows is not None and sum(map(len, sections.values())) > most_rows:
        raise InvalidRequest(f"more than {most_rows} rows are stored: `tessera export member` writes them to a file")
    audit.record(tx, state.id, now=now, actor=ctx.principal, action="member.export", subject=f"member:{member.id}")
    return {
        "format": FORMAT,
        "exported_at": now,
        "program": {"id": state.public_id, "name": state.name, "environment": state.environment},
        "decimals": state.configuration.program.points_decimals,
        "members": [asdict(one.member) for one in people],
        **sections,
    }
