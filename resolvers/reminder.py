"""The job that tells ahead that points are about to expire, in programs that want it: once for each member and date."""

from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from domain.models.types import to_json
from domain.store.expiry_reminder import due_reminders, forget_reminders, note_reminder
from domain.store.outbox import add_events
from resolvers.context import Services
from resolvers.program import list_environment_programs

MEMBERS_PER_COMMIT = 200
REMINDER_TOPIC = "expiry.reminder"
"""No topic of postings: those begin with `points.`, and whoever follows them looks for one."""


async def remind_of_expiry(services: Services, *, limit: int = MEMBERS_PER_COMMIT) -> int:
    """Write an event for each member and date that is near; how many. Programs that do not want it cost a look."""
    total = 0
    for program in await list_environment_programs(services):
        state = await services.db.read(partial(services.programs.current, program_id=program.id))
        days = state.terms.expiry_reminder_days
        if days is not None:
            total += await _remind(services, program.id, timedelta(days=days), limit)
    return total


async def _remind(services: Services, program_id: int, ahead: timedelta, limit: int) -> int:
    now = services.clock()

    def body(tx: Connection) -> int:
        due = due_reminders(tx, program_id, now, ahead, limit)
        # Whoever of two processes notes it first tells it.
        mine = [one for one in due if note_reminder(tx, program_id, one.account_id, one.expires_at)]
        events: list[dict[str, object]] = [
            {
                "topic": REMINDER_TOPIC,
                "member_id": one.member_id,
                "payload": to_json({"points": int(one.points), "expires_at": one.expires_at.isoformat()}),
                "created_at": now,
            }
            for one in mine
        ]
        add_events(tx, program_id, events)
        forget_reminders(tx, program_id, now)
        return len(due)

    if not await services.db.read(lambda tx: due_reminders(tx, program_id, now, ahead, 1)):
        return 0
    return await services.db.write(body)
