"""Use cases that read campaigns: those of the program, and what of them is open to a member now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from domain.access import Permission
from domain.member import Member
from domain.member_status import refusal_to_earn
from domain.rules.campaign import CampaignTime, time_of
from domain.rules.model import CampaignAward
from domain.store.program import ProgramState
from resolvers.context import Context


@dataclass(frozen=True, kw_only=True, slots=True)
class Campaign:
    """A campaign of the configuration in force. `segment` None is for everybody; `is_active` as of the reading."""

    name: str
    span: CampaignTime
    segment: str | None
    award: CampaignAward
    message: str | None
    is_active: bool


async def list_campaigns(ctx: Context, *, active: bool | None = None) -> list[Campaign]:
    """The program's campaigns in the order of the configuration: those that are on now, that are not, or all.

    Raises Forbidden.
    """
    ctx.principal.require(Permission.CONFIGURATION_READ)
    now = ctx.services.clock()

    def body(tx: Connection) -> list[Campaign]:
        return [one for one in campaigns_at(ctx.program(tx), now) if active in (None, one.is_active)]

    return await ctx.read(body)


def campaigns_at(state: ProgramState, now: datetime) -> list[Campaign]:
    """The program's campaigns in the order of the configuration, as they stand at an instant."""
    found = []
    for one in state.configuration.campaigns:
        span = time_of(one, state.zone)
        found.append(
            Campaign(
                name=one.name,
                span=span,
                segment=one.segment,
                award=one.award,
                message=one.message,
                is_active=span.has(now),
            )
        )
    return found


def open_to(
    state: ProgramState, member: Member, segments: Collection[str], running: Sequence[Campaign]
) -> list[Campaign]:
    """Those of the running campaigns that a member in these segments has: none for who may not earn, or was erased."""
    # An erasure takes away the leave to accrue, so it is one of the refusals.
    if refusal_to_earn(member, accrue_cancelled=state.terms.accrue_cancelled):
        return []
    return [one for one in running if one.segment is None or one.segment in segments]
