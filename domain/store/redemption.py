"""The redemption's hand-written statements: one call on PostgreSQL, a few in one go on SQLite's writer.

Both give the same outcomes (`redeem_points_4.sql` lists them); the state machine of the tests holds them equal.
"""

import sqlite3
from collections.abc import Callable
from typing import Any

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from domain.ledger.redemption import Redeemed, RedemptionOrder
from domain.store.bare import fetch
from domain.store.database import PostgresDatabase, SqliteDatabase
from domain.store.redemption_sqlite import redeem_on_sqlite
from domain.store.sqlite_writer import raw_sqlite

# In the order in which everything else locks accounts too.
_CALL = """
SELECT called.* FROM (
    SELECT given.* FROM unnest(
               $1::bigint[], $2::integer[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::boolean[],
               $8::text[], $9::bytea[], $10::uuid[], $11::smallint[], $12::text[], $13::numeric[], $14::text[],
               $15::text[], $16::timestamptz[], $17::integer[], $18::timestamptz[], $19::integer[]
           ) WITH ORDINALITY AS given (
               program, config, reference, currency, points, refusal, refusal_binds, key, fingerprint, guid, type,
               merchant, amount, source, actor, now, window_s, day_start, most_a_day, place
           )
      LEFT JOIN member m ON m.program_id = given.program AND m.relation_reference = given.reference
      LEFT JOIN account a
             ON a.program_id = given.program AND a.member_id = coalesce(m.merged_into, m.id)
            AND a.currency = given.currency
     ORDER BY a.id
) AS given, redeem_points(
    given.program, given.config, given.reference, given.currency, given.points, given.refusal,
    given.refusal_binds, given.key, given.fingerprint, given.guid, given.type, given.merchant, given.amount,
    given.source, given.actor, given.now, given.window_s, given.day_start, given.most_a_day
) AS called ORDER BY given.place"""


async def redeem(db: PostgresDatabase | SqliteDatabase, order: RedemptionOrder) -> Redeemed:
    """Run one redemption in its own database transaction; `taken` where the reference is another posting's."""
    try:
        if isinstance(db, SqliteDatabase):
            return await db.write(lambda tx: redeem_on_sqlite(raw_sqlite(tx), order))
        return await _redeem_on_postgres(db, order)
    except (sqlite3.IntegrityError, asyncpg.UniqueViolationError):
        return Redeemed("taken")


async def redeem_and(
    db: PostgresDatabase | SqliteDatabase, order: RedemptionOrder, then: Callable[[Connection, Redeemed], None]
) -> Redeemed:
    """The same, with what else is stored where the points were taken, in the same database transaction."""

    def body(tx: Connection) -> Redeemed:
        if isinstance(db, SqliteDatabase):
            redeemed = redeem_on_sqlite(raw_sqlite(tx), order)
        else:
            redeemed = Redeemed(*fetch(tx, _CALL, [[value] for value in _values(order)])[0])
        if redeemed.outcome == "ok":
            then(tx, redeemed)
        return redeemed

    try:
        return await db.write(body)
    except (sqlite3.IntegrityError, IntegrityError):
        return Redeemed("taken")


async def _redeem_on_postgres(db: PostgresDatabase, order: RedemptionOrder) -> Redeemed:
    return Redeemed(*await db.call(_CALL, *_values(order), about=(order.program_id, order.reference)))


def _values(order: RedemptionOrder) -> tuple[Any, ...]:
    """The values of `_CALL`."""
    return (
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
        order.day_start,
        order.most_a_day,
    )
