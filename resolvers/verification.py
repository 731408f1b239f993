"""The use case behind `tessera ledger verify`: every balance, lot, trace and chain, recomputed."""

from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection

from domain.store.audit import DEPLOYMENT
from domain.store.cross_check import (
    KINDS_OF_USE_CASE,
    check_audit,
    check_configurations,
    check_earnings,
    check_keys,
    check_orphans,
    check_owners,
    check_programs,
    keys_after,
)
from domain.store.finding import Finding
from domain.store.order_check import check_orders, order_ids
from domain.store.verification import account_ids, check_accounts
from domain.store.watch import check_digests
from resolvers.context import Services
from resolvers.program import list_environment_programs

__all__ = ["Finding", "verify_ledger"]

ACCOUNTS_AT_ONCE = 200
ORDERS_AT_ONCE = 500
KEYS_AT_ONCE = 500

Progress = Callable[[int], None]


async def verify_ledger(
    services: Services, program_id: int | None = None, *, progress: Progress | None = None
) -> list[Finding]:
    """Everything that does not hold, in one program (public id) or in all; empty where all holds.

    Works through the accounts in batches, each on one snapshot, so that it can run beside traffic.
    `progress` is told how many accounts were checked so far. What the journal does not hold cannot be
    proved: an idempotency key that was deleted, say, or the amount of a submitted transaction.
    """
    findings: list[Finding] = []
    for program in await list_environment_programs(services):
        if program_id in {None, program.public_id}:
            findings += await _verify_program(services, program.id, progress)
    if program_id is None:
        findings += await services.db.read(check_programs)
        findings += await services.db.read(lambda tx: check_audit(tx, DEPLOYMENT))
    return findings


async def _verify_program(services: Services, partition: int, progress: Progress | None) -> list[Finding]:
    findings = await _verify_accounts(services, partition, progress)
    for use_case in KINDS_OF_USE_CASE:
        findings += await _verify_keys(services, partition, use_case)
    findings += await _verify_orders(services, partition)
    for check in (check_owners, check_orphans, check_configurations, check_audit, check_digests):
        findings += await services.db.read(partial(_on_program, check, partition))
    return findings


def _on_program(check: Callable[[Connection, int], list[Finding]], partition: int, tx: Connection) -> list[Finding]:
    return check(tx, partition)


async def _verify_accounts(services: Services, partition: int, progress: Progress | None) -> list[Finding]:
    def batch(after: int, tx: Connection) -> tuple[list[int], list[Finding]]:
        ids = account_ids(tx, partition, after, ACCOUNTS_AT_ONCE)
        return ids, check_accounts(tx, partition, ids) + check_earnings(tx, partition, ids) if ids else []

    findings: list[Finding] = []
    checked, last = 0, 0
    while True:
        ids, found = await services.db.read(partial(batch, last))
        if not ids:
            return findings
        findings += found
        checked, last = checked + len(ids), ids[-1]
        if progress is not None:
            progress(checked)


async def _verify_orders(services: Services, partition: int) -> list[Finding]:
    def batch(after: int, tx: Connection) -> tuple[list[int], list[Finding]]:
        ids = order_ids(tx, partition, after, ORDERS_AT_ONCE)
        return ids, check_orders(tx, partition, ids) if ids else []

    findings: list[Finding] = []
    last = 0
    while True:
        ids, found = await services.db.read(partial(batch, last))
        if not ids:
            return findings
        findings += found
        last = ids[-1]


async def _verify_keys(services: Services, partition: int, use_case: str) -> list[Finding]:
    def batch(after: str, tx: Connection) -> tuple[list[str], list[Finding]]:
        keys = keys_after(tx, partition, use_case, after, KEYS_AT_ONCE)
        return keys, check_keys(tx, partition, use_case, keys) if keys else []

    findings: list[Finding] = []
    last = ""
    while True:
        keys, found = await services.db.read(partial(batch, last))
        if not keys:
            return findings
        findings += found
        last = keys[-1]
