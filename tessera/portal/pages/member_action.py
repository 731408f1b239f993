"""What is done to a member by hand: adjust, award, redeem, reverse a redemption, change the status."""

from decimal import Decimal

from starlette.responses import Response

from domain.access import Permission
from domain.change_request import MEMBER_STATUS, TOGGLES
from domain.errors import ApprovalNeeded, InvalidRequest, RedemptionNotFound, TesseraError
from domain.member import Member
from domain.member_status import STATUS_NAMES
from resolvers.adjustment import AdjustPoints, adjust_points
from resolvers.bonus import BUCKETS, PostBonus, post_bonus
from resolvers.change_request import request_status_change
from resolvers.entry import LedgerEntry
from resolvers.ledger import list_balances
from resolvers.member import UpdateMember, update_member
from resolvers.redemption import RedeemPoints, ReverseRedemption, redeem_points, reverse_redemption
from tessera.portal.pages.member_account import entry_of
from tessera.portal.pages.member_frame import (
    address,
    find,
    given_number,
    maybe_day,
    maybe_number,
    member_action,
    member_page,
    program_of,
    show,
)
from tessera.portal.render import show_number
from tessera.portal.route import Page
from tessera.portal.visit import Visit


async def show_adjust(visit: Visit, error: TesseraError | None = None) -> Response:
    """The form for a correction of the balance."""
    member, terms = await find(visit), (await program_of(visit)).terms
    return await _show_action(
        visit, "member_adjust.html", member, error, approval_from=terms.adjustment_approval_from, terms=terms
    )


async def adjust(visit: Visit) -> Response:
    """Correct the balance, or ask for it where the program wants that approved."""
    member = await find(visit)
    try:
        points = given_number(visit, "points", "Points")
        if visit.given("direction") not in _SIGNS:
            raise InvalidRequest("say whether points are given or taken", field="direction")
        if points < 0:
            raise InvalidRequest("Points must be more than 0: giving or taking is chosen above", field="points")
        command = AdjustPoints(
            relation_reference=member.relation_reference,
            points=points * _SIGNS[visit.given("direction")],
            reason=visit.optional("reason"),
            expires=maybe_day(visit, "expires", "The last day"),
            idempotency_key=visit.optional("key"),
        )
        done = await adjust_points(visit.ctx, command)
    except TesseraError as error:
        return await show_adjust(visit, error)
    if done.request_id is not None:
        said = f"{show_number(done.points)} points wait for somebody else to approve them."
        return visit.go(address(visit, member, "requests"), said, kind="warning")
    return visit.go(
        address(visit, member, "statement"), f"The balance is adjusted by {show_number(done.points)} points."
    )


_SIGNS = {"give": Decimal(1), "take": Decimal(-1)}


async def show_award(visit: Visit, error: TesseraError | None = None) -> Response:
    """The form for a bonus."""
    return await _show_action(visit, "member_award.html", await find(visit), error, buckets=BUCKETS)


async def award(visit: Visit) -> Response:
    """Give a bonus."""
    member = await find(visit)
    try:
        kind = visit.given("bonus_type")
        command = PostBonus(
            relation_reference=member.relation_reference,
            points=given_number(visit, "points", "Points"),
            bonus_type=int(kind) if kind in map(str, BUCKETS) else 0,
            expires=maybe_day(visit, "expires", "The last day"),
            narration=visit.optional("narration"),
            idempotency_key=visit.optional("key"),
        )
        given = await post_bonus(visit.ctx, command)
    except TesseraError as error:
        return await show_award(visit, error)
    return visit.go(address(visit, member, "statement"), f"{show_number(given.points)} points are given.")


async def show_redeem(visit: Visit, error: TesseraError | None = None) -> Response:
    """The form for a redemption on behalf of the member."""
    member, terms = await find(visit), (await program_of(visit)).terms
    return await _show_action(visit, "member_redeem.html", member, error, terms=terms)


