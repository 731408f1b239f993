"""Members: the list with its filters, the search, and enrolling one by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from domain.access import Permission
from domain.errors import InvalidRequest, TesseraError
from domain.member_status import STATUS_NAMES
from domain.rules.fixed import member_definitions
from domain.rules.model import AttributeDefinition
from domain.store.program import ProgramState
from resolvers.ledger import list_balances
from resolvers.member import EnrollMember, Member, MemberFilter, enroll_member, list_answering_members, list_members
from resolvers.member_search import search_members
from resolvers.segment import list_segment_members
from tessera.portal.pager import PAGE_SIZE, Paged, asked_id, page_of
from tessera.portal.pages.member_frame import program_of
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

_MOST_FOUND = 50
ATTRIBUTE = "attribute:"
"""Before the key of an attribute in the names of inputs, so that no key is the name of another input."""


async def show(visit: Visit) -> Response:
    """The newest members, those of a filter, or those that a search found."""
    state, error, found_by = await program_of(visit), None, {}
    listed: Paged[Member] = Paged(rows=(), newer=None, older=None)
    try:
        if text := visit.asked("q"):
            matches = await search_members(visit.ctx, text, first=_MOST_FOUND)
            listed = Paged(rows=[one.member for one in matches], newer=None, older=None)
            found_by = {one.member.id: _names(state).get(one.by, _LINKS.get(one.by, one.by)) for one in matches}
        else:
            listed = await _page(visit)
    except InvalidRequest as refused:
        error = refused
    ids = [one.id for one in listed.rows]
    answering = await list_answering_members(visit.ctx, ids)
    return visit.page(
        "members.html",
        error=error,
        listed=listed,
        found_by=found_by,
        merged={asked: one for asked, one in answering.items() if one.id != asked},
        balances=await list_balances(visit.ctx, ids) if visit.may(Permission.LEDGER_READ) else {},
        statuses=STATUS_NAMES,
        tiers=[one.name for one in state.configuration.tiers.levels],
        segments=[one.name for one in state.configuration.segments],
        asked={name: visit.asked(name) for name in ("q", "status", "tier", "segment")},
    )


_LINKS = {"card_number": "Card number", "sub_relation_identifier": "Identifier"}


def _names(state: ProgramState) -> Mapping[str, str]:
    return {one.key: one.name for one in member_definitions(state.configuration)}


async def _page(visit: Visit) -> Paged[Member]:
    """A page of the list. Raises InvalidRequest."""
    status, tier, segment = visit.asked("status"), visit.asked("tier"), visit.asked("segment")
    if status and status not in map(str, STATUS_NAMES):
        raise InvalidRequest("status: there is none such", field="status")
    if segment:
        if status or tier:
            raise InvalidRequest("A segment goes with no other filter", field="segment")
        found = await list_segment_members(visit.ctx, segment, first=PAGE_SIZE, after_id=asked_id(visit))
        # A page may have fewer than fit on it, or nobody, while there are more.
        ends = [*found.members, *([None] * (PAGE_SIZE + 1 - len(found.members)) if found.has_more else [])]
        paged = page_of(visit, ends, lambda _: found.position)
        return Paged(rows=[one for one in paged.rows if one], newer=paged.newer, older=paged.older)
    only = MemberFilter(statuses=frozenset({int(status)}) if status else None, tier=tier or None)
    rows = await list_members(visit.ctx, first=PAGE_SIZE + 1, after_id=asked_id(visit), descending=True, only=only)
    return page_of(visit, rows, lambda one: one.id)


async def show_new(visit: Visit, error: TesseraError | None = None) -> Response:
    """The form for a new member."""
    state = await program_of(visit)
    definitions = [one for one in member_definitions(state.configuration) if one.key not in {"status"}]
    return visit.page(
        "member_new.html",
        error=error,
        definitions=definitions,
        statuses=STATUS_NAMES,
        has_referrals=state.configuration.referrals.enabled,
    )


async def enroll(visit: Visit) -> Response:
    """Enrol a member."""
    state = await program_of(visit)
    values = {key: text for key, text in given_values(visit, member_definitions(state.configuration)).items() if text}
    status = visit.given("status")
    try:
        if status not in map(str, STATUS_NAMES):
            raise InvalidRequest("choose a status", field="status")
        command = EnrollMember(
            values={**values, "status": int(status)},
            referral_code=visit.optional("referral_code"),
            idempotency_key=visit.optional("key"),
        )
        written = await enroll_member(visit.ctx, command)
    except TesseraError as error:
        return await show_new(visit, error)
    return visit.go(visit.url(f"members/{written.member.id}"), f"{written.member.relation_reference} is enrolled.")


def given_values(visit: Visit, definitions: Sequence[AttributeDefinition]) -> dict[str, Any]:
    """The attributes that the form has inputs for, as texts."""
    return {
        one.key: visit.given(f"{ATTRIBUTE}{one.key}") for one in definitions if f"{ATTRIBUTE}{one.key}" in visit.form
    }


PAGES: tuple[Page, ...] = (
    page("members", show, Permission.MEMBER_READ),
    page("members/new", show_new, Permission.MEMBER_WRITE),
    action("members/new", enroll, Permission.MEMBER_WRITE),
)
