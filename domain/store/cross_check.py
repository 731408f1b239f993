"""What must agree between accounts and the rest: owners, transactions, keys, configuration, the audit trail."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import orjson
from sqlalchemy import Connection, Table, exists, func, select

from domain.clock import NEVER
from domain.ledger.chain import GENESIS
from domain.models import (
    account,
    audit_entry,
    batch,
    batch_row,
    idempotency,
    ledger_entry,
    lot,
    lot_trace,
    member,
    member_transaction,
    program,
    program_config,
    tally,
)
from domain.store.audit import hash_of
from domain.store.finding import Finding, check_each
from domain.store.program import digest_of

KINDS_OF_USE_CASE = {
    "redeem": {"redemption"},
    "reverse": {"reversal"},
    "transaction": {"earn", "refund"},
    "hold": {"hold"},
    "hold-settle": {"redemption"},
    "hold-cancel": {"release"},
    "transfer": {"transfer"},
    "adjust": {"adjustment"},
    "approve": {"adjustment"},
    "bonus": {"bonus", "adjustment"},
    "order": {"redemption"},
    "order-fail": {"reversal"},
    "order-cancel": {"reversal"},
}
"""The kinds of posting that the outcome of a key may name, by use case."""

_SHOWN = 100
_AT_ONCE = 500
_LARGEST_ID = 2**63 - 1


def check_earnings(tx: Connection, program_id: int, ids: Sequence[int]) -> list[Finding]:
    """Where the earnings of these accounts do not come from their own member's transactions, point for point.

    So two accounts that changed owners are found if one of them ever earned. A transaction's amount is not
    in the journal: what is proved is whose it is and the points that it gave.
    """
    return check_each(program_id, partial(_check_earnings, tx, program_id), ids, "account {}, its transactions")


def _check_earnings(tx: Connection, program_id: int, ids: Sequence[int]) -> list[Finding]:
    accounts = tx.execute(
        select(account.c.id, account.c.member_id).where(account.c.program_id == program_id, account.c.id.in_(ids))
    )
    owners: dict[int, int] = {row.id: row.member_id for row in accounts}
    # The whole rows, so that each value is decoded once.
    submitted = {
        row.id: row
        for row in tx.execute(
            select(member_transaction).where(
                member_transaction.c.program_id == program_id,
                member_transaction.c.member_id.in_(set(owners.values())),
            )
        )
    }
    found: list[Finding] = []
    earned = dict.fromkeys(submitted, 0)
    for entry in tx.execute(_earnings(program_id, ids)):
        one = submitted.get(entry.transaction_ref)
        if one is None or one.member_id != owners[entry.account_id]:
            told = f"its transaction {entry.transaction_ref} is none of the account's own member"
            found.append(Finding(program_id, f"account {entry.account_id}, entry {entry.id}", told))
        else:
            earned[one.id] += entry.points
    for one in submitted.values():
        if earned[one.id] != one.points:
            told = f"points is {one.points}, its postings give {earned[one.id]}"
            found.append(Finding(program_id, f"member {one.member_id}, transaction {one.id}", told))
    return found


def _earnings(program_id: int, ids: Sequence[int]) -> Any:
    columns = ledger_entry.c
    return (
        select(columns.id, columns.account_id, columns.points, columns.transaction_ref)
        .where(columns.program_id == program_id, columns.account_id.in_(ids), columns.kind.in_(("earn", "refund")))
        .order_by(columns.id)
    )


def keys_after(tx: Connection, program_id: int, use_case: str, after: str, limit: int) -> list[str]:
    """The next idempotency keys of a use case, in order."""
    query = select(idempotency.c.key).where(
        idempotency.c.program_id == program_id, idempotency.c.use_case == use_case, idempotency.c.key > after
    )
    return list(tx.scalars(query.order_by(idempotency.c.key).limit(limit)))


def check_keys(tx: Connection, program_id: int, use_case: str, keys: Sequence[str]) -> list[Finding]:
    """Where a key's success may lapse, or names a posting that is not there or not of its kind.

    A key is not in the journal. One that was deleted, renamed or made a refusal cannot be noticed, and
    neither can a changed fingerprint, which only turns a repeat into a refusal.
    """
    check = partial(_check_keys, tx, program_id, use_case)
    return check_each(program_id, check, keys, f"key {{!r}} of {use_case}")


def _check_keys(tx: Connection, program_id: int, use_case: str, keys: Sequence[str]) -> list[Finding]:
    rows = tx.execute(
        select(idempotency).where(
            idempotency.c.program_id == program_id,
            idempotency.c.use_case == use_case,
            idempotency.c.key.in_(keys),
        )
    ).all()
    outcomes = [(row, orjson.loads(row.outcome)) for row in rows]
    successes = [(row, outcome) for row, outcome in outcomes if "refusal" not in outcome]
    named = {row.key: _named(use_case, outcome) for row, outcome in successes}
    entries = _entries(tx, program_id, {one for numbers in named.values() for one in numbers})
    found: list[Finding] = []
    for row, outcome in successes:
        where = f"key {row.key!r} of {use_case}"
        if row.expires_at != NEVER:
            found.append(Finding(program_id, where, f"lapses at {row.expires_at}, but stands for a success"))
        waited_for = _waited_for([entries[one] for one in named[row.key] if one in entries], outcome)
        for number in named[row.key]:
            if told := _misnamed(use_case, outcome, entries.get(number), waited_for):
                found.append(Finding(program_id, where, f"names entry {number}, {told}"))
    return found


def _named(use_case: str, outcome: dict[str, Any]) -> list[int]:
    if use_case == "adjust" and outcome["request_id"] is not None:
        return []  # it was not posted: the request has a key of its own when it is approved
    numbers = outcome["entries"] if use_case == "transaction" else [outcome["entry_id"]]
    return [int(number) for number in numbers]


def _entries(tx: Connection, program_id: int, numbers: set[int]) -> dict[int, Any]:
    # A number that no column can hold would break the statement.
    wanted = sorted(number for number in numbers if 0 < number <= _LARGEST_ID)
    columns = ledger_entry.c
    query = select(columns.id, columns.kind, columns.transaction_ref, member_transaction.c.transaction_id)
    its = (member_transaction.c.program_id == columns.program_id) & (member_transaction.c.id == columns.transaction_ref)
    query = query.select_from(ledger_entry).outerjoin(member_transaction, its)
    rows = tx.execute(query.where(columns.program_id == program_id, columns.id.in_(wanted)))
    return {row.id: row for row in rows}


def _waited_for(entries: Sequence[Any], outcome: dict[str, Any]) -> str | None:
    """What a purchase is called outside, if refunds had waited for it: they are transactions of the same name."""
    if not outcome.get("taken_back"):
        return None
    return next((entry.transaction_id for entry in entries if entry.transaction_ref == outcome["id"]), None)


def _misnamed(use_case: str, outcome: dict[str, Any], entry: Any, waited_for: str | None) -> str | None:
    if entry is None:
        return "which does not exist"
    if entry.kind not in KINDS_OF_USE_CASE[use_case]:
        return f"which is of kind {entry.kind}"
    is_waiting_refund = entry.kind == "refund" and waited_for is not None and entry.transaction_id == waited_for
    if use_case == "transaction" and entry.transaction_ref != outcome["id"] and not is_waiting_refund:
        return "which is of another transaction"
    return None


def check_owners(tx: Connection, program_id: int) -> list[Finding]:
    """Members without an account, or with more than one in a currency."""
    of_member = (account.c.program_id == member.c.program_id) & (account.c.member_id == member.c.id)
    without = select(member.c.id).where(member.c.program_id == program_id, ~exists().where(of_member)).limit(_SHOWN)
    several = (
        select(account.c.member_id, account.c.currency)
        .where(account.c.program_id == program_id)
        .group_by(account.c.member_id, account.c.currency)
        .having(func.count() > 1)
        .limit(_SHOWN)
    )
    found = [Finding(program_id, f"member {one}", "has no account") for one in tx.scalars(without)]
    for row in tx.execute(several):
        found.append(Finding(program_id, f"member {row.member_id}", f"has several accounts in {row.currency}"))
    return found


def check_orphans(tx: Connection, program_id: int) -> list[Finding]:
    """Rows that belong to no member, account, entry, lot or file: PostgreSQL has no keys of these (docs/adr/0026)."""
    of = (
        ("account", account, account.c.id, account.c.member_id, member),
        ("transaction", member_transaction, member_transaction.c.id, member_transaction.c.member_id, member),
        ("entry", ledger_entry, ledger_entry.c.id, ledger_entry.c.account_id, account),
        ("lot", lot, lot.c.id, lot.c.account_id, account),
        ("lot", lot, lot.c.id, lot.c.entry_id, ledger_entry),
        ("trace of entry", lot_trace, lot_trace.c.entry_id, lot_trace.c.entry_id, ledger_entry),
        ("trace of lot", lot_trace, lot_trace.c.lot_id, lot_trace.c.lot_id, lot),
        ("figures of member", tally, tally.c.member_id, tally.c.member_id, member),
        ("rows of file", batch_row, batch_row.c.batch_id, batch_row.c.batch_id, batch),
    )
    return [
        Finding(program_id, f"{name} {one}", "belongs to nothing")
        for name, table, number, reference, parent in of
        for one in tx.scalars(
            select(number).where(_parentless(table, program_id, reference, parent)).distinct().limit(_SHOWN)
        )
    ]


def check_programs(tx: Connection) -> list[Finding]:
    """Members of programs that there are not: PostgreSQL has no key of these either."""
    found: list[Finding] = []
    # From one program to the next by the index of members, however many there are of each.
    query = select(member.c.program_id).order_by(member.c.program_id).limit(1)
    one = tx.scalar(query)
    while one is not None:
        if tx.scalar(select(program.c.id).where(program.c.id == one)) is None:
            found.append(Finding(one, "members", "belong to no program"))
        one = tx.scalar(query.where(member.c.program_id > one))
    return found


def _parentless(table: Table, program_id: int, reference: Any, parent: Table) -> Any:
    its = (parent.c.program_id == table.c.program_id) & (parent.c.id == reference)
    # Looked up by key for each row: a join of tables without statistics compares every row with every other.
    return (table.c.program_id == program_id) & select(parent.c.id).where(its).scalar_subquery().is_(None)


def check_configurations(tx: Connection, program_id: int) -> list[Finding]:
    """Where a stored configuration is not what its digest says, or the one in force is not stored."""
    query = select(program_config.c.version).where(program_config.c.program_id == program_id)
    versions = list(tx.scalars(query.order_by(program_config.c.version)))
    found = check_each(program_id, partial(_check_digests, tx, program_id), versions, "configuration {}")
    in_force = tx.scalar(select(program.c.config_version).where(program.c.id == program_id))
    if in_force not in versions:
        found.append(Finding(program_id, f"configuration {in_force}", "is in force and is not stored"))
    return found


def _check_digests(tx: Connection, program_id: int, versions: Sequence[int]) -> list[Finding]:
    rows = tx.execute(
        select(program_config).where(program_config.c.program_id == program_id, program_config.c.version.in_(versions))
    )
    return [
        Finding(program_id, f"configuration {row.version}", "its document does not give its digest")
        for row in rows
        if digest_of(row.document) != row.digest
    ]


def check_audit(tx: Connection, program_id: int) -> list[Finding]:
    """Where the audit trail's chain of one program breaks, and entries whose content is not what was hashed."""
    found: list[Finding] = []
    previous, due = GENESIS, 1
    columns = audit_entry.c
    chain = tx.execute(
        select(columns.seq, columns.previous_hash, columns.hash)
        .where(columns.program_id == program_id)
        .order_by(columns.seq)
    ).all()
    for row in chain:
        if (row.seq, row.previous_hash) != (due, previous):
            found.append(Finding(program_id, f"audit entry {row.seq}", "does not follow from the one before"))
        previous, due = row.hash, row.seq + 1
    for numbers in _in_batches([row.seq for row in chain]):
        found += check_each(program_id, partial(_check_content, tx, program_id), numbers, "audit entry {}")
    return found


def _in_batches(numbers: list[int]) -> Iterator[list[int]]:
    return (numbers[start : start + _AT_ONCE] for start in range(0, len(numbers), _AT_ONCE))


def _check_content(tx: Connection, program_id: int, numbers: Sequence[int]) -> list[Finding]:
    rows = tx.execute(
        select(audit_entry)
        .where(audit_entry.c.program_id == program_id, audit_entry.c.seq.in_(numbers))
        .order_by(audit_entry.c.seq)
    )
    found: list[Finding] = []
    for row in rows:
        if row.hash != hash_of(row):
            found.append(Finding(program_id, f"audit entry {row.seq}", "its hash does not follow from its content"))
    return found
