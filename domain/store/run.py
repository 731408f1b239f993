"""Begins a run of transactions: its program, its members and their accounts, in one round trip."""

from collections import namedtuple
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select

from domain.crypto import KeyRing
from domain.models import account
from domain.store.member import NAMED, Stored, members_named
from domain.store.reading import Reading, read_together
from domain.store.turn import VERSION_IN_FORCE

_ACCOUNTS = (
    select(account)
    .join(NAMED, account.c.member_id == NAMED.c.answers)
    .where(account.c.program_id == bindparam("program_id"), account.c.currency == bindparam("currency"))
    .order_by(account.c.id)
    .with_for_update(of=account)
)
_ACCOUNT: Any = namedtuple("_ACCOUNT", account.c.keys())  # type: ignore[misc]  # of a table


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a run begins with. `version` is that of the configuration, and no other comes into force meanwhile.

    `accounts` are locked, for `Journal.hold_accounts`. A merge that ended while they were waited for shows later:
    see `led_astray`.
    """

    version: int | None
    members: list[Stored]
    accounts: Sequence[Any]


def begin_run(
    tx: Connection,
    keys: KeyRing,
    program_id: int,
    references: Sequence[str],
    *,
    with_person: bool = True,
    currency: str = "DEFAULT",
) -> Beginning:
    """Lock the program's configuration for reading and the accounts of whom these references lead to."""
    given = {"program_id": program_id, "references": references, "currency": currency}
    version, found, locked = read_together(
        tx,
        Reading(VERSION_IN_FORCE, given, lambda rows: next((row[0] for row in rows), None)),
        members_named(keys, program_id, references, with_person=with_person),
        Reading(_ACCOUNTS, given, lambda rows: list(map(_ACCOUNT._make, rows))),
    )
    return Beginning(version, found, locked)
