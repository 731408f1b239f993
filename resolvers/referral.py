"""Use cases of referrals: a code for a member who has none, and what members' codes did for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import BadRequest, MemberNotFound, ReferralRefused
from domain.member import Member
from domain.member_status import Operation, refusal_by_status
from domain.models.types import to_json
from domain.points import from_minor
from domain.store.member import find_members
from domain.store.merge import merged_ids
from domain.store.outbox import add_events
from domain.store.referral import ReferralFigures, referral_figures, set_code, unused_codes
from resolvers.context import Context


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralCodeIssued:
    """The member with its code; `replayed` where it had one before."""

    member: Member
    replayed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Referrals:
    """How many members came by a member's code, how many of them were rewarded, and the points that it got."""

    count: int = 0
    rewarded: int = 0
    points: Decimal = Decimal(0)


async def issue_referral_code(ctx: Context, relation_reference: str | None) -> ReferralCodeIssued:
    """Give a code to a member who was enrolled while referrals were off (None: the token's own member).

    A member who has a code keeps it. Raises BadRequest, Forbidden, MemberNotFound, ReferralRefused (off),
    CancelledMemberUpdate.
    """
    ctx.principal.require(Permission.MEMBER_WRITE)
    reference = ctx.principal.member(relation_reference)
    if not reference:
        raise BadRequest("relation_reference: is missing", field="relation_reference")
    return await ctx.write(lambda tx: _issue(tx, ctx, reference))


def _issue(tx: Connection, ctx: Context, reference: str) -> ReferralCodeIssued:
    state = ctx.program(tx)
    found = find_members(tx, ctx.services.keys, state.id, references=[reference], lock=True)
    if not found:
        raise MemberNotFound
    member = found[0].member
    if member.referral_code is not None:
        return ReferralCodeIssued(member=member, replayed=True)
    if not state.configuration.referrals.enabled:
        raise ReferralRefused("referrals are off")
    stopped = refusal_by_status(Operation.UPDATE, member.status)
    if stopped is not None:
        raise stopped
    [code] = unused_codes(tx, state.id, 1)
    set_code(tx, state.id, member.id, code)
    event: dict[str, object] = {
        "topic": "member.updated",
        "member_id": member.id,
        "payload": to_json({"member_id": member.id}),
        "created_at": ctx.services.clock(),
    }
    add_events(tx, state.id, [event])
    return ReferralCodeIssued(member=replace(member, referral_code=code))


async def list_referrals(ctx: Context, member_ids: Sequence[int]) -> dict[int, Referrals]:
    """What their codes did for these members, those of duplicates that were merged into them included.

    Members that the caller may not see are left out. Raises Forbidden.
    """
    ctx.principal.require(Permission.LEDGER_READ)

    def body(tx: Connection) -> dict[int, Referrals]:
        state = ctx.program(tx)
        visible = ctx.visible_members(tx, member_ids)
        merged = merged_ids(tx, state.id, visible)
        found = referral_figures(tx, state.id, sorted({*visible, *merged}))
        return {one: _total(one, merged, found, state.places) for one in visible}

    return await ctx.read(body)


def _total(member_id: int, merged: Mapping[int, int], found: Mapping[int, ReferralFigures], places: int) -> Referrals:
    parts = [one for owner, one in found.items() if owner == member_id or merged.get(owner) == member_id]
    return Referrals(
        count=sum(one.count for one in parts),
        rewarded=sum(one.rewarded for one in parts),
        points=from_minor(sum(one.points for one in parts), places),
    )
