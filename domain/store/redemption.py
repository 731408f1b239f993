"""The redemption's hand-written statements: one call on PostgreSQL, a few in one go on SQLite's writer.

Both give the same outcomes (`redeem_points_1.sql` lists them); the state machine of the tests holds them equal.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from domain.clock import NEVER, from_micros, to_micros
from domain.errors import member_status_error
from domain.ledger.chain import Posting, Trace, entry_hash
from domain.ledger.posting import Account, Draft, Lot
from domain.ledger.redemption import take
from domain.store.database import PostgresDatabase, SqliteDatabase
from domain.store.idempotency import REFUSAL_TTL
from domain.store.sqlite_writer import raw_sqlite

# In the order in which everything else locks accounts too.
_CALL = """
SELECT called.* FROM (
    SELECT given.* FROM unnest(
               $1::bigint[], $2::integer[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::boolean[],
               $8::text[], $9::bytea[], $10::uuid[], $11::smallint[], $12::text[], $13::numeric[], $14::text[],
               $15::text[], $16::timestamptz[], $17::integer[]
           ) WITH ORDINALITY AS given (
               program, config, reference, currency, points, refusal, refusal_binds, key, fingerprint, guid, type,
               merchant, amount, source, actor, now, window_s, place
           )
      LEFT JOIN member m ON m.program_id = given.program AND m.relation_reference = given.reference
      LEFT JOIN account a
             ON a.program_id = given.program AND a.member_id = m.id AND a.currency = given.currency
     ORDER BY a.id
) AS given, redeem_points(
    given.program, given.config, given.reference, given.currency, given.points, given.refusal,
    given.refusal_binds, given.key, given.fingerprint, given.guid, given.type, given.merchant, given.amount,
    given.source, given.actor, given.now, given.window_s
) AS called ORDER BY given.place"""
_NEVER = to_micros(NEVER)


@dataclass(frozen=True, kw_only=True, slots=True)
class RedemptionOrder:
    """A checked redemption. `refusal` is what the static checks found, to be given after the member's state."""

    program_id: int
    config_version: int
    reference: str
    currency: str
    points: int
    refusal: str | None
    refusal_binds: bool
    key: str | None
    fingerprint: bytes
    guid: UUID
    loyalty_txn_type: int
    merchant: str | None
    amount: Decimal | None
    source: str
    actor: str
    now: datetime
    window_s: int


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The outcome; `stored` and `fingerprint` are those of the key where the outcome is `replay`."""

    outcome: str
    entry_id: int | None = None
    member_id: int | None = None
    stored: str | None = None
    fingerprint: bytes | None = None


async def redeem(db: PostgresDatabase | SqliteDatabase, order: RedemptionOrder) -> Redeemed:
    """Run one redemption in its own database transaction; `taken` where the reference is another posting's."""
    try:
        if isinstance(db, SqliteDatabase):
            return await db.write(lambda tx: redeem_on_sqlite(raw_sqlite(tx), order))
        return await _redeem_on_postgres(db, order)
    except (sqlite3.IntegrityError, asyncpg.UniqueViolationError):
        return Redeemed("taken")


async def _redeem_on_postgres(db: PostgresDatabase, order: RedemptionOrder) -> Redeemed:
    return Redeemed(
        *await db.call(
            _CALL,
            order.program_id,
            order.config_version,
            order.reference,
            order.currency,
            order.points,
            order.refusal,
            order.refusal_binds,
            order.key,
            order.fingerprint,
            order.guid,
            order.loyalty_txn_type,
            order.merchant,
            order.amount,
            order.source,
            order.actor,
            order.now,
            order.window_s,
        )
    )


_HOLDER = """
SELECT p.config_version, m.id, m.status, a.id, a.version, a.available, a.spend, a.bonus, a.redeemed, a.expired,
       a.next_expiry, a.head_hash
  FROM program p
  LEFT JOIN member m ON m.program_id = p.id AND m.relation_reference = ?
  LEFT JOIN account a ON a.program_id = p.id AND a.member_id = m.id AND a.currency = ?
 WHERE p.id = ?"""
_KEY = """
SELECT outcome, fingerprint FROM idempotency
 WHERE program_id = ? AND use_case = 'redeem' AND key = ? AND expires_at > ?"""
_TWICE = """
SELECT 1 FROM ledger_entry
 WHERE program_id = ? AND account_id = ? AND kind = 'redemption' AND seq > ? AND processed_at > ?
   AND points = ? AND loyalty_txn_type = ? AND merchant IS ? AND amount IS ?"""
_BIND = """
INSERT INTO idempotency (program_id, use_case, key, fingerprint, outcome, created_at, expires_at)
VALUES (?, 'redeem', ?, ?, ?, ?, ?)
ON CONFLICT (program_id, use_case, key) DO UPDATE
   SET fingerprint = excluded.fingerprint, outcome = excluded.outcome, created_at = excluded.created_at,
       expires_at = excluded.expires_at"""
_LOTS = """
SELECT id, remaining, expires_at FROM lot INDEXED BY ix_lot_fifo
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
    _, member_id, _, account_id, version, available, spend, bonus, redeemed, expired, next_expiry, head = holder
    soonest = from_micros(next_expiry)
    return Account(
        program_id, account_id, member_id, version, available, spend, bonus, redeemed, expired, soonest, head
    )


def _refusal(raw: sqlite3.Connection, order: RedemptionOrder, one: Account, status: int) -> tuple[str | None, bool]:
    """The first thing that speaks against the redemption, and whether it binds the key."""
    if status != 1:
        return member_status_error(status).code, True
    if order.refusal is not None:
        return order.refusal, order.refusal_binds
    if one.next_expiry <= order.now:
        return "due", False
    if _is_repeat(raw, order, one):
        return "twice", False
    return ("121", True) if one.available < order.points else (None, False)


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
    program_id, now = order.program_id, to_micros(order.now)
    cursor = raw.execute(_LOTS, (program_id, one.id))
    lots = (Lot(order.now, from_micros(row[2]), row[1], row[1], row[0]) for row in cursor)
    moves, one.next_expiry = take(lots, order.points)
    cursor.close()
    entry_id: int = raw.execute(_NEXT_ENTRY, (program_id,)).fetchone()[0]
    draft = one.post(
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
        )
    )
    one.head_hash = entry_hash(one.head_hash, _posting(order, one, draft, entry_id))
    if order.key is not None:
        _bind(raw, order, f'{{"entry_id":{entry_id}}}', _NEVER)
    raw.execute(
        _ENTRY,
        (
            program_id,
            entry_id,
            one.id,
            draft.seq,
            draft.points,
            draft.balance_after,
            draft.loyalty_txn_type,
            order.guid.hex,
            now,
            now,
            order.merchant,
            None if order.amount is None else str(order.amount),
            order.config_version,
            order.source,
            order.actor,
            one.head_hash,
        ),
    )
    raw.executemany(_TAKE, [(move.points, program_id, move.lot.id) for move in moves])
    raw.executemany(
        _TRACE,
        [(program_id, entry_id, move.lot.id, move.points, to_micros(move.expires_at)) for move in moves],
    )
    raw.execute(
        _ACCOUNT,
        (
            one.version,
            one.available,
            one.redeemed,
            to_micros(one.next_expiry),
            one.head_hash,
            program_id,
            one.id,
        ),
    )
    event = f'{{"entry_id":{entry_id},"points":{draft.points}}}'
    raw.execute(_OUTBOX, (program_id, one.member_id, event, now))
    return entry_id


def _posting(order: RedemptionOrder, one: Account, draft: Draft, entry_id: int) -> Posting:
    return Posting(
        program_id=order.program_id,
        entry_id=entry_id,
        account_id=one.id,
        seq=draft.seq,
        kind="redemption",
        contra="redeemed",
        bucket="redeem",
        points=draft.points,
        balance_after=draft.balance_after,
        loyalty_txn_type=draft.loyalty_txn_type,
        external_reference=order.guid,
        transaction_date=order.now,
        processed_at=order.now,
        expires_at=None,
        merchant=order.merchant,
        amount=order.amount,
        narration=None,
        detail=None,
        config_version=order.config_version,
        source=order.source,
        actor=order.actor,
        transaction_ref=None,
        reverses_id=None,
        traces=tuple(Trace(lot_id=m.lot.id or 0, points=m.points, expires_at=m.expires_at) for m in draft.moves),
    )
