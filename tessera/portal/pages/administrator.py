"""Administrators and their roles: invited, changed, shut out, given a new start; roles of the program's own."""

from collections.abc import Mapping
from dataclasses import replace

from starlette.responses import Response

from domain.access import Permission
from domain.administrator import Administrator, Grant, Link
from domain.errors import BadRequest, TesseraError
from resolvers.administrator import list_administrators, save_grants, set_disabled
from resolvers.administrator_approval import administrators_are_approved
from resolvers.administrator_link import invite_administrator, list_open_links, reset_administrator, withdraw_links
from resolvers.context import Context
from resolvers.role import list_roles, remove_role, save_role
from tessera.portal.guard import ROOT
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

MODULES: Mapping[str, Mapping[str, tuple[Permission, ...]]] = {
    "Members": {
        "view": (Permission.MEMBER_READ, Permission.PERSONAL_INFORMATION),
        "edit": (Permission.MEMBER_WRITE, Permission.SESSION_REVOKE),
        "link cards": (Permission.SUB_RELATION_WRITE,),
        "merge": (Permission.MEMBER_MERGE,),
        "erase": (Permission.MEMBER_ERASE,),
        "sign in for": (Permission.MEMBER_AUTHENTICATE, Permission.MEMBER_OTP),
    },
    "Points": {
        "view": (Permission.LEDGER_READ,),
        "redeem": (Permission.POINTS_REDEEM, Permission.POINTS_HOLD, Permission.POINTS_TRANSFER),
        "reverse": (Permission.REDEMPTION_REVERSE,),
        "give": (Permission.POINTS_AWARD, Permission.TRANSACTION_SUBMIT),
        "adjust": (Permission.POINTS_ADJUST,),
        "approve": (Permission.POINTS_APPROVE,),
    },
    "Program": {
        "view": (Permission.CONFIGURATION_READ,),
        "edit": (Permission.CONFIGURATION_WRITE,),
        "approve": (Permission.CHANGE_APPROVE,),
        "create": (Permission.PROGRAM_CREATE,),
    },
    "Catalogue and orders": {
        "view": (Permission.CATALOG_READ, Permission.ORDER_READ),
        "see codes": (Permission.ORDER_CODE_READ,),
        "order": (Permission.ORDER_PLACE,),
        "decide": (Permission.ORDER_DECIDE,),
        "stock": (Permission.CATALOG_WRITE,),
    },
    "Webhooks": {"view": (Permission.WEBHOOK_READ,), "edit": (Permission.WEBHOOK_WRITE,)},
    "Files": {
        "view": (Permission.BATCH_READ, Permission.EXPORT_READ),
        "create": (Permission.BATCH_WRITE, Permission.EXPORT_WRITE),
        "approve": (Permission.BATCH_DECIDE,),
    },
    "Credentials": {"view": (Permission.CREDENTIAL_READ,), "edit": (Permission.CREDENTIAL_WRITE,)},
    "Administration": {
        "view": (Permission.ADMINISTRATOR_READ, Permission.AUDIT_READ),
        "edit": (Permission.ADMINISTRATOR_WRITE,),
    },
}
"""How the permissions are shown: by part and by what one does there. A tick is all permissions of its cell."""


async def show(visit: Visit, error: TesseraError | None = None) -> Response:
    """Who there are, who is invited, and what the roles may do."""
    roles = await list_roles(visit.ctx)
    return visit.page(
        "administrators.html",
        error=error,
        people=await list_administrators(visit.ctx),
        links=await list_open_links(visit.ctx),
        roles=roles,
        modules=MODULES,
        number=visit.ctx.principal.public_program_id,
        are_approved=await administrators_are_approved(visit.ctx),
        now=visit.services.clock(),
    )


async def invite(visit: Visit) -> Response:
    """Invite somebody; the link is shown once."""
    try:
        link = await invite_administrator(_asking(visit), visit.given("email"), _grants(visit))
    except TesseraError as error:
        return await show(visit, error)
    return _waiting(visit) if link.token is None else link_page(visit, link)


async def change(visit: Visit) -> Response:
    """What the buttons beside somebody do."""
    number, what, ctx = visit.path["administrator"], visit.given("what"), _asking(visit)
    try:
        if what == "reset":
            link = await reset_administrator(ctx, number)
            return _waiting(visit) if link.token is None else link_page(visit, link)
        if what == "role":
            told = _told(await save_grants(ctx, number, _grants(visit)), "has another role now")
        elif what == "remove":
            told = _told(await save_grants(ctx, number, []), "has no role in this program any more")
        elif what in {"disable", "enable"}:
            one = await set_disabled(ctx, number, disabled=what == "disable")
            told = _told(one, "is shut out" if what == "disable" else "may sign in again")
        else:
            raise BadRequest("what: unknown", field="what")
        if what in {"role", "enable"} and await administrators_are_approved(ctx):
            return _waiting(visit)
    except TesseraError as error:
        return await show(visit, error)
    return visit.go(visit.url("administrators"), told)


async def change_role(visit: Visit) -> Response:
    """Save or remove a role of the program's own."""
    name = visit.given("name")
    try:
        if visit.given("what") == "remove":
            await remove_role(visit.ctx, name)
            return visit.go(visit.url("administrators"), f"The role {name} is removed.")
        await save_role(_asking(visit), name, _permissions(visit))
        if await administrators_are_approved(visit.ctx):
            return _waiting(visit)
    except TesseraError as error:
        return await show(visit, error)
    return visit.go(visit.url("administrators"), f"The role {name} is saved.")


async def withdraw(visit: Visit) -> Response:
    """Let the links that lead to somebody work no longer."""
    email = visit.given("email")
    try:
        await withdraw_links(visit.ctx, email)
    except TesseraError as error:
        return await show(visit, error)
    return visit.go(visit.url("administrators"), f"The link for {email} works no longer.")


def _asking(visit: Visit) -> Context:
    """The caller, who gives a reason where somebody else has to approve."""
    return replace(visit.ctx, proposal=visit.optional("reason"))


def _waiting(visit: Visit) -> Response:
    return visit.go(visit.url("administrators"), "Another administrator has to approve it now.", kind="warning")


def _grants(visit: Visit) -> list[Grant]:
    return [Grant(public_program_id=visit.ctx.principal.public_program_id, role=visit.given("role"))]


def _permissions(visit: Visit) -> frozenset[Permission]:
    """The permissions behind the ticks. Raises BadRequest."""
    chosen: set[Permission] = set()
    for tick in visit.many("cell"):
        module, _, cell = tick.partition(":")
        if cell not in MODULES.get(module, {}):
            raise BadRequest("cell: unknown", field="cell")
        chosen.update(MODULES[module][cell])
    return frozenset(chosen)


def _told(one: Administrator, what: str) -> str:
    return f"{one.name} {what}."


def link_page(visit: Visit, link: Link) -> Response:
    """A link of an administrator, shown once."""
    base, is_new = str(visit.request.base_url).rstrip("/"), link.administrator_id is None
    address = f"{base}{ROOT}/link/{link.token}"
    return visit.page("administrator_link.html", email=link.email or "", link=address, is_new=is_new)


PAGES: tuple[Page, ...] = (
    page("administrators", show, Permission.ADMINISTRATOR_READ),
    action("administrators", invite, Permission.ADMINISTRATOR_WRITE),
    action("administrators/{administrator:int}", change, Permission.ADMINISTRATOR_WRITE),
    action("administrators/links/withdraw", withdraw, Permission.ADMINISTRATOR_WRITE),
    action("roles", change_role, Permission.ADMINISTRATOR_WRITE),
)
