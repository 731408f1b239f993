"""The use case that lists what the audit trail tells about a member."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from domain.access import Permission
from domain.crypto import decrypt
from domain.store.audit import page_about
from domain.store.member import find_members
from domain.store.merge import merged_ids, merges_of
from domain.store.order import OrderFilter, page_orders
from resolvers.audit_trail import AuditEntry, audit_entry_of
from resolvers.context import Context
from resolvers.tier import SET_TIER

MOST_MERGES = MOST_ORDERS = 200


async def list_member_trail(
    ctx: Context, member_id: int, *, first: int, before_seq: int | None = None
) -> Sequence[AuditEntry]:
    """The newest entries about a member, those it answers for, their merges and orders. Raises Forbidden."""
    ctx.principal.require(Permission.AUDIT_READ)

    def body(tx: Connection) -> list[AuditEntry]:
        program_id = ctx.principal.program
        members = [member_id, *merged_ids(tx, program_id, [member_id])]
        merges = merges_of(tx, program_id, members, MOST_MERGES)
        orders = page_orders(tx, program_id, OrderFilter(member_ids=members), limit=MOST_ORDERS)
        about = {"member": members, "merge": [one.id for one in merges], "order": [one.id for one in orders]}
        subjects = [f"{kind}:{one}" for kind, ids in about.items() for one in ids]
        rows = page_about(tx, program_id, subjects, first=first, before_seq=before_seq)
        keys = {one.member.id: one.data_key for one in find_members(tx, ctx.services.keys, program_id, ids=members)}
        return [_with_reason(audit_entry_of(row), keys) for row in rows]

    return await ctx.read(body)


def _with_reason(one: AuditEntry, keys: Mapping[int, bytes]) -> AuditEntry:
    """The entry with its reason in clear, which is under the key of the member; none where that is erased."""
    if one.action != SET_TIER:
        return one
    key = keys.get(int(one.subject.removeprefix("member:")))
    reason = decrypt(key, b64decode(one.after["reason"])) if key else None
    return replace(one, after=one.after | {"reason": reason})
