"""Use cases of tiers: the job that takes them away when their time is over, and tiers given by hand."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind, system_principal
from domain.crypto import encrypt
from domain.errors import BadRequest, Forbidden, InvalidRequest, MemberNonexistent, TierNotManual
from domain.member_status import (
    Operation,
    earning_statuses,
    refusal_by_status,
    refusal_to_earn,
    require_earning,
)
from domain.points import from_minor
from domain.store.journal import Journal
from domain.store.member import Stored, find_members
from domain.store.merge import MergedMeanwhile, answering_for
from domain.store.program import ProgramState
from domain.store.tier import retained_until
from domain.tiers import newly_reached
from resolvers.awarding import Awarding
from resolvers.context import Context, Services
from resolvers.movement import free_text, member_with
from resolvers.program import list_environment_programs
from resolvers.standing import Standing
from resolvers.tiering import Tiering, is_automatic

MEMBERS_PER_COMMIT = 200
SET_TIER = "member.tier.set"


@dataclass(frozen=True, kw_only=True, slots=True)
class SetTier:
    """Give one member a tier by hand, None: take it away. The member is named by id or by reference."""

    tier: str | None
    reason: str | None
    member_id: int | None = None
    relation_reference: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TierSet:
    """What came of it. `changed` False: the member had the tier already. `bonus` in points."""

    member_id: int
    changed: bool
    bonus: Decimal


async def set_tier(ctx: Context, command: SetTier) -> TierSet:
    """Give a member a tier by hand, with the bonus of the levels that it reaches for the first time.

    Again with the same tier: nothing is done. Raises Forbidden, BadRequest, MemberNotFound, MemberNonexistent,
    TierNotManual, InvalidRequest (no such level), CancelledMemberUpdate, and where there is a bonus what stops an
    earning, InvalidRequest (no room for it).
    """
    ctx.principal.require(Permission.MEMBER_WRITE)
    if ctx.principal.kind is PrincipalKind.MEMBER:
        raise Forbidden("members do not give tiers")
    ctx.principal.require_proof()
    if (command.member_id is None) == (not command.relation_reference):
        raise BadRequest("relation_reference: either it or member_id", field="relation_reference")
    reason = free_text(command.reason, "reason")
    if reason is None:
        raise BadRequest("reason: is missing", field="reason")
    return await ctx.write(lambda tx: _set(tx, ctx, command, reason))


def _set(tx: Connection, ctx: Context, command: SetTier, reason: str) -> TierSet:
    # A level that is given stays one until that is stored.
    state, now = ctx.program_in_force(tx), ctx.services.clock()
    member_id = _member_id(tx, ctx, state, command)
    _check_tier(state, command.tier)
    journal = Journal(tx, state.id, state.config_version, now, ctx.principal.actor, ctx.source)
    account = journal.lock_accounts([member_id])[member_id]
    if _member_id(tx, ctx, state, command) != member_id:
        raise MergedMeanwhile
    journal.flush()
    # Read after the lock, so that a status or a tier that changed meanwhile counts.
    [stored] = find_members(tx, ctx.services.keys, state.id, ids=[member_id])
    standing = Standing(state)
    standing.load(tx, [stored.member], [])
    before = standing.tiers.now(member_id)
    if before == command.tier:
        return TierSet(member_id=member_id, changed=False, bonus=Decimal(0))
    _check_member(state, stored, command.tier, standing)
    awarding = Awarding(tx, state, {member_id: account}, now)
    awarding.load()
    tiering = Tiering(tx, state, now, standing, awarding, source="manual")
    drafts = tiering.give(stored.member, account, command.tier)
    tiering.write_down(journal)
    journal.flush()
    ctx.audit(
        tx,
        SET_TIER,
        f"member:{member_id}",
        before={"tier": before},
        # Under the member's key, because the trail is never changed and an erasure has to reach it.
        after={"tier": command.tier, "reason": b64encode(encrypt(stored.data_key, reason)).decode()},
    )
    bonus = from_minor(sum(draft.points for draft in drafts), state.places)
    return TierSet(member_id=member_id, changed=True, bonus=bonus)


def _check_tier(state: ProgramState, tier: str | None) -> None:
    terms = state.configuration.tiers
    if terms.assessment != "manual":
        raise TierNotManual(f"the program's assessment is {terms.assessment}")
    if tier is not None and tier not in {level.name for level in terms.levels}:
        raise InvalidRequest("tier: no such level", field="tier")


def _member_id(tx: Connection, ctx: Context, state: ProgramState, command: SetTier) -> int:
    if command.member_id is None:
        return member_with(tx, ctx, state.id, command.relation_reference or "")
    found = find_members(tx, ctx.services.keys, state.id, ids=[command.member_id], follow=True)
    if not found:
        raise MemberNonexistent
    return found[0].member.id


def _check_member(state: ProgramState, stored: Stored, tier: str | None, standing: Standing) -> None:
    member = stored.member
    if (stopped := refusal_by_status(Operation.UPDATE, member.status)) is not None:
        raise stopped
    fresh = newly_reached(state.configuration.tiers, tier, standing.tiers.reached(member.id))
    if any(level.upgrade_bonus for level in fresh):
        # A level is reached once: without its bonus now the member would never get it.
        require_earning(member, accrue_cancelled=state.terms.accrue_cancelled)


async def assess_tiers(services: Services, *, limit: int = MEMBERS_PER_COMMIT) -> int:
    """Assess every member whose retention is over and who may earn, in batches; how many were looked at.

    Who may not earn keeps its tier until it may: a level is reached once, and its bonus would be lost. A member who
    still qualifies is retained anew, so that each is looked at once a retention at the most.
    """
    total = 0
    for program in await list_environment_programs(services):
        caller = system_principal(program.id, program.public_id, program.environment, "system:tiers")
        ctx = Context(services=services, principal=caller, source="job", request_id="-")
        while (done := await _assess_batch(ctx, limit)) > 0:
            total += done
    return total


async def _assess_batch(ctx: Context, limit: int) -> int:
    now = ctx.services.clock()

    def over(tx: Connection, most: int) -> list[int]:
        state = ctx.program(tx)
        if not is_automatic(state.configuration):
            return []
        before = now - timedelta(days=state.configuration.tiers.retention_days)
        statuses = earning_statuses(accrue_cancelled=state.terms.accrue_cancelled)
        return retained_until(tx, state.id, before, statuses, most)

    if not await ctx.read(lambda tx: over(tx, 1)):
        return 0

    def body(tx: Connection) -> int:
        state = ctx.program_in_force(tx)
        ids = over(tx, limit)
        journal = Journal(tx, state.id, state.config_version, now, ctx.principal.actor, ctx.source)
        accounts = journal.lock_accounts(ids)
        journal.flush()
        if answering_for(tx, state.id, ids):
            raise MergedMeanwhile
        # Read after the lock, so that a status that changed meanwhile counts.
        found = [one.member for one in find_members(tx, ctx.services.keys, state.id, ids=ids)]
        allowed = state.terms.accrue_cancelled
        members = [one for one in found if refusal_to_earn(one, accrue_cancelled=allowed) is None]
        standing = Standing(state)
        standing.load(tx, members, [now])
        awarding = Awarding(tx, state, accounts, now)
        awarding.load()
        tiering = Tiering(tx, state, now, standing, awarding)
        for member in members:
            tiering.assess(member, accounts[member.id])
        tiering.write_down(journal)
        journal.flush()
        return len(ids)

    return await ctx.write(body)
