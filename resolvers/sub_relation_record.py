"""The use cases that read sub-relations: of a member, and of whoever has a card or identifier."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.errors import BadRequest, Forbidden, MemberNotFound
from domain.member import Member
from domain.store import sub_relation as store
from domain.store.member import find_members
from domain.sub_relation import Pair, SubRelation, read_pair
from resolvers.beneficiary import value_of
from resolvers.context import Context

_CHUNK = 500
_ALL = 2**31 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkedMember:
    """A member, and all that is linked to it, oldest first."""

    member: Member
    sub_relations: Sequence[SubRelation]


async def list_sub_relations(ctx: Context, relation_reference: str | None) -> list[SubRelation]:
    """All that is linked to the member with this reference (None: the token's own), oldest first.

    Raises BadRequest, Forbidden, MemberNotFound.
    """
    ctx.principal.require(Permission.MEMBER_READ)
    reference = ctx.principal.member(relation_reference)
    if not reference:
        raise BadRequest("RelationReference: is missing", field="relation_reference")

    def body(tx: Connection) -> list[SubRelation]:
        found = find_members(tx, ctx.services.keys, ctx.principal.program, references=[reference])
        if not found:
            raise MemberNotFound
        return store.find_of_member(tx, ctx.principal.program, found[0].member.id)

    return await ctx.read(body)


async def list_members_by_sub_relation(
    ctx: Context,
    card_number: str | None,
    sub_relation_identifier: str | None,
    *,
    first: int,
    after_id: int | None = None,
) -> list[Member]:
    """A page of the members that have this card, this identifier, or both as one pair; by id.

    Raises BadRequest, Forbidden.
    """
    pair = _pair_of_anybody(ctx, card_number, sub_relation_identifier)

    def body(tx: Connection) -> list[Member]:
        program_id, keys = ctx.principal.program, ctx.services.keys
        digest, identifier = value_of(keys, program_id, pair)
        ids = store.members_by_value(tx, program_id, digest, identifier, first=first, after_id=after_id)
        return ctx.shown(tx, [one.member for one in find_members(tx, keys, program_id, ids=ids)] if ids else [])

    return await ctx.read(body)


async def list_linked_members(
    ctx: Context, card_number: str | None, sub_relation_identifier: str | None
) -> list[LinkedMember]:
    """Every member that has this card, this identifier, or both as one pair, with all its sub-relations; by id.

    Raises BadRequest, Forbidden.
    """
    pair = _pair_of_anybody(ctx, card_number, sub_relation_identifier)

    def body(tx: Connection) -> list[LinkedMember]:
        program_id, keys = ctx.principal.program, ctx.services.keys
        digest, identifier = value_of(keys, program_id, pair)
        linked: list[LinkedMember] = []
        after_id = None
        while ids := store.members_by_value(tx, program_id, digest, identifier, first=_CHUNK, after_id=after_id):
            links: dict[int, list[SubRelation]] = {one: [] for one in ids}
            for link in store.page_of_members(tx, program_id, ids, first=_ALL, after_id=None):
                links[link.member_id].append(link)
            members = ctx.shown(tx, [one.member for one in find_members(tx, keys, program_id, ids=ids)])
            linked += [LinkedMember(member=one, sub_relations=links[one.id]) for one in members]
            after_id = ids[-1]
        return linked

    return await ctx.read(body)


def _pair_of_anybody(ctx: Context, card_number: str | None, sub_relation_identifier: str | None) -> Pair:
    """The pair to look for in the whole program. Raises BadRequest, Forbidden."""
    pair = read_pair(card_number, sub_relation_identifier)
    if pair is None:
        raise BadRequest("card_number or sub_relation_identifier is needed", field="card_number")
    ctx.principal.require(Permission.MEMBER_READ)
    if ctx.principal.kind is PrincipalKind.MEMBER:
        raise Forbidden("the token is bound to one member")
    return pair


async def page_sub_relations(
    ctx: Context, member_ids: Sequence[int], *, first: int, after_id: int | None = None
) -> dict[int, list[SubRelation]]:
    """The oldest sub-relations of each member, at most `first` each, by one statement. Raises Forbidden."""
    ctx.principal.require(Permission.MEMBER_READ)

    def body(tx: Connection) -> dict[int, list[SubRelation]]:
        pages: dict[int, list[SubRelation]] = {one: [] for one in ctx.visible_members(tx, member_ids)}
        found = store.page_of_members(tx, ctx.principal.program, list(pages), first=first, after_id=after_id)
        for one in found:
            pages[one.member_id].append(one)
        return pages

    return await ctx.read(body)


async def list_sub_relations_by_id(ctx: Context, link_ids: Sequence[int]) -> dict[int, SubRelation]:
    """Sub-relations of the caller's program by id; a member sees its own only. Raises Forbidden."""
    ctx.principal.require(Permission.MEMBER_READ)

    def body(tx: Connection) -> dict[int, SubRelation]:
        own = ctx.own_members(tx)
        found = store.find_linked(tx, ctx.principal.program, link_ids)
        return {one.id: one for one in found if own is None or one.member_id in own}

    return await ctx.read(body)
