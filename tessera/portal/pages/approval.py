"""Approvals: what waits for a second administrator, and what became of the rest."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response

from domain.access import Permission
from domain.change_request import PENDING
from domain.errors import BadRequest, RedemptionNotFound, TesseraError
from resolvers.change_request import (
    ChangeRequest,
    approve_change,
    get_proposed_configuration,
    list_change_requests,
    reject_change,
    request_credential_reset,
    withdraw_change,
)
from resolvers.configuration import get_configuration
from resolvers.member import list_members_by_id
from resolvers.points_request import approve_adjustment, list_points_requests, reject_adjustment
from resolvers.review import approve_transaction, list_held, reject_transaction
from tessera.portal.configuring.difference import list_differences
from tessera.portal.pages.administrator import link_page
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

MOST = 100


async def show(visit: Visit, error: TesseraError | None = None) -> Response:
    """What waits, by kind; or what was decided, if that is asked for."""
    status = None if visit.asked("status") == "all" else PENDING
    changes = await list_change_requests(visit.ctx, status=status, first=MOST)
    points = held = ()  # type: Any
    if visit.may(Permission.POINTS_ADJUST):
        points = await list_points_requests(visit.ctx, status=status, first=MOST)
    if visit.may(Permission.POINTS_APPROVE):
        held = await list_held(visit.ctx, status=status, first=MOST)
    ids = {one.member_id for one in (*points, *held)}
    members = await list_members_by_id(visit.ctx, sorted(ids)) if ids else {}
    return visit.page(
        "approvals.html",
        error=error,
        changes=changes,
        points=points,
        held=held,
        members=members,
        shows_all=status is None,
        actor=visit.ctx.principal.actor,
    )


async def show_change(visit: Visit) -> Response:
    """What a change of the configuration would make another value of, against what is in force."""
    proposed = await get_proposed_configuration(visit.ctx, visit.path["number"])
    if proposed is None:
        raise RedemptionNotFound("it changes no configuration")
    before = (await get_configuration(visit.ctx)).document
    return visit.page("approval.html", number=visit.path["number"], lines=list_differences(before, proposed))


async def decide(visit: Visit) -> Response:
    """Approve, reject or take back one of them."""
    kind, number, what = visit.path["kind"], visit.path["number"], visit.given("what")
    doing = _DECISIONS.get((kind, what))
    try:
        if doing is None:
            raise BadRequest("what: unknown", field="what")
        done = await doing[0](visit, number)
    except TesseraError as error:
        return await show(visit, error)
    if isinstance(done, ChangeRequest) and done.link is not None:
        return link_page(visit, done.link)
    return visit.go(visit.url("approvals"), doing[1])


async def ask_for_reset(visit: Visit) -> Response:
    """Ask that new credentials may be made."""
    try:
        await request_credential_reset(visit.ctx, visit.given("reason"))
    except TesseraError as error:
        return await show(visit, error)
    return visit.go(visit.url("approvals"), "Another administrator has to approve it now.")


def _reason(visit: Visit) -> str:
    return visit.given("reason")


_DECISIONS: Mapping[tuple[str, str], tuple[Callable[[Visit, int], Awaitable[Any]], str]] = {
    ("changes", "approve"): (lambda visit, number: approve_change(visit.ctx, number), "The change is approved."),
    ("changes", "reject"): (
        lambda visit, number: reject_change(visit.ctx, number, _reason(visit)),
        "The change is rejected.",
    ),
    ("changes", "withdraw"): (lambda visit, number: withdraw_change(visit.ctx, number), "The change is taken back."),
    ("points", "approve"): (
        lambda visit, number: approve_adjustment(visit.ctx, number, visit.optional("key")),
        "The adjustment is posted.",
    ),
    ("points", "reject"): (lambda visit, number: reject_adjustment(visit.ctx, number), "The adjustment is rejected."),
    ("held", "approve"): (
        lambda visit, number: approve_transaction(visit.ctx, number, visit.optional("key")),
        "The transaction is posted.",
    ),
    ("held", "reject"): (
        lambda visit, number: reject_transaction(visit.ctx, number, _reason(visit)),
        "The transaction is rejected.",
    ),
}

PAGES: tuple[Page, ...] = (
    page("approvals", show, Permission.CONFIGURATION_READ),
    page("approvals/changes/{number:int}", show_change, Permission.CONFIGURATION_READ),
    action("approvals/{kind}/{number:int}", decide, Permission.CONFIGURATION_READ),
    action("credentials/request-reset", ask_for_reset, Permission.CREDENTIAL_WRITE),
)
