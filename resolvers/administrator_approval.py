"""What is done to administrators and waits for another one, where the program wants that."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.change_request import ADMINISTRATOR, TOGGLES
from domain.errors import ApprovalNeeded
from domain.store.program import find_program_row
from resolvers.approving import propose
from resolvers.context import Context
from resolvers.independence import has_other
from resolvers.movement import free_text
from resolvers.token import ENVIRONMENTS

INVITE, RESET, ROLES, ENABLE, ROLE = "invite", "reset", "roles", "enable", "role"
_DECIDES = (Permission.CHANGE_APPROVE, Permission.ADMINISTRATOR_WRITE)


async def administrators_are_approved(ctx: Context) -> bool:
    """Whether what the caller does to administrators waits for another one: for forms; nothing is told of anybody."""
    return await ctx.read(lambda tx: _is_approved(tx, ctx))


def waits(tx: Connection, ctx: Context, what: str, subject: str, payload: Mapping[str, Any], told: Any) -> bool:
    """Whether this waits for another administrator, and is written down so.

    Raises ApprovalNeeded (the call proposes nothing, or nobody could approve it), InvalidRequest (the reason).
    """
    if not _is_approved(tx, ctx):
        return False
    toggle, reason = TOGGLES[ADMINISTRATOR], free_text(ctx.proposal, "reason")
    if reason is None:
        raise ApprovalNeeded(f"the program has {toggle} approved: say why it is wanted", field="reason")
    if not has_other(tx, ctx, _DECIDES):
        raise ApprovalNeeded("nobody else here could approve it: another administrator is invited at the command line")
    asking = replace(ctx, proposal=reason)
    propose(tx, asking, ADMINISTRATOR, subject, payload={"what": what, **payload}, difference=told)
    return True


def _is_approved(tx: Connection, ctx: Context) -> bool:
    """Administrators are the same in the sandbox and live, so it holds in both where either wants it."""
    if ctx.principal.kind is PrincipalKind.SYSTEM or ctx.is_approved or ctx.principal.public_program_id is None:
        return False
    rows = [
        find_program_row(tx, ctx.principal.public_program_id, one) for one in ENVIRONMENTS[ctx.services.environment]
    ]
    states = [ctx.services.programs.current(tx, row.id) for row in rows if row is not None]
    return any(TOGGLES[ADMINISTRATOR] in state.terms.approvals for state in states)
