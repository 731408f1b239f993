"""Administrators and their roles: invited, changed, shut out, given a new start; roles of the program's own."""

from collections.abc import Mapping

from starlette.responses import Response

from domain.access import Permission
from domain.administrator import Administrator, Grant
from domain.errors import BadRequest, TesseraError
from resolvers.administrator import list_administrators, save_grants, set_disabled
from resolvers.administrator_link import invite_administrator, list_open_links, reset_administrator
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
        now=visit.services.clock(),
    )


async def invite(visit: Visit) -> Response:
    """Invite somebody; the link is shown once."""
    try:
        link = await invite_administrator(visit.ctx, visit.given("email"), _grants(visit))
    except TesseraError as error:
        return await show(visit, error)
    return _link_page(visit, link.email or "", str(link.token), is_new=True)


async def change(visit: Visit) -> Response:
    """What the buttons beside somebody do."""
    number, what = visit.path["administrator"], visit.given("what")
    try:
        if what == "reset":
            link = await reset_administrator(visit.ctx, number)
            return _link_page(visit, link.email or "", str(link.token), is_new=False)
        if what == "role":
            told = _told(await save_grants(visit.ctx, number, _grants(visit)), "has another role now")
        elif what == "remove":
            told = _told(await save_grants(visit.ctx, number, []), "has no role in this program any more")
        elif what in {"disable", "enable"}:
            one = await set_disabled(visit.ctx, number, disabled=what == "disable")
            told = _told(one, "is shut out" if what == "disable" else "may sign in again")
        else:
            raise BadRequest("what: unknown", field="what")
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
        await save_role(visit.ctx, name, _permissions(visit))
    except TesseraError as error:
        return await show(visit, error)
    return visit.go(visit.url("administrators"), f"The role {name} is saved.")


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


def _link_page(visit: Visit, email: str, token: str, *, is_new: bool) -> Response:
    base = str(visit.request.base_url).rstrip("/")
    return visit.page("administrator_link.html", email=email, link=f"{base}{ROOT}/link/{token}", is_new=is_new)


PAGES: tuple[Page, ...] = (
    page("administrators", show, Permission.ADMINISTRATOR_READ),
    action("administrators", invite, Permission.ADMINISTRATOR_WRITE),
    action("administrators/{administrator:int}", change, Permission.ADMINISTRATOR_WRITE),
    action("roles", change_role, Permission.ADMINISTRATOR_WRITE),
)
