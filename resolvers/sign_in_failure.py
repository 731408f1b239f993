"""Sign-ins of administrators that fail: counted by where they come from, and what locks whom out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from domain.administrator import FAILURES_ALLOWED, LOCKOUT, MOST_FAILURES
from domain.store import administrator as store
from domain.store import audit
from resolvers.rate import network_of

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """From where somebody signs in: an address, and what the browser says it is."""

    address: str
    browser: str


def count_password(tx: Connection, administrator_id: int, origin: Origin, now: datetime) -> None:
    """One more wrong password. Whoever tries locks out where it tries from, and the account only from many places.

    So nobody who knows an address keeps its owner out.
    """
    row = store.find_row(tx, administrator_id, lock=True)
    if row is None or is_locked_from(tx, row, origin, now):
        return
    network = network_of(origin.address)
    if store.count_failure_from(tx, row.id, network, now) >= FAILURES_ALLOWED:
        store.lock_from(tx, row.id, network, now + LOCKOUT)
        _tell_lockout(tx, row, origin, now)
    count_wrong(tx, row.id, origin, now, 1)


def count_wrong(tx: Connection, administrator_id: int, origin: Origin, now: datetime, weight: int) -> None:
    """One more failure in a row; after too many nobody gets in for a while, and all who know it are told."""
    row = store.find_row(tx, administrator_id, lock=True)
    if row is None or is_locked(row, now):
        return
    failures = row.failures + weight
    if failures < MOST_FAILURES:
        store.update_administrator(tx, row.id, {"failures": failures})
        return
    store.update_administrator(tx, row.id, {"failures": 0, "locked_until": now + LOCKOUT})
    _tell_lockout(tx, row, origin, now)


def _tell_lockout(tx: Connection, row: Row[Any], origin: Origin, now: datetime) -> None:
    record(tx, row, "administrator.lockout", origin, now)
    _log.warning("an administrator is locked out after wrong passwords or codes", administrator=row.id)


def is_locked_from(tx: Connection, row: Row[Any], origin: Origin, now: datetime) -> bool:
    """Whether nobody is let in as this administrator from there."""
    return is_locked(row, now) or store.is_locked_from(tx, row.id, network_of(origin.address), now)


def is_locked(row: Row[Any], now: datetime) -> bool:
    """Whether nobody is let in as this administrator from anywhere."""
    return row.locked_until is not None and row.locked_until > now


def record(
    tx: Connection, row: Row[Any], action: str, origin: Origin, now: datetime, before: Any = None, after: Any = None
) -> None:
    """Write down what somebody did about how it gets in."""
    audit.record(
        tx,
        audit.DEPLOYMENT,
        now=now,
        actor=f"admin:{row.email}",
        action=action,
        subject=f"administrator:{row.id}",
        before=before,
        after=after,
        address=origin.address,
        browser=origin.browser,
    )
