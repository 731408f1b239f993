"""Lockouts that lapse: whoever is served after one has lapsed sees the status that the member had before.

A process knows when the next lockout lapses, and lifts it before it serves anybody at a later instant. Lockouts last
for a day, so that one made elsewhere is known long before it lapses.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from domain.member import ACTIVE, INACTIVE, LOGIN_BLOCKED, Member
from domain.store.login import forget_old_failures, lift_lapsed, next_lapse
from domain.store.outbox import add_events, member_event
from resolvers.context import Services

LOCKOUT = timedelta(hours=24)
FAILURES_ALLOWED = 5
FORGOTTEN_AFTER = timedelta(days=30)
"""Wrong passwords are in a row only if the last one is not older."""
AT_A_TIME = 500


async def lift_lapsed_lockouts(services: Services) -> None:
    """Give members back their status, where a lockout has lapsed by now. Raises ServiceUnavailable."""
    now = services.clock()
    if not services.lockouts.is_due(now):
        return
    following = await services.db.read(next_lapse)
    while following is not None and following <= now:
        await services.db.write(lambda tx: _lift(tx, now))
        following = await services.db.read(next_lapse)
    services.lockouts.set(now, following)


def _lift(tx: Connection, now: datetime) -> None:
    for program_id, member_id in lift_lapsed(tx, now, AT_A_TIME):
        tell_updated(tx, program_id, member_id, now)


def tell_updated(tx: Connection, program_id: int, member_id: int, now: datetime) -> None:
    """Write the event of a changed member."""
    add_events(tx, program_id, [member_event("member.updated", member_id, now)])


def status_without_block(member: Member, status_before: int | None) -> int:
    """The status that a member in status 3 gets back: the one before a lockout, else by whether it was activated."""
    if member.status != LOGIN_BLOCKED:
        return member.status
    if status_before is not None:
        return status_before
    return INACTIVE if member.activated_at is None else ACTIVE


async def sweep_lockouts(services: Services) -> int:
    """A job: lift what has lapsed though nobody asked, delete what nobody counts any more; how many rows."""
    await lift_lapsed_lockouts(services)
    now = services.clock()
    return await services.db.write(lambda tx: forget_old_failures(tx, now - FORGOTTEN_AFTER, now, AT_A_TIME))
