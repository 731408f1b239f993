"""The use case of a file that an administrator uploads by hand: it stands in the audit trail before it is taken."""

import hashlib

from domain.access import Permission
from resolvers.context import Context


async def note_upload(ctx: Context, file_name: str, file_type: str, body: bytes) -> None:
    """Write down who uploads what. Raises Forbidden, SecondFactorNeeded."""
    ctx.principal.require(Permission.BATCH_WRITE)
    ctx.principal.require_proof()
    after = {"type": file_type, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    await ctx.write(lambda tx: ctx.audit(tx, "batch.upload", f"file:{file_name}", after=after))
