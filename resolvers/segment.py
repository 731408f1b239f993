"""Use cases that read segments, dynamic ones as of now, frozen ones as they were taken, and what hangs on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.errors import Forbidden, InvalidRequest
from domain.member import Member
from domain.rules.model import Segment
from domain.rules.segment import segments_of
from domain.store.merge import answering_for
from domain.store.program import ProgramState
from domain.store.segment import candidates, snapshot_of
from resolvers.campaign import Campaign, campaigns_at, open_to
from resolvers.context import Context
from resolvers.standing import Standing

MEMBERS_PER_PAGE = 500
"""How many members one page of a dynamic segment looks at, whether they are in it or not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """The segments that a member is in and the running campaigns that are for it, in the order of the configuration.

    `segments` None: the caller is the member, whom its program's classes do not concern; nor do campaigns name them.
    """

    segments: Sequence[str] | None = ()
    campaigns: Sequence[Campaign] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentPage:
    """Members of a segment by id. `position` is the last one looked at, None where nobody was; a page goes on there."""

    members: Sequence[Member]
    position: int | None
    has_more: bool


async def list_memberships(
    ctx: Context, member_ids: Sequence[int], *, as_published: bool = False
) -> dict[int, Membership]:
    """What these members are in now. Raises Forbidden.

    A fixed number of statements. Who was erased is in none, and who was merged with another has no campaigns: its
    purchases are those of the other. Members are told no segments, but `as_published`, as REST v1 has it, with a token
    that their program's server got for them.
    """
    ctx.principal.require(Permission.MEMBER_READ)
    is_servers = ctx.principal.session_id is None
    is_told = ctx.principal.kind is not PrincipalKind.MEMBER or (as_published and is_servers)
    now = ctx.services.clock()

    def body(tx: Connection) -> dict[int, Membership]:
        state = ctx.program(tx)
        visible = ctx.visible_members(tx, member_ids)
        running = [one for one in campaigns_at(state, now) if one.is_active]
        if not state.configuration.segments and not running:
            return {one: Membership(segments=() if is_told else None) for one in visible}
        members = list(ctx.members(tx, visible).values())
        groups = memberships(tx, state, members, now)
        merged = answering_for(tx, state.id, visible) if running else {}
        return {
            one.id: Membership(
                segments=groups[one.id] if is_told else None,
                campaigns=[] if one.id in merged else _told(open_to(state, one, groups[one.id], running), is_told),
            )
            for one in members
        }

    return await ctx.read(body)


def _told(campaigns: Sequence[Campaign], is_told: bool) -> Sequence[Campaign]:
    return campaigns if is_told else [replace(one, segment=None) for one in campaigns]


async def list_segment_members(ctx: Context, segment: str, *, first: int, after_id: int | None = None) -> SegmentPage:
    """A page of the members in a segment. Raises Forbidden, InvalidRequest (no such segment).

    A dynamic one is evaluated as of now, for at most MEMBERS_PER_PAGE members a page, so that a page may have fewer
    than `first` while there are more.
    """
    ctx.principal.require(Permission.MEMBER_READ)
    if ctx.principal.kind is PrincipalKind.MEMBER:
        raise Forbidden("the token is bound to one member")
    now, keys = ctx.services.clock(), ctx.services.keys

    def body(tx: Connection) -> SegmentPage:
        state = ctx.program(tx)
        if segment_named(state, segment).kind == "frozen":
            found = snapshot_of(tx, keys, state.id, segment, first=first + 1, after_id=after_id)
            page = found[:first]
            position = page[-1].id if page else None
            return SegmentPage(members=ctx.shown(tx, page), position=position, has_more=len(found) > len(page))
        rows = candidates(tx, keys, state.id, first=MEMBERS_PER_PAGE + 1, after_id=after_id)
        looked_at = rows[:MEMBERS_PER_PAGE]
        groups = memberships(tx, state, looked_at, now)
        page = [one for one in looked_at if segment in groups[one.id]][:first]
        last = page[-1] if len(page) == first else looked_at[-1] if looked_at else None
        return SegmentPage(
            members=ctx.shown(tx, page),
            position=None if last is None else last.id,
            has_more=last is not None and last.id < rows[-1].id,
        )

    return await ctx.read(body)


def memberships(tx: Connection, state: ProgramState, members: Sequence[Member], now: datetime) -> dict[int, list[str]]:
    """The segments that these members are in at an instant, in the order of the configuration."""
    if not state.configuration.segments:
        return {one.id: [] for one in members}
    standing = Standing(state, of_segments=True)
    standing.load(tx, members, [now])
    found = {one.id: [] if one.erased_at else segments_of(state.rules, standing.profile(one, now)) for one in members}
    names = [one.name for one in state.configuration.segments]
    return {member_id: [name for name in names if name in groups] for member_id, groups in found.items()}


def segment_named(state: ProgramState, name: str) -> Segment:
    """The segment of this name. Raises InvalidRequest."""
    for one in state.configuration.segments:
        if one.name == name:
            return one
    raise InvalidRequest("segment: no such segment", field="segment")
