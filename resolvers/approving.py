"""Whether a change needs a second administrator, and how one that does is written down."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from domain.access import PrincipalKind
from domain.change_request import TOGGLES
from domain.errors import ApprovalNeeded
from domain.models.types import to_json
from domain.rules.model import ProgramTerms
from domain.store.change_request import insert_change
from domain.store.program import ProgramState
from resolvers.context import Context


def needs_approval(ctx: Context, state: ProgramState, kind: str, *, to: ProgramTerms | None = None) -> bool:
    """Whether the caller cannot do this by itself. Jobs, files and whoever has the machine can.

    `to`: what the program's terms would become; what one person could take away would protect from nobody.
    """
    if ctx.principal.kind is PrincipalKind.SYSTEM or ctx.is_approved:
        return False
    return TOGGLES[kind] in state.terms.approvals or (to is not None and _loosens(state.terms, to))


def _loosens(before: ProgramTerms, after: ProgramTerms) -> bool:
    """Whether less would need a second administrator than did before."""
    least, new = before.adjustment_approval_from, after.adjustment_approval_from
    return not set(before.approvals) <= set(after.approvals) or (least is not None and (new is None or new > least))


def require_approval(ctx: Context, state: ProgramState, kind: str, *, to: ProgramTerms | None = None) -> None:
    """Raise ApprovalNeeded unless somebody else approved, or nobody has to."""
    if needs_approval(ctx, state, kind, to=to):
        is_listed = TOGGLES[kind] in state.terms.approvals
        raise ApprovalNeeded(f"the program has {TOGGLES[kind]} approved" if is_listed else "it takes an approval away")


def propose(
    tx: Connection,
    ctx: Context,
    kind: str,
    subject: str,
    *,
    payload: Mapping[str, Any],
    difference: Any,
    base_version: int | None = None,
) -> int:
    """Write down a change that waits; its id. `difference` is what an approver reads, and has nothing personal."""
    values = {
        "kind": kind,
        "subject": subject,
        "payload": ctx.services.keys.seal_administration(to_json(payload)),
        "difference": difference,
        "base_version": base_version,
        "requested_at": ctx.services.clock(),
        "requested_by": ctx.principal.actor,
        "reason": ctx.proposal,
    }
    number = insert_change(tx, ctx.principal.program, values)
    ctx.audit(tx, "change.request", f"change:{number}", after={"kind": kind, "subject": subject})
    return number
