"""Use cases that list the members of a program: which of them, in which order, and how many."""

from dataclasses import dataclass

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.errors import BadRequest, Forbidden, InvalidRequest
from domain.member import Member
from domain.store.member_page import MemberOrder, Narrowing, page_members, place_of
from domain.store.member_page import count_members as count_stored_members
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.days import ANY_DAY, Days

__all__ = ["MemberFilter", "MemberOrder", "count_members", "list_members"]

_MAX_TEXT = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberFilter:
    """Which members are asked for: all that is given has to hold. None: no matter what.

    `enrolled`: the days of the enrolment in the program's zone; `reference_prefix`: what the reference begins with,
    exact in case; `email_id` and `mobile_number` whole, in any letter case: nothing else is known of them without
    the member's key.
    """

    statuses: frozenset[int] | None = None
    enrolled: Days = ANY_DAY
    tier: str | None = None
    reference_prefix: str | None = None
    email_id: str | None = None
    mobile_number: str | None = None

    def check(self) -> None:
        """Raise InvalidRequest for what can be no part of a member."""
        for name in ("tier", "reference_prefix", "email_id", "mobile_number"):
            given = getattr(self, name)
            if given is not None and not (0 < len(given) <= _MAX_TEXT and "\0" not in given):
                raise InvalidRequest(f"{name}: 1 to {_MAX_TEXT} characters", field=name)


ALL_MEMBERS = MemberFilter()


async def list_members(
    ctx: Context,
    *,
    first: int,
    after_id: int | None = None,
    before_id: int | None = None,
    backwards: bool = False,
    order: MemberOrder | None = None,
    descending: bool = False,
    only: MemberFilter = ALL_MEMBERS,
) -> list[Member]:
    """A page of members; with `before_id`, or `backwards` from the end, the page that ends there.

    In the order of enrolment unless another is asked for; by a part of the reference, in the order of references.
    Raises Forbidden, InvalidRequest (the filter; by a part of the reference in another order), BadRequest (nobody
    has the id).
    """
    _require_all_members(ctx)
    chosen = _order(order, only)
    backwards = backwards or (before_id is not None and after_id is None)

    def body(tx: Connection) -> list[Member]:
        state, place_id = ctx.program(tx), before_id if backwards else after_id
        place = None if place_id is None else place_of(tx, state.id, place_id, chosen)
        if place is None and place_id is not None:
            name = "before" if backwards else "after"
            raise BadRequest(f"{name}: not a cursor of this list", field=name)
        found = page_members(
            tx,
            ctx.services.keys,
            state.id,
            first=first,
            order=chosen,
            descending=descending != backwards,
            after=place,
            only=_narrowing(ctx, state, only),
        )
        if ctx.sight is not None:
            ctx.sight.know(found)
        return ctx.shown(tx, found[::-1] if backwards else found)

    return await ctx.read(body)


async def count_members(ctx: Context, only: MemberFilter = ALL_MEMBERS) -> int:
    """How many members the program has, or those that are asked for. Raises Forbidden, InvalidRequest."""
    _require_all_members(ctx)
    only.check()

    def body(tx: Connection) -> int:
        state = ctx.program(tx)
        return count_stored_members(tx, state.id, _narrowing(ctx, state, only))

    return await ctx.read(body)


def _order(order: MemberOrder | None, only: MemberFilter) -> MemberOrder:
    only.check()
    if only.reference_prefix is None:
        return order or "enrolment"
    if order == "enrolment":
        # However many members begin so, a page has to cost no more than what is on it.
        raise InvalidRequest("orderBy: by a part of the reference, the order is that of references", field="orderBy")
    return "reference"


def _narrowing(ctx: Context, state: ProgramState, only: MemberFilter) -> Narrowing:
    start, end = only.enrolled.instants(state.zone)
    return Narrowing(
        statuses=only.statuses,
        tier=only.tier,
        start=start,
        end=end,
        prefix=only.reference_prefix,
        email_hash=_hash(ctx, "email_id", only.email_id),
        mobile_hash=_hash(ctx, "mobile_number", only.mobile_number),
    )


def _hash(ctx: Context, attribute: str, value: str | None) -> bytes | None:
    return None if value is None else ctx.services.keys.lookup_hash(ctx.principal.program, attribute, value)


def _require_all_members(ctx: Context) -> None:
    ctx.principal.require(Permission.MEMBER_READ)
    if ctx.principal.kind is PrincipalKind.MEMBER:
        raise Forbidden("the token is bound to one member")
