"""A member as a person: overview, profile, cards and ids, sessions, messages, what the audit trail tells."""

from starlette.responses import Response

from domain.access import Permission
from domain.errors import TesseraError
from domain.member import Member
from domain.rules.fixed import member_definitions
from domain.rules.model import AttributeDefinition
from domain.sub_relation import TYPES
from resolvers.expiry_schedule import list_expiring
from resolvers.ledger import list_balances, page_posted
from resolvers.member import UpdateMember, list_members_by_id, update_member
from resolvers.member_trail import list_member_trail
from resolvers.message_record import list_messages
from resolvers.segment import list_memberships
from resolvers.session_end import RevokeSessions, list_sessions, revoke_sessions
from resolvers.sub_relation import (
    LinkSubRelation,
    UnlinkSubRelation,
    link_sub_relation,
    page_sub_relations,
    unlink_sub_relation,
)
from resolvers.tier_standing import list_tier_progress, list_tiers
from tessera.portal.pager import PAGE_SIZE, asked_id, page_of
from tessera.portal.pages.member_frame import (
    address,
    find,
    member_action,
    member_page,
    path_id,
    program_of,
    read_day,
    show,
)
from tessera.portal.pages.member_list import given_values
from tessera.portal.render import show_words
from tessera.portal.route import Page
from tessera.portal.visit import Visit

_FEW = 5


async def show_overview(visit: Visit) -> Response:
    """What one wants to know first."""
    member, ctx = await find(visit), visit.ctx
    ids, reads_ledger = [member.id], visit.may(Permission.LEDGER_READ)
    membership = (await list_memberships(ctx, ids)).get(member.id)
    referrer = {} if member.referred_by is None else await list_members_by_id(ctx, [member.referred_by])
    return show(
        visit,
        "member.html",
        member,
        "",
        balance=(await list_balances(ctx, ids)).get(member.id) if reads_ledger else None,
        entries=await page_posted(ctx, member.id, first=_FEW) if reads_ledger else [],
        expiring=list((await list_expiring(ctx, ids)).get(member.id, []))[:_FEW] if reads_ledger else [],
        tier=(await list_tiers(ctx, ids)).get(member.id),
        way=(await list_tier_progress(ctx, ids)).get(member.id) if reads_ledger else None,
        segments=[] if membership is None else membership.segments or [],
        campaigns=[] if membership is None else membership.campaigns,
        referrer=referrer.get(member.referred_by or 0),
    )


async def show_profile(visit: Visit, error: TesseraError | None = None) -> Response:
    """The form for the profile, without inputs for what the caller may not see: they would write masks."""
    member = await find(visit)
    state = await program_of(visit)
    definitions = _profile(member_definitions(state.configuration), sees_persons=visit.ctx.sees_persons)
    is_open = member.erased_at is None and visit.may(Permission.MEMBER_WRITE)
    return show(
        visit,
        "member_profile.html",
        member,
        "profile",
        error=error,
        definitions=definitions,
        hidden=not visit.ctx.sees_persons,
        values={one.key: _value(member, one) for one in definitions},
        is_open=is_open,
    )


def _profile(definitions: tuple[AttributeDefinition, ...], *, sees_persons: bool) -> list[AttributeDefinition]:
    return [
        one for one in definitions if one.key not in {"relation_reference", "status"} and (sees_persons or not one.pi)
    ]


def _value(member: Member, definition: AttributeDefinition) -> str:
    """A value as the input has it."""
    found = member.attributes.get(definition.key, getattr(member, definition.key, None))
    return "" if found is None else str(found).lower() if isinstance(found, bool) else str(found)


async def save_profile(visit: Visit) -> Response:
    """Write what is another than it was."""
    member = await find(visit)
    definitions = member_definitions((await program_of(visit)).configuration)
    inputs = _profile(definitions, sees_persons=visit.ctx.sees_persons)
    before = {one.key: _value(member, one) for one in inputs}
    values = {key: text for key, text in given_values(visit, inputs).items() if text != before[key]}
    if not values:
        return visit.go(address(visit, member, "profile"), "Nothing was to be changed.")
    try:
        await update_member(visit.ctx, UpdateMember(values=values, member_id=member.id))
    except TesseraError as error:
        return await show_profile(visit, error)
    return visit.go(address(visit, member, "profile"), "The profile is saved.")


