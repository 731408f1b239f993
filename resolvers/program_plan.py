"""The use case that tells what a program promises: to its server, and to the apps of its members."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.errors import Forbidden
from domain.expiry_terms import ExpiryTerms
from domain.rules.terms import ProgramTerms, ReferralTerms
from domain.store.program import ProgramState
from domain.tier_terms import TierTerms
from resolvers.context import Context


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgramPlan:
    """What a program says about itself. Not all of it is for members: an edge chooses what it shows."""

    terms: ProgramTerms
    tiers: TierTerms
    referrals: ReferralTerms
    expiry: ExpiryTerms


async def list_program_plans(ctx: Context, program_ids: Sequence[int]) -> dict[int, ProgramPlan]:
    """What programs promise, by partition: the caller's own, or whichever an administrator may see.

    Raises Forbidden, ProgramNotFound.
    """
    own = ctx.principal.program_id
    if set(program_ids) != {own}:
        if ctx.principal.kind in {PrincipalKind.PROGRAM, PrincipalKind.MEMBER}:
            raise Forbidden("the token is for another program")
        ctx.principal.require(Permission.CONFIGURATION_READ)

    def body(tx: Connection) -> dict[int, ProgramPlan]:
        programs = ctx.services.programs
        return {one: _plan(ctx.program(tx) if one == own else programs.current(tx, one)) for one in program_ids}

    return await ctx.read(body)


def _plan(state: ProgramState) -> ProgramPlan:
    one = state.configuration
    return ProgramPlan(terms=one.program, tiers=one.tiers, referrals=one.referrals, expiry=one.expiry)
