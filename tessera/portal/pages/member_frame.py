"""What the pages of one member share: who it is, the tabs, and how numbers and days are read from forms."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from domain.access import Permission
from domain.errors import BadRequest, MemberNotFound, TesseraError
from domain.member_status import STATUS_NAMES
from domain.store.program import ProgramState
from resolvers.member import Member, list_answering_members
from tessera.portal.pager import MAX_ID
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Handler, Visit

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,10})?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tab:
    """A page of a member; `path` is below it."""

    title: str
    path: str
    needs: Permission


TABS: Sequence[Tab] = (
    Tab(title="Overview", path="", needs=Permission.MEMBER_READ),
    Tab(title="Profile", path="profile", needs=Permission.MEMBER_READ),
    Tab(title="Statement", path="statement", needs=Permission.LEDGER_READ),
    Tab(title="Expiry and lots", path="points", needs=Permission.LEDGER_READ),
    Tab(title="Transactions", path="transactions", needs=Permission.LEDGER_READ),
    Tab(title="Orders", path="orders", needs=Permission.ORDER_READ),
    Tab(title="Tier", path="tier", needs=Permission.LEDGER_READ),
    Tab(title="Cards and ids", path="links", needs=Permission.MEMBER_READ),
    Tab(title="Requests", path="requests", needs=Permission.LEDGER_READ),
    Tab(title="Sessions", path="sessions", needs=Permission.MEMBER_READ),
    Tab(title="Messages", path="messages", needs=Permission.MEMBER_READ),
    Tab(title="Merges", path="merges", needs=Permission.MEMBER_MERGE),
    Tab(title="Audit", path="audit", needs=Permission.AUDIT_READ),
    Tab(title="Privacy", path="privacy", needs=Permission.MEMBER_ERASE),
)


def member_page(path: str, handler: Handler, needs: Permission) -> Page:
    """A page of a member, which shows who it is besides."""
    return page(f"members/{{member:int}}/{path}", handler, needs, Permission.MEMBER_READ)


def member_action(path: str, handler: Handler, needs: Permission) -> Page:
    """What a form of a member's page does."""
    return action(f"members/{{member:int}}/{path}", handler, needs, Permission.MEMBER_READ)


def path_id(visit: Visit, name: str) -> int:
    """An id in the address; one that nothing can have is none. Raises MemberNotFound."""
    found: int = visit.path[name]
    if found > MAX_ID:
        raise MemberNotFound
    return found


async def find(visit: Visit) -> Member:
    """The member of the address, or who answers for it since a merge. Raises MemberNotFound."""
    asked = path_id(visit, "member")
    found = (await list_answering_members(visit.ctx, [asked])).get(asked)
    if found is None:
        raise MemberNotFound
    return found


async def program_of(visit: Visit) -> ProgramState:
    """The program with its configuration: what forms have to choose from."""
    return await visit.ctx.read(visit.ctx.program)


def show(
    visit: Visit, template: str, member: Member, tab: str, *, error: TesseraError | None = None, **values: Any
) -> Response:
    """A page of a member, in the frame with its tabs."""
    return visit.page(
        template,
        error=error,
        member=member,
        tab=tab,
        tabs=[one for one in TABS if visit.may(one.needs)],
        statuses=STATUS_NAMES,
        merged_from=None if member.id == path_id(visit, "member") else path_id(visit, "member"),
        here=visit.url(f"members/{member.id}"),
        **values,
    )


def address(visit: Visit, member: Member, path: str = "") -> str:
    """The address of a page of a member."""
    return visit.url(f"members/{member.id}/{path}".rstrip("/"))


def given_number(visit: Visit, name: str, what: str) -> Decimal:
    """A number of the form. Raises BadRequest."""
    found = maybe_number(visit, name, what)
    if found is None:
        raise BadRequest(f"{what} is missing", field=name)
    return found


def maybe_number(visit: Visit, name: str, what: str) -> Decimal | None:
    """A number of the form, None where it is blank. Raises BadRequest."""
    text = visit.given(name).replace(" ", "")
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise BadRequest(f"{what} must be a number such as 250 or 12.5", field=name)
    return Decimal(text)


def maybe_day(visit: Visit, name: str, what: str) -> date | None:
    """A day of the form, None where it is blank. Raises BadRequest."""
    return read_day(visit.given(name), name, what)


def read_day(text: str, name: str, what: str) -> date | None:
    """A day as browsers write it, None for a blank. Raises BadRequest."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"{what} must be a day such as 2026-01-31", field=name) from error
