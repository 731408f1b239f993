"""Rate limits that processes share: each leases a slice of a bucket in one statement."""

from sqlalchemy import Connection, delete, select, text, tuple_

from domain.models import rate_lease
from domain.rate import SKEW_NS, Lease, Rate

_FORGOTTEN = 1000


def _statement(greatest: str, least: str) -> str:
    base = f"""CASE WHEN rate_lease.full_at > CAST(:empty AS BIGINT) + {SKEW_NS} THEN CAST(:empty AS BIGINT)
        ELSE {greatest}(rate_lease.full_at, CAST(:now AS BIGINT)) END"""
    room = f"{greatest}(0, (CAST(:empty AS BIGINT) - {base}) / CAST(:interval AS BIGINT))"
    granted = f"{least}(CAST(:wanted AS BIGINT), {room})"
    # All of the row is read before any of it is written, so both figures are of the bucket as it was.
    return f"""
        INSERT INTO rate_lease (program_id, bucket, full_at, granted)
        VALUES (:program_id, :bucket, CAST(:now AS BIGINT) + CAST(:first AS BIGINT) * CAST(:interval AS BIGINT), :first)
        ON CONFLICT (program_id, bucket) DO UPDATE
        SET full_at = {base} + {granted} * CAST(:interval AS BIGINT), granted = {granted}
        RETURNING granted, full_at
    """  # noqa: S608 - made of constants


_LEASE = {"sqlite": text(_statement("max", "min")), "postgresql": text(_statement("greatest", "least"))}


def lease_rate(tx: Connection, program_id: int, bucket: bytes, rate: Rate, wanted: int, now_ns: int) -> Lease:
    """Take up to `wanted` requests out of a bucket, which locks its row."""
    values = {
        "program_id": program_id,
        "bucket": bucket,
        "now": now_ns,
        "empty": now_ns + rate.span_ns,
        "interval": rate.interval_ns,
        "wanted": wanted,
        "first": min(wanted, rate.burst),
    }
    row = tx.execute(_LEASE[tx.dialect.name], values).one()
    return Lease(row.granted, row.full_at)


def full_at(tx: Connection, program_id: int, bucket: bytes) -> int | None:
    """When the bucket will be full again, in nanoseconds since 1970; None where it is."""
    return tx.scalar(
        select(rate_lease.c.full_at).where(rate_lease.c.program_id == program_id, rate_lease.c.bucket == bucket)
    )


def forget_full(tx: Connection, before_ns: int) -> int:
    """Delete some of the buckets that were full before then: how many."""
    key = (rate_lease.c.program_id, rate_lease.c.bucket)
    full = select(*key).where(rate_lease.c.full_at < before_ns).limit(_FORGOTTEN)
    return int(tx.execute(delete(rate_lease).where(tuple_(*key).in_(full))).rowcount)
