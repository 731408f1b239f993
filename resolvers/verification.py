"""The use case behind `tessera ledger verify`: every balance, lot, trace and chain, recomputed."""

from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection

from domain.store.audit import DEPLOYMENT
from domain.store.verification import Finding, account_ids, check_accounts, check_audit, check_orphans
from resolvers.context import Services
from resolvers.program import list_environment_programs

__all__ = ["Finding", "verify_ledger"]

ACCOUNTS_AT_ONCE = 200


async def verify_ledger(
    services: Services, program_id: int | None = None, *, progress: Callable[[int], None] | None = None
) -> list[Finding]:
    """Everything that does not hold, in one program (public id) or in all; empty where all holds.

    Works through the accounts in batches, each on one snapshot, so that it can run beside traffic.
    `progress` is told how many accounts were checked so far.
    """
    findings: list[Finding] = []
    for program in await list_environment_programs(services):
        if program_id in {None, program.public_id}:
            findings += await _verify_program(services, program.id, progress)
    if program_id is None:
        findings += await services.db.read(lambda tx: list(check_audit(tx, DEPLOYMENT)))
    return findings


async def _verify_program(services: Services, partition: int, progress: Callable[[int], None] | None) -> list[Finding]:
    def batch(after: int, tx: Connection) -> tuple[list[int], list[Finding]]:
        ids = account_ids(tx, partition, after, ACCOUNTS_AT_ONCE)
        return ids, check_accounts(tx, partition, ids) if ids else []

    findings: list[Finding] = []
    checked, last = 0, 0
    while True:
        ids, found = await services.db.read(partial(batch, last))
        if not ids:
            break
        findings += found
        checked, last = checked + len(ids), ids[-1]
        if progress is not None:
            progress(checked)
    findings += await services.db.read(lambda tx: check_orphans(tx, partition))
    return findings + await services.db.read(lambda tx: list(check_audit(tx, partition)))
