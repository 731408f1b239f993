"""The caps and aggregates of a merge: the victim's are added to the survivor's, and taken off again."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from domain.rules.aggregate import EMPTY, Stats, merge
from domain.store.bulk import Bulk
from domain.store.counter import buckets_of, counters_of, put_buckets, put_counters


def join_counters(tx: Connection, program_id: int, victim_id: int, survivor_id: int) -> dict[str, Any]:
    """Add the victim's caps and aggregates to the survivor's; what was added, for the way back."""
    bulk = Bulk(tx)
    caps, own_caps = counters_of(tx, program_id, victim_id), counters_of(tx, program_id, survivor_id)
    put_counters(bulk, program_id, {(survivor_id, *key): points + own_caps.get(key, 0) for key, points in caps.items()})
    buckets, own = buckets_of(tx, program_id, victim_id), buckets_of(tx, program_id, survivor_id)
    put_buckets(
        bulk, program_id, {(survivor_id, *key): merge(one, own.get(key, EMPTY)) for key, one in buckets.items()}
    )
    bulk.store()
    return {
        "caps": [[*map(str, key), points] for key, points in caps.items()],
        "aggregates": [[key[0], str(key[1]), str(one.sum), one.count] for key, one in buckets.items()],
    }


def part_counters(tx: Connection, program_id: int, survivor_id: int, added: dict[str, Any]) -> None:
    """Take off again what a merge added."""
    bulk = Bulk(tx)
    caps, buckets = counters_of(tx, program_id, survivor_id), buckets_of(tx, program_id, survivor_id)
    left = {}
    for scope, window, start, points in added["caps"]:
        key = (scope, window, date.fromisoformat(start))
        left[survivor_id, *key] = max(0, caps.get(key, 0) - points)
    put_counters(bulk, program_id, left)
    parts = {}
    for name, start, total, count in added["aggregates"]:
        part = (name, date.fromisoformat(start))
        if (stood := buckets.get(part)) is not None:
            # What the smallest and largest were before nobody knows any more: they stay until a refund counts anew.
            parts[survivor_id, *part] = Stats(stood.sum - Decimal(total), stood.count - count, stood.low, stood.high)
    put_buckets(bulk, program_id, parts)
    bulk.store()
