"""Lines that wait for their member or card: decided on, and told of in the handbacks of their files."""

from pathlib import Path

from ingestion.folder import program_folder
from ingestion.handback import rewrite_handbacks
from resolvers.context import Services
from resolvers.parked_work import parking_contexts, settle_parked


async def work_parked(services: Services, data_dir: Path) -> int:
    """See to the lines that wait in every program; how many were decided on, and handbacks written."""
    done = 0
    for ctx in await parking_contexts(services):
        done += await settle_parked(ctx)
        done += await rewrite_handbacks(ctx, program_folder(data_dir, ctx.principal).handback)
    return done
