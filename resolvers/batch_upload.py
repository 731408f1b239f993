"""Use cases of files that an administrator uploads by hand: what waits for another one, and that one came."""

import hashlib

from domain.access import Permission
from domain.change_request import MEMBER_STATUS
from domain.store import inbox as store
from domain.store.program import ProgramState
from resolvers.approving import needs_approval
from resolvers.batch_record import name_key
from resolvers.context import Context

_GIVES_POINTS, _CHANGES_MEMBERS = {"BNS", "TXN"}, {"CPD"}


async def announce_upload(ctx: Context, file_name: str, file_type: str) -> bool:
    """Write down who is about to upload a file, before anybody can take it; whether somebody else has to release it.

    Raises Forbidden, SecondFactorNeeded.
    """
    ctx.principal.require(Permission.BATCH_WRITE)
    ctx.principal.require_proof()
    waits = _waits(ctx, await ctx.read(ctx.program), file_type)
    await ctx.write(
        lambda tx: store.note_upload(
            tx,
            ctx.principal.program,
            name_key(file_name),
            actor=ctx.principal.actor,
            now=ctx.services.clock(),
            waits=waits,
        )
    )
    return waits


def _waits(ctx: Context, state: ProgramState, file_type: str) -> bool:
    """Whether one person would do by a file what the program has two decide about."""
    if file_type in _GIVES_POINTS:
        return ctx.is_by_hand and state.terms.adjustment_approval_from is not None
    return file_type in _CHANGES_MEMBERS and needs_approval(ctx, state, MEMBER_STATUS)


async def note_upload(ctx: Context, file_name: str, file_type: str, body: bytes) -> None:
    """Write down who uploaded what. Raises Forbidden."""
    ctx.principal.require(Permission.BATCH_WRITE)
    after = {"type": file_type, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    await ctx.write(lambda tx: ctx.audit(tx, "batch.upload", f"file:{file_name}", after=after))
