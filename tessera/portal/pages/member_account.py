"""A member's account: the statement with its reasons, lots, transactions, orders, tier, requests."""

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from domain.access import Permission
from domain.clock import from_micros, to_micros
from domain.errors import InvalidRequest, RedemptionNotFound, TesseraError
from domain.rules.explanation import Explanation
from resolvers.configuration_version import find_configuration
from resolvers.days import Days
from resolvers.entry import LedgerEntry
from resolvers.expiry_schedule import get_expiry_schedule
from resolvers.hold import CancelHold, cancel_hold, page_holds_of
from resolvers.ledger import (
    EntryFilter,
    list_balances,
    list_entries_by_id,
    list_entry_lots,
    page_posted,
)
from resolvers.lot import list_pending, page_lots
from resolvers.order_record import page_orders_of_members
from resolvers.points_request import list_points_requests
from resolvers.tier import SetTier, set_tier
from resolvers.tier_standing import list_tier_changes, list_tier_progress, list_tiers
from resolvers.transaction import TransactionFilter, list_transactions_by_id, page_transactions
from tessera.portal.pager import PAGE_SIZE, asked_id, asked_numbers, page_of
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
from tessera.portal.pages.order import STATUSES as ORDER_STATES
from tessera.portal.reason import Step, award_words, list_steps
from tessera.portal.route import Page
from tessera.portal.visit import Visit

KINDS = ("earn", "bonus", "redemption", "reversal", "refund", "expiry", "adjustment", "transfer", "hold", "release")

STATUSES = ("POSTED", "HELD", "PARKED", "LAPSED", "REJECTED")


async def show_statement(visit: Visit) -> Response:
    """Postings in the order in which they were made, newest first: only so do balances run down the page."""
    member, error, rows = await find(visit), None, []
    try:
        before, only = asked_id(visit), _entry_filter(visit)
        rows = await page_posted(visit.ctx, member.id, first=PAGE_SIZE + 1, before_seq=before, only=only)
    except TesseraError as refused:
        error = refused
    return show(
        visit,
        "member_statement.html",
        member,
        "statement",
        error=error,
        listed=page_of(visit, rows, lambda one: one.stored.seq),
        kinds=KINDS,
        asked={name: visit.asked(name) for name in ("kind", "from", "to")},
        types=(await program_of(visit)).terms.redemption_types,
    )


def _entry_filter(visit: Visit) -> EntryFilter:
    kind = visit.asked("kind")
    if kind and kind not in KINDS:
        raise InvalidRequest("kind: there is none such", field="kind")
    days = Days(read_day(visit.asked("from"), "from", "From"), read_day(visit.asked("to"), "to", "To"))
    return EntryFilter(kinds=frozenset({kind}) if kind else None, days=days)


async def entry_of(visit: Visit) -> LedgerEntry:
    """The posting of the address, of the member of the address. Raises MemberNotFound, RedemptionNotFound."""
    member, entry_id = await find(visit), path_id(visit, "entry")
    found = (await list_entries_by_id(visit.ctx, [entry_id])).get(entry_id)
    if found is None or found.stored.member_id not in {member.id, visit.path["member"]}:
        raise RedemptionNotFound
    return found


async def show_entry(visit: Visit) -> Response:
    """Why a posting has its points: a part of the statement, and a page of its own where there is no script."""
    member, entry = await find(visit), await entry_of(visit)
    lots = (await list_entry_lots(visit.ctx, [entry.stored.id])).get(entry.stored.id, [])
    row = entry.stored.transaction_ref
    bought = None if row is None else (await list_transactions_by_id(visit.ctx, [row])).get(row)
    told = entry.explanation
    steps: Sequence[Step] = ()
    if told is not None:
        steps = list_steps(told, entry.points, await _awards(visit, told))
    is_part = visit.request.headers.get("hx-request") == "true"
    return show(
        visit,
        "member_entry_part.html" if is_part else "member_entry.html",
        member,
        "statement",
        entry=entry,
        lots=lots,
        bought=bought,
        steps=steps,
    )


async def _awards(visit: Visit, told: Explanation) -> Mapping[str, str]:
    """What the rules gave in words, as they were then; nothing for who may not read them."""
    if not told.rules or not visit.may(Permission.CONFIGURATION_READ):
        return {}
    found = await find_configuration(visit.ctx, told.config_version)
    return {} if found is None else award_words(found.document, told.group)


