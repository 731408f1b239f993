"""A redemption in about ten prepared statements, in one go on SQLite's writer."""

import sqlite3
from datetime import timedelta
from typing import Any

from domain.clock import NEVER, from_micros, to_micros
from domain.ledger.account import Account, posting_of
from domain.ledger.chain import Posting, entry_hash
from domain.ledger.posting import Draft, Lot
from domain.ledger.redemption import Redeemed, RedemptionOrder, take
from domain.member_status import STATUS_TABLE, Operation
from domain.store.idempotency import REFUSAL_TTL

_NEVER = to_micros(NEVER)
_BY_STATUS = STATUS_TABLE[Operation.REDEEM]
_HOLDER = """
SELECT p.config_version, m.id, m.status, a.id, a.version, a.available, a.pending, a.redeemed, a.next_expiry,
       a.next_release, a.head_hash
  FROM program p
  LEFT JOIN member n ON n.program_id = p.id AND n.relation_reference = ?
  LEFT JOIN member m ON m.program_id = p.id AND m.id = coalesce(n.merged_into, n.id)
  LEFT JOIN account a ON a.program_id = p.id AND a.member_id = m.id AND a.currency = ?
 WHERE p.id = ?"""
_KEY = """
SELECT outcome, fingerprint FROM idempotency
 WHERE program_id = ? AND use_case = 'redeem' AND key = ? AND expires_at > ?"""
_TWICE = """
SELECT 1 FROM ledger_entry
 WHERE program_id = ? AND account_id = ? AND kind = 'redemption' AND seq > ? AND processed_at > ?
   AND points = ? AND loyalty_txn_type = ? AND merchant IS ? AND amount IS ?"""
_OF_THE_DAY = """
SELECT count(*) FROM ledger_entry
 WHERE program_id = ? AND account_id = ? AND kind = 'redemption' AND transaction_date >= ?"""
_BIND = """
INSERT INTO idempotency (program_id, use_case, key, fingerprint, outcome, created_at, expires_at)
VALUES (?, 'redeem', ?, ?, ?, ?, ?)
ON CONFLICT (program_id, use_case, key) DO UPDATE
   SET fingerprint = excluded.fingerprint, outcome = excluded.outcome, created_at = excluded.created_at,
       expires_at = excluded.expires_at"""
_LOTS = """
SELECT id, remaining, expires_at, available_at FROM lot INDEXED BY ix_lot_fifo
 WHERE program_id = ? AND account_id = ? AND is_open ORDER BY expires_at, earned_at, id"""