async def show_links(visit: Visit, error: TesseraError | None = None) -> Response:
    """What is linked to the member."""
    member = await find(visit)
    pages = await page_sub_relations(visit.ctx, [member.id], first=PAGE_SIZE + 1, after_id=asked_id(visit))
    listed = page_of(visit, pages.get(member.id, []), lambda one: one.id)
    return show(
        visit,
        "member_links.html",
        member,
        "links",
        error=error,
        listed=listed,
        types=[(one, show_words(one)) for one in TYPES],
    )


async def link(visit: Visit) -> Response:
    """Link a card or an identifier, or change what is linked under the same pair."""
    member = await find(visit)
    try:
        command = LinkSubRelation(
            relation_reference=member.relation_reference,
            type=visit.optional("sub_relation_type"),
            card_number=visit.optional("card_number"),
            sub_relation_identifier=visit.optional("sub_relation_identifier"),
            product_code=visit.optional("product_code"),
            expiry_date=read_day(visit.given("expiry_date"), "expiry_date", "The last day"),
            status=visit.optional("status"),
            idempotency_key=visit.optional("key"),
        )
        await link_sub_relation(visit.ctx, command)
    except TesseraError as error:
        return await show_links(visit, error)
    return visit.go(address(visit, member, "links"), "It is linked.")


async def unlink(visit: Visit) -> Response:
    """Take a link away."""
    member, link_id = await find(visit), path_id(visit, "link")
    try:
        await unlink_sub_relation(visit.ctx, UnlinkSubRelation(sub_relation_id=link_id))
    except TesseraError as error:
        return await show_links(visit, error)
    return visit.go(address(visit, member, "links"), "It is linked no longer.")


async def show_sessions(visit: Visit, error: TesseraError | None = None) -> Response:
    """Where the member is signed in."""
    member = await find(visit)
    sessions = [] if member.erased_at else await list_sessions(visit.ctx, member.relation_reference)
    return show(visit, "member_sessions.html", member, "sessions", error=error, sessions=sessions)


async def revoke(visit: Visit) -> Response:
    """End one session, or all."""
    member, chosen = await find(visit), visit.given("session")
    try:
        is_one = chosen.isascii() and chosen.isdecimal()
        command = RevokeSessions(
            relation_reference=member.relation_reference,
            session_id=int(chosen[:18]) if is_one else None,
            all=chosen == "all",
        )
        ended = await revoke_sessions(visit.ctx, command)
    except TesseraError as error:
        return await show_sessions(visit, error)
    said = "They had ended already." if not ended else "One session is ended." if ended == 1 else "Sessions are ended."
    return visit.go(address(visit, member, "sessions"), said)


async def show_messages(visit: Visit) -> Response:
    """Which messages went to the member."""
    member = await find(visit)
    rows = await list_messages(visit.ctx, member.id, first=PAGE_SIZE + 1, before_id=asked_id(visit))
    listed = page_of(visit, rows, lambda one: one.id)
    return show(visit, "member_messages.html", member, "messages", listed=listed)


async def show_trail(visit: Visit) -> Response:
    """What administrators did about the member."""
    member = await find(visit)
    rows = await list_member_trail(visit.ctx, member.id, first=PAGE_SIZE + 1, before_seq=asked_id(visit))
    return show(visit, "member_trail.html", member, "audit", listed=page_of(visit, rows, lambda one: one.seq))


PAGES: tuple[Page, ...] = (
    member_page("", show_overview, Permission.MEMBER_READ),
    member_page("profile", show_profile, Permission.MEMBER_READ),
    member_action("profile", save_profile, Permission.MEMBER_WRITE),
    member_page("links", show_links, Permission.MEMBER_READ),
    member_action("links", link, Permission.SUB_RELATION_WRITE),
    member_action("links/{link:int}/unlink", unlink, Permission.SUB_RELATION_WRITE),
    member_page("sessions", show_sessions, Permission.MEMBER_READ),
    member_action("sessions", revoke, Permission.SESSION_REVOKE),
    member_page("messages", show_messages, Permission.MEMBER_READ),
    member_page("audit", show_trail, Permission.AUDIT_READ),
)
