"""Use cases of files that an administrator uploads by hand: what may not come that way, and that one came."""

import hashlib

from domain.access import Permission
from domain.change_request import MEMBER_STATUS
from domain.errors import ApprovalNeeded
from resolvers.approving import needs_approval
from resolvers.context import Context

_GIVES_POINTS, _CHANGES_MEMBERS = "BNS", "CPD"


async def check_upload(ctx: Context, file_type: str) -> None:
    """Refuse a file by which one person would do what the program has two decide about.

    Raises Forbidden, SecondFactorNeeded, ApprovalNeeded.
    """
    ctx.principal.require(Permission.BATCH_WRITE)
    ctx.principal.require_proof()
    state = await ctx.read(ctx.program)
    if file_type == _GIVES_POINTS and ctx.is_by_hand and state.terms.adjustment_approval_from is not None:
        raise ApprovalNeeded("bonus points by hand are adjustments in this program; partners send files over SFTP")
    if file_type == _CHANGES_MEMBERS and needs_approval(ctx, state, MEMBER_STATUS):
        raise ApprovalNeeded("a file of members can change their status; partners send it over SFTP")


async def note_upload(ctx: Context, file_name: str, file_type: str, body: bytes) -> None:
    """Write down who uploaded what. Raises Forbidden."""
    ctx.principal.require(Permission.BATCH_WRITE)
    after = {"type": file_type, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    await ctx.write(lambda tx: ctx.audit(tx, "batch.upload", f"file:{file_name}", after=after))