async def redeem(visit: Visit) -> Response:
    """Redeem on behalf of the member."""
    member = await find(visit)
    try:
        kind = visit.given("loyalty_txn_type")
        command = RedeemPoints(
            relation_reference=member.relation_reference,
            points=given_number(visit, "points", "Points"),
            amount=maybe_number(visit, "amount", "The amount"),
            merchant_name=visit.optional("merchant_name"),
            loyalty_txn_type=int(kind) if kind.isascii() and kind.isdecimal() and len(kind) <= len("9999") else None,
            use_defaults=True,
            idempotency_key=visit.optional("key"),
        )
        done = await redeem_points(visit.ctx, command)
    except TesseraError as error:
        return await show_redeem(visit, error)
    said = f"{show_number(done.points)} points are redeemed: {str(done.external_reference).upper()}."
    return visit.go(address(visit, member, "statement"), said)


async def show_reverse(visit: Visit, error: TesseraError | None = None) -> Response:
    """What would be given back."""
    member, entry = await find(visit), await _redemption(visit)
    return await _show_action(visit, "member_reverse.html", member, error, entry=entry)


async def reverse(visit: Visit) -> Response:
    """Give a redemption back, whole."""
    member, entry = await find(visit), await _redemption(visit)
    try:
        command = ReverseRedemption(
            relation_reference=member.relation_reference,
            external_reference=str(entry.stored.external_reference),
            merchant_name=entry.stored.merchant,
            use_defaults=True,
            idempotency_key=visit.optional("key"),
        )
        done = await reverse_redemption(visit.ctx, command)
    except TesseraError as error:
        return await show_reverse(visit, error)
    gone = sum((one.expired_points for one in done.lots), Decimal(0))
    said = f"{show_number(done.points)} points are given back."
    if gone:
        said += f" {show_number(gone)} of them had expired meanwhile, and are gone."
    return visit.go(address(visit, member, "statement"), said)


async def _redemption(visit: Visit) -> LedgerEntry:
    """The redemption of the address. Raises MemberNotFound, RedemptionNotFound."""
    entry = await entry_of(visit)
    if entry.stored.kind != "redemption":
        raise RedemptionNotFound
    return entry


async def show_status(visit: Visit, error: TesseraError | None = None) -> Response:
    """The form for the status."""
    is_approved = TOGGLES[MEMBER_STATUS] in (await program_of(visit)).terms.approvals
    return await _show_action(visit, "member_status.html", await find(visit), error, is_approved=is_approved)


async def set_status(visit: Visit) -> Response:
    """Give the member another status."""
    member = await find(visit)
    try:
        chosen = visit.given("status")
        if chosen not in map(str, STATUS_NAMES):
            raise InvalidRequest("choose a status", field="status")
        kind, said = await change_status(visit, member, int(chosen))
    except TesseraError as error:
        return await show_status(visit, error)
    return visit.go(address(visit, member), said, kind=kind)


async def change_status(visit: Visit, member: Member, status: int) -> tuple[str, str]:
    """Change the status, or ask for it where somebody else has to approve; the kind of notice, and what it says."""
    try:
        await update_member(visit.ctx, UpdateMember(values={"status": status}, member_id=member.id))
    except ApprovalNeeded:
        await request_status_change(visit.ctx, member.relation_reference, status, visit.given("reason"))
        return "warning", f"Somebody else has to approve the status {STATUS_NAMES[status]}: it waits under Approvals."
    return "done", f"The status is {STATUS_NAMES[status]} now."


async def _show_action(
    visit: Visit, template: str, member: Member, error: TesseraError | None, **values: object
) -> Response:
    """The page of an action, with what the member has."""
    may = visit.may(Permission.LEDGER_READ)
    balance = (await list_balances(visit.ctx, [member.id])).get(member.id) if may else None
    return show(visit, template, member, "-", error=error, balance=balance, **values)


PAGES: tuple[Page, ...] = (
    member_page("adjust", show_adjust, Permission.POINTS_ADJUST),
    member_action("adjust", adjust, Permission.POINTS_ADJUST),
    member_page("award", show_award, Permission.POINTS_AWARD),
    member_action("award", award, Permission.POINTS_AWARD),
    member_page("redeem", show_redeem, Permission.POINTS_REDEEM),
    member_action("redeem", redeem, Permission.POINTS_REDEEM),
    member_page("entries/{entry:int}/reverse", show_reverse, Permission.REDEMPTION_REVERSE),
    member_action("entries/{entry:int}/reverse", reverse, Permission.REDEMPTION_REVERSE),
    member_page("status", show_status, Permission.MEMBER_WRITE),
    member_action("status", set_status, Permission.MEMBER_WRITE),
)