_NEXT_ENTRY = "SELECT coalesce(max(id), 0) + 1 FROM ledger_entry WHERE program_id = ?"
_TAKE = "UPDATE lot SET remaining = remaining + ?1, is_open = (remaining + ?1 > 0) WHERE program_id = ?2 AND id = ?3"
_ENTRY = """
INSERT INTO ledger_entry (program_id, id, account_id, seq, kind, contra, bucket, points, balance_after,
                          loyalty_txn_type, external_reference, transaction_date, processed_at, merchant, amount,
                          config_version, source, actor, hash)
VALUES (?, ?, ?, ?, 'redemption', 'redeemed', 'redeem', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_TRACE = "INSERT INTO lot_trace (program_id, entry_id, lot_id, points, expires_at) VALUES (?, ?, ?, ?, ?)"
_ACCOUNT = """
UPDATE account SET version = ?, available = ?, redeemed = ?, next_expiry = ?, head_hash = ?
 WHERE program_id = ? AND id = ?"""
_OUTBOX = """
INSERT INTO outbox (program_id, id, topic, member_id, payload, created_at)
VALUES (?1, (SELECT coalesce(max(id), 0) + 1 FROM outbox WHERE program_id = ?1), 'points.redeemed', ?2, ?3, ?4)"""


def redeem_on_sqlite(raw: sqlite3.Connection, order: RedemptionOrder) -> Redeemed:
    """Run one redemption inside the database transaction that this connection is in."""
    now = to_micros(order.now)
    holder = raw.execute(_HOLDER, (order.reference, order.currency, order.program_id)).fetchone()
    member_id = holder[1] if holder else None
    if order.key is not None:
        bound = raw.execute(_KEY, (order.program_id, order.key, now)).fetchone()
        if bound is not None:
            return Redeemed("replay", None, member_id, *bound)
    if holder is None or holder[3] is None:
        return Redeemed("103")
    if holder[0] != order.config_version:
        return Redeemed("stale")
    one = _account(order.program_id, holder)
    refusal, binds = _refusal(raw, order, one, holder[2])
    if refusal is None:
        return Redeemed("ok", _post(raw, order, one), member_id)
    if order.key is not None and binds:
        _bind(raw, order, f'{{"refusal":"{refusal}"}}', now + REFUSAL_TTL // timedelta(microseconds=1))
    return Redeemed(refusal, None, member_id)


def _account(program_id: int, holder: Any) -> Account:
    _, member_id, _, account_id, version, available, pending, redeemed, next_expiry, next_release, head = holder
    return Account(
        program_id=program_id,
        id=account_id,
        member_id=member_id,
        version=version,
        available=available,
        pending=pending,
        redeemed=redeemed,
        next_expiry=from_micros(next_expiry),
        next_release=from_micros(next_release),
        head_hash=head,
    )


def _refusal(raw: sqlite3.Connection, order: RedemptionOrder, one: Account, status: int) -> tuple[str | None, bool]:
    """The first thing that speaks against the redemption, and whether it binds the key."""
    stopped = _BY_STATUS[status]
    if stopped is not None:
        return stopped.code, stopped.binds_key
    if order.refusal is not None:
        return order.refusal, order.refusal_binds
    if one.next_expiry <= order.now or one.next_release <= order.now:
        return "due", False
    if _is_repeat(raw, order, one):
        return "twice", False
    if order.most_a_day is not None and _count_of_day(raw, order, one) >= order.most_a_day:
        return "129", True
    return ("121", True) if one.available < order.points else (None, False)


def _count_of_day(raw: sqlite3.Connection, order: RedemptionOrder, one: Account) -> int:
    count: int = raw.execute(_OF_THE_DAY, (order.program_id, one.id, to_micros(order.day_start))).fetchone()[0]
    return count


def _is_repeat(raw: sqlite3.Connection, order: RedemptionOrder, one: Account) -> bool:
    if order.window_s == 0 or order.key is not None:
        return False
    since = to_micros(order.now) - order.window_s * 1_000_000
    amount = None if order.amount is None else str(order.amount)
    values = (order.program_id, one.id, one.version - 100, since, -order.points, order.loyalty_txn_type)
    return raw.execute(_TWICE, (*values, order.merchant, amount)).fetchone() is not None


def _bind(raw: sqlite3.Connection, order: RedemptionOrder, outcome: str, until: int) -> None:
    values = (order.program_id, order.key, order.fingerprint, outcome, to_micros(order.now), until)
    raw.execute(_BIND, values)


def _post(raw: sqlite3.Connection, order: RedemptionOrder, one: Account) -> int:
    draft = _draft(raw, order, one)
    posting = posting_of(
        one,
        draft,
        processed_at=order.now,
        config_version=order.config_version,
        source=order.source,
        actor=order.actor,
    )
    one.head_hash = entry_hash(one.head_hash, posting)
    if order.key is not None:
        _bind(raw, order, f'{{"entry_id":{posting.entry_id}}}', _NEVER)
    raw.execute(_ENTRY, _entry_values(order, posting, one.head_hash))
    program_id, entry_id = order.program_id, posting.entry_id
    raw.executemany(_TAKE, [(trace.points, program_id, trace.lot_id) for trace in posting.traces])
    raw.executemany(
        _TRACE,
        [(program_id, entry_id, trace.lot_id, trace.points, to_micros(trace.expires_at)) for trace in posting.traces],
    )
    figures = (one.version, one.available, one.redeemed, to_micros(one.next_expiry), one.head_hash)
    raw.execute(_ACCOUNT, (*figures, program_id, one.id))
    event = f'{{"entry_id":{entry_id},"points":{draft.points}}}'
    raw.execute(_OUTBOX, (program_id, one.member_id, event, to_micros(order.now)))
    return entry_id


def _draft(raw: sqlite3.Connection, order: RedemptionOrder, one: Account) -> Draft:
    """Take the points on the account, from no more lots than are needed."""
    cursor = raw.execute(_LOTS, (order.program_id, one.id))
    lots = (_lot(order, *row) for row in cursor)
    moves, one.next_expiry = take(lots, order.points, pending_from=one.next_release)
    cursor.close()
    return one.post(
        Draft(
            "redemption",
            "redeem",
            -order.points,
            order.loyalty_txn_type,
            order.now,
            moves,
            merchant=order.merchant,
            amount=order.amount,
            external_reference=order.guid,
            id=raw.execute(_NEXT_ENTRY, (order.program_id,)).fetchone()[0],
        )
    )


def _lot(order: RedemptionOrder, lot_id: int, remaining: int, expires_at: int, available_at: int | None) -> Lot:
    """What of a stored lot decides; when it was earned does not, for the statement has ordered them."""
    return Lot(
        order.now,
        from_micros(expires_at),
        remaining,
        remaining,
        lot_id,
        available_at=None if available_at is None else from_micros(available_at),
    )


def _entry_values(order: RedemptionOrder, posting: Posting, digest: bytes) -> tuple[Any, ...]:
    """The values of `_ENTRY`."""
    now = to_micros(order.now)
    return (
        order.program_id,
        posting.entry_id,
        posting.account_id,
        posting.seq,
        posting.points,
        posting.balance_after,
        posting.loyalty_txn_type,
        order.guid.hex,
        now,
        now,
        order.merchant,
        None if order.amount is None else str(order.amount),
        order.config_version,
        order.source,
        order.actor,
        digest,
    )
