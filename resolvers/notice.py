"""The job that writes messages to members about what happened to them, in programs that have templates for it.

It follows the feed. An event is in the outbox since the database transaction of its cause, and its message is written
in the one that moves the place in the feed: each is written exactly once, and what moves points does nothing for it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from domain.clock import last_moment
from domain.message import EMAIL, NOTICE_LIFE, SMS, MessageTemplate, pick_event_template
from domain.notice import NOTICE_OF
from domain.points import from_minor, plain_text
from domain.store.feed import StoredEvent
from domain.store.member import Stored, find_members
from domain.store.message import Draft, add_messages, count_waiting
from domain.store.message_feed import all_places, begin_place, forget_place, move_place, take_place
from domain.store.program import ProgramState, message_events
from domain.store.webhook import newest_number
from domain.store.webhook_delivery import wanted_events
from domain.store.webhook_source import postings_of
from resolvers.context import Services
from resolvers.messaging import Way, draft_message
from resolvers.program import list_environment_programs

EVENTS_PER_COMMIT = 100
MOST_WAITING = 500
"""With so many messages to deliver no more are written: they wait in the feed, and a code is not behind all of them."""
_SCAN = 20_000


async def write_notices(services: Services) -> int:
    """Write the messages about what happened since the last time; how far the feeds were read."""
    total = 0
    places = await services.db.read(all_places)
    for program in await list_environment_programs(services):
        known = services.notices.get(program.id)
        if known is None or known[0] != program.config_version:
            # The document as it is: to compile what a program does not need would cost more than all else here.
            events = await services.db.read(partial(message_events, program_id=program.id))
            known = services.notices[program.id] = program.config_version, bool(topics_told(events))
        place, newest = places.get(program.id, (None, 0))
        if known[1]:
            total += await _go_on(services, program.id, place, newest)
        elif place is not None:
            # Whoever has templates again is told of what happens from then on.
            await services.db.write(partial(forget_place, program_id=program.id))
    return total


def topics_told(events: Collection[str]) -> frozenset[str]:
    """The topics that members are told of by templates for these events."""
    return frozenset(topic for topic, event in NOTICE_OF.items() if event in events)


async def _go_on(services: Services, program_id: int, place: int | None, newest: int) -> int:
    if place is None:
        await services.db.write(lambda tx: begin_place(tx, program_id))
        return 0
    if place >= newest:
        return 0
    now = services.clock()
    return await services.db.write(lambda tx: _follow(tx, services, program_id, now))


def _follow(tx: Connection, services: Services, program_id: int, now: datetime) -> int:
    place = take_place(tx, program_id)
    if place is None or count_waiting(tx, program_id, MOST_WAITING) >= MOST_WAITING:
        return 0
    state = services.programs.current(tx, program_id)
    until = min(newest_number(tx, program_id), place + _SCAN)
    topics = topics_told({one.event for one in state.configuration.messages}), ()
    events = wanted_events(tx, program_id, topics, after=place, until=until, limit=EVENTS_PER_COMMIT)
    position = events[-1].seq if len(events) == EVENTS_PER_COMMIT else until
    fresh = [one for one in events if one.created_at > now - NOTICE_LIFE and one.member_id is not None]
    add_messages(tx, program_id, _drafts(tx, services, state, fresh, now), now)
    move_place(tx, program_id, position)
    return position - place


def _drafts(
    tx: Connection, services: Services, state: ProgramState, events: Sequence[StoredEvent], now: datetime
) -> list[Draft]:
    ids = sorted({one.member_id for one in events if one.member_id is not None})
    found = {one.member.id: one for one in find_members(tx, services.keys, state.id, ids=ids)} if ids else {}
    told = [(event, event.told) for event in events]
    postings = postings_of(tx, state.id, sorted({one["entry_id"] for _, one in told if "entry_id" in one}))
    drafts = []
    for event, one in told:
        stored = found.get(event.member_id or 0)
        if stored is None or stored.member.erased_at is not None:
            continue
        chosen = _choose(services, state, NOTICE_OF[event.topic], stored)
        if chosen is not None:
            template, way = chosen
            values = _values(state, stored, one, postings)
            drafts.append(draft_message(stored, way, template.event, template, values, {}, now + NOTICE_LIFE))
    return drafts


def _choose(services: Services, state: ProgramState, event: str, stored: Stored) -> tuple[MessageTemplate, Way] | None:
    """The channel that the program prefers and has a template for, else the other, where the member has an address."""
    member = stored.member
    own = {EMAIL: member.email_id, SMS: member.mobile_number}
    preferred = state.terms.otp_channel
    channels = sorted(own, key=lambda one: one != preferred)
    found = [
        (template, Way(channel=one, address=own[one] or None, has_file=services.environment == "sandbox"))
        for one in channels
        if (template := pick_event_template(state.configuration.messages, event, one, member.preferred_language))
    ]
    reached = [one for one in found if one[1].address is not None]
    in_file = [one for one in found if one[1].has_file]
    return next(iter([*reached, *in_file]), None)


def _values(
    state: ProgramState, stored: Stored, told: Mapping[str, Any], postings: Mapping[int, Any]
) -> dict[str, str]:
    """What stands in braces."""
    values = {"name": stored.member.full_name or stored.member.relation_reference, "program": state.name}
    posting = postings.get(told.get("entry_id", 0))
    if posting is not None:
        values |= {
            "points": plain_text(abs(from_minor(posting.points, state.places))),
            "balance": plain_text(from_minor(posting.balance_after, state.places)),
            "merchant": posting.merchant or state.merchant,
        }
    elif "expires_at" in told:
        at = last_moment(datetime.fromisoformat(told["expires_at"])).astimezone(state.zone)
        values |= {"points": plain_text(from_minor(told["points"], state.places)), "expires_on": f"{at:%Y-%m-%d}"}
    return values | {name: str(told[name] or "") for name in ("tier", "order") if name in told}
