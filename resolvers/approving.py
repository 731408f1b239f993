"""Whether a change needs a second administrator, and how one that does is written down."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from domain.access import PrincipalKind
from domain.change_request import TOGGLES
from domain.errors import ApprovalNeeded
from domain.models.types import to_json
from domain.store.change_request import insert_change
from domain.store.program import ProgramState
from resolvers.context import Context


def needs_approval(ctx: Context, state: ProgramState, kind: str) -> bool:
    """Whether the caller cannot do this by itself. Jobs, files and whoever has the machine can."""
    return (
        TOGGLES[kind] in state.terms.approvals
        and ctx.principal.kind is not PrincipalKind.SYSTEM
        and not ctx.is_approved
    )


def require_approval(ctx: Context, state: ProgramState, kind: str) -> None:
    """Raise ApprovalNeeded unless somebody else approved, or nobody has to."""
    if needs_approval(ctx, state, kind):
        raise ApprovalNeeded(f"the program has {TOGGLES[kind]} approved")


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