async def show_points(visit: Visit) -> Response:
    """What the balance consists of, and when it goes."""
    member, error, schedule, lots = await find(visit), None, None, []
    this_year = visit.services.clock().astimezone(visit.zone).year
    asked = visit.asked("year", str(this_year))
    try:
        if not (asked.isascii() and asked.isdecimal() and len(asked) == len("2026")):
            raise InvalidRequest("year: four digits", field="year")
        schedule = await get_expiry_schedule(visit.ctx, member.relation_reference, int(asked))
        numbers = asked_numbers(visit, 3)
        place = None if numbers is None else (from_micros(numbers[0]), from_micros(numbers[1]), numbers[2])
        lots = (await page_lots(visit.ctx, [member.id], first=PAGE_SIZE + 1, after=place)).get(member.id, [])
    except TesseraError as refused:
        error = refused
    return show(
        visit,
        "member_points.html",
        member,
        "points",
        error=error,
        balance=(await list_balances(visit.ctx, [member.id])).get(member.id),
        pending=(await list_pending(visit.ctx, [member.id])).get(member.id, []),
        listed=page_of(visit, lots, lambda one: f"{to_micros(one.place[0])}_{to_micros(one.place[1])}_{one.place[2]}"),
        schedule=schedule,
        year=asked,
        years=range(this_year - 3, this_year + 5),
    )


async def show_transactions(visit: Visit) -> Response:
    """What was submitted about the member."""
    member, error, rows = await find(visit), None, []
    try:
        status = visit.asked("status")
        if status and status not in STATUSES:
            raise InvalidRequest("status: there is none such", field="status")
        only = TransactionFilter(statuses=frozenset({status}) if status else None)
        pages = await page_transactions(
            visit.ctx, [member.id], first=PAGE_SIZE + 1, before_id=asked_id(visit), only=only
        )
        rows = pages.get(member.id, [])
    except TesseraError as refused:
        error = refused
    return show(
        visit,
        "member_transactions.html",
        member,
        "transactions",
        error=error,
        listed=page_of(visit, rows, lambda one: one.id),
        states=STATUSES,
        asked=visit.asked("status"),
    )


async def show_orders(visit: Visit) -> Response:
    """What the member ordered, and who was merged into it."""
    member, error, rows, status = await find(visit), None, [], visit.asked("status")
    try:
        pages = await page_orders_of_members(
            visit.ctx, [member.id], first=PAGE_SIZE + 1, status=status or None, before_id=asked_id(visit)
        )
        rows = pages.get(member.id, [])
    except TesseraError as refused:
        error = refused
    listed = page_of(visit, rows, lambda one: one.id)
    return show(
        visit, "member_orders.html", member, "orders", error=error, listed=listed, states=ORDER_STATES, asked=status
    )


async def show_tier(visit: Visit, error: TesseraError | None = None) -> Response:
    """The tier, the way to the next one, and those before."""
    member, terms = await find(visit), (await program_of(visit)).configuration.tiers
    return show(
        visit,
        "member_tier.html",
        member,
        "tier",
        error=error,
        terms=terms,
        levels=[("", "None"), *((one.name, one.name) for one in terms.levels)],
        tier=(await list_tiers(visit.ctx, [member.id])).get(member.id),
        way=(await list_tier_progress(visit.ctx, [member.id])).get(member.id),
        changes=(await list_tier_changes(visit.ctx, [member.id])).get(member.id, []),
    )


async def give_tier(visit: Visit) -> Response:
    """Give a tier by hand, or take it away."""
    member = await find(visit)
    command = SetTier(tier=visit.optional("tier"), reason=visit.optional("reason"), member_id=member.id)
    try:
        done = await set_tier(visit.ctx, command)
    except TesseraError as error:
        return await show_tier(visit, error)
    return visit.go(address(visit, member, "tier"), "The tier is set." if done.changed else "It was the tier already.")


async def show_requests(visit: Visit, error: TesseraError | None = None) -> Response:
    """Holds, and adjustments that were asked for."""
    member = await find(visit)
    holds = await page_holds_of(visit.ctx, [member.id], first=PAGE_SIZE + 1, before_id=asked_id(visit))
    may = visit.may(Permission.POINTS_ADJUST)
    asked = await list_points_requests(visit.ctx, member_id=member.id, first=PAGE_SIZE) if may else None
    listed = page_of(visit, holds.get(member.id, []), lambda one: one.id)
    return show(visit, "member_requests.html", member, "requests", error=error, listed=listed, adjustments=asked)


async def end_hold(visit: Visit) -> Response:
    """Give the points of a hold back."""
    member = await find(visit)
    try:
        await cancel_hold(visit.ctx, CancelHold(hold_id=path_id(visit, "hold"), idempotency_key=visit.optional("key")))
    except TesseraError as error:
        return await show_requests(visit, error)
    return visit.go(address(visit, member, "requests"), "The hold is cancelled; its points can be spent again.")


PAGES: tuple[Page, ...] = (
    member_page("statement", show_statement, Permission.LEDGER_READ),
    member_page("entries/{entry:int}", show_entry, Permission.LEDGER_READ),
    member_page("points", show_points, Permission.LEDGER_READ),
    member_page("transactions", show_transactions, Permission.LEDGER_READ),
    member_page("orders", show_orders, Permission.ORDER_READ),
    member_page("tier", show_tier, Permission.LEDGER_READ),
    member_action("tier", give_tier, Permission.MEMBER_WRITE),
    member_page("requests", show_requests, Permission.LEDGER_READ),
    member_action("holds/{hold:int}/cancel", end_hold, Permission.POINTS_HOLD),
)
