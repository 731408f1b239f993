"""Whose ledger a caller reads."""

from dataclasses import dataclass

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import BadRequest, MemberNotFound
from domain.store.balance import accounts_of
from domain.store.member import find_members
from domain.store.program import ProgramState
from resolvers.context import Context


@dataclass(frozen=True, slots=True)
class Holder:
    """The member that a statement is about, in its program."""

    state: ProgramState
    member_id: int
    account_id: int | None


def find_holder(tx: Connection, ctx: Context, reference: str, currency: str) -> Holder:
    """The member with this reference, and the account in this currency. Raises MemberNotFound."""
    state = ctx.program(tx)
    found = find_members(tx, ctx.services.keys, state.id, references=[reference])
    if not found:
        raise MemberNotFound
    member_id = found[0].member.id
    return Holder(state, member_id, accounts_of(tx, state.id, [member_id], currency).get(member_id))


def own_reference(ctx: Context, given: str | None) -> str:
    """The member reference to read: the given one or the token\'s own. Raises Forbidden, BadRequest."""
    ctx.principal.require(Permission.LEDGER_READ)
    reference = ctx.principal.member(given)
    if not reference:
        raise BadRequest("RelationReference: is missing", field="relation_reference")
    return reference
