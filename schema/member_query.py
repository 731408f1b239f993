"""The queries of members."""

from typing import Annotated

import strawberry

from domain.errors import BadRequest, MemberNotFound
from resolvers.member import count_members, get_member, list_members
from resolvers.sub_relation import list_members_by_sub_relation
from schema.connection import (
    After,
    Before,
    CountedConnection,
    First,
    Last,
    UncountedConnection,
    counted,
    cut,
    edges_of,
    number_cursor,
    page_info,
    read_number_cursor,
    read_page,
)
from schema.context import Info
from schema.field import field
from schema.global_id import MEMBER, decode
from schema.types.filter import ORDERS, MembersFilter, MembersOrder, OrderDirection, to_member_filter
from schema.types.member import Member, load_member, to_member

_CURSORS = {"enrolment": "members", "reference": "membersByReference"}


@strawberry.type
class MemberQuery:
    """What `Query` has of members."""

    @field(
        "The member that the token is bound to. Null, without an error, with the token of a program or an "
        "administrator, which names no member: ask for `member(reference:)`."
    )
    async def me(self, info: Info) -> Member | None:
        if info.context.ctx.principal.member_reference is None:
            return None
        return to_member(await get_member(info.context.loaders.ctx, None), info.context)

    @field("A member by `reference` or by `id`; with a member's token, without either.")
    async def member(
        self,
        info: Info,
        reference: Annotated[
            str | None, strawberry.argument(description="The program's own reference, exact in case.")
        ] = None,
        id: Annotated[strawberry.ID | None, strawberry.argument(description="The member's global id.")] = None,
    ) -> Member | None:
        if id is None:
            return to_member(await get_member(info.context.loaders.ctx, reference), info.context)
        if reference is not None:
            raise BadRequest("member: either reference or id", field="id")
        number = decode(id).number(MEMBER, info.context.ctx.principal.program)
        found = None if number is None else await load_member(number, info.context)
        if found is None:
            raise MemberNotFound
        return found

    @field(
        "The members of the program, in the order of their enrolment unless another is asked for. A cursor is a place "
        "in its order: good under another filter and in both directions, and refused in another order."
    )
    async def members(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[MembersFilter | None, strawberry.argument(description="Only these; null: all.")] = None,
        order_by: Annotated[
            MembersOrder | None,
            strawberry.argument(
                description="Null: by enrolment, the earliest first; with `referencePrefix` by reference, which is the "
                "only order then."
            ),
        ] = None,
    ) -> CountedConnection[Member] | None:
        ctx, page, only = info.context.loaders.ctx, read_page(first, after, last, before), to_member_filter(filter)
        order = None if order_by is None else ORDERS[order_by.field]
        name = _CURSORS["reference" if only.reference_prefix is not None else order or "enrolment"]
        number = read_number_cursor(name, page)
        asked = list_members(
            ctx,
            first=page.size + 1,
            after_id=None if page.backwards else number,
            before_id=number if page.backwards else None,
            backwards=page.backwards,
            order=order,
            descending=order_by is not None and order_by.direction is OrderDirection.DESC,
            only=only,
        )
        found, count = await counted(asked, lambda: count_members(ctx, only), wanted=info.context.counts)
        rows, has_more = cut(found, page)
        edges = edges_of(rows, lambda row: to_member(row, info.context), lambda row: number_cursor(name, row.id))

        return CountedConnection(edges=edges, page_info=page_info(edges, page, has_more), count=count)

    @field("The members that a card, an identifier, or the pair of both is linked to: several may share one.")
    async def members_by_sub_relation(
        self,
        info: Info,
        card_number: Annotated[str | None, strawberry.argument(description="The whole card number.")] = None,
        identifier: Annotated[
            str | None, strawberry.argument(description="The identifier of the sub-relation, exact in case.")
        ] = None,
        first: First = None,
        after: After = None,
    ) -> UncountedConnection[Member] | None:
        page = read_page(first, after)
        after_id = read_number_cursor("membersBySubRelation", page)
        found = await list_members_by_sub_relation(
            info.context.ctx, card_number, identifier, first=page.size + 1, after_id=after_id
        )
        rows, has_more = cut(found, page)
        edges = edges_of(
            rows, lambda row: to_member(row, info.context), lambda row: number_cursor("membersBySubRelation", row.id)
        )
        return UncountedConnection(edges=edges, page_info=page_info(edges, page, has_more))
