"""What must agree between orders, postings and voucher codes."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, select

from domain.models import account, catalog_order, ledger_entry, voucher_code
from domain.store.finding import Finding, check_each
from domain.store.order import FULFILLED, REVERSED


def order_ids(tx: Connection, program_id: int, after: int, limit: int) -> list[int]:
    """The next orders of a program, by id."""
    query = select(catalog_order.c.id).where(catalog_order.c.program_id == program_id, catalog_order.c.id > after)
    return list(tx.scalars(query.order_by(catalog_order.c.id).limit(limit)))


def check_orders(tx: Connection, program_id: int, ids: Sequence[int]) -> list[Finding]:
    """Where an order does not have its one redemption, its reversal if it was reversed and only then, and its code.

    Each redemption has one order at most and each code too: the database refuses anything else.
    """
    return check_each(program_id, partial(_check, tx, program_id), ids, "order {}")


def _check(tx: Connection, program_id: int, ids: Sequence[int]) -> list[Finding]:
    orders = tx.execute(
        select(catalog_order).where(catalog_order.c.program_id == program_id, catalog_order.c.id.in_(ids))
    ).all()
    debits = _debits(tx, program_id, [one.entry_id for one in orders])
    reversals = _reversals(tx, program_id, [one.entry_id for one in orders])
    codes = set(
        tx.scalars(
            select(voucher_code.c.order_id).where(
                voucher_code.c.program_id == program_id, voucher_code.c.order_id.in_(ids)
            )
        )
    )
    return [
        Finding(program_id, f"order {one.id}", told)
        for one in orders
        for told in _faults(one, debits.get(one.entry_id), reversals.get(one.entry_id, []), one.id in codes)
    ]


def _faults(one: Row[Any], debit: Row[Any] | None, reversals: Sequence[int], has_code: bool) -> Iterator[str]:
    if debit is None or debit.kind != "redemption":
        yield f"its entry {one.entry_id} is no redemption"
    elif (debit.member_id, -debit.points, debit.external_reference) != (
        one.member_id,
        one.points,
        one.external_reference,
    ):
        yield f"its redemption {one.entry_id} is of another member, of other points, or has another reference"
    if one.status == REVERSED and list(reversals) != [one.reversal_id]:
        yield f"it is reversed, and its redemption has the reversals {list(reversals)}"
    if one.status != REVERSED and reversals:
        yield f"it is {one.status.lower()}, and its redemption was reversed"
    is_given = one.fulfilment == "pool" and one.status == FULFILLED
    if has_code != is_given:
        yield "it has a code of a pool and is not fulfilled by one" if has_code else "it has no code of its pool"


def _debits(tx: Connection, program_id: int, entries: Sequence[int]) -> dict[int, Row[Any]]:
    its = (account.c.program_id == ledger_entry.c.program_id) & (account.c.id == ledger_entry.c.account_id)
    columns = ledger_entry.c
    query = select(columns.id, columns.kind, columns.points, columns.external_reference, account.c.member_id)
    query = query.join(account, its).where(columns.program_id == program_id, columns.id.in_(entries))
    debits: dict[int, Any] = {row.id: row for row in tx.execute(query)}
    return debits


def _reversals(tx: Connection, program_id: int, entries: Sequence[int]) -> dict[int, list[int]]:
    columns = ledger_entry.c
    query = select(columns.id, columns.reverses_id).where(
        columns.program_id == program_id, columns.kind == "reversal", columns.reverses_id.in_(entries)
    )
    found: dict[int, list[int]] = {}
    for row in tx.execute(query):
        found.setdefault(row.reverses_id, []).append(row.id)
    return found
