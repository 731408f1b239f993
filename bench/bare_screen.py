"""The floor of B4 (ii): the home screen by SQL alone, through asyncpg and orjson behind a bare ASGI callable.

Four statements in one database transaction, for all figures are of one instant. No token, no validation, no types, no
GraphQL: the member comes in the variables and the form of the answer is fixed.
`uvicorn bench.bare_screen:app` serves it; BENCH_DATABASE_URL names the database.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import orjson
from starlette.types import Receive, Scope, Send

from bench.bare_stack import URL_VARIABLE
from bench.rules import configuration

_PAGE = 20
_ZONE = ZoneInfo(configuration()["program"]["time_zone"])

_MEMBER = """
SELECT id, relation_reference, enrolled_at, tier, tier_since FROM member
 WHERE program_id = $1 AND relation_reference = $2"""
_ACCOUNT = """
SELECT id, available, pending FROM account WHERE program_id = $1 AND member_id = $2 AND currency = 'DEFAULT'"""
_LOTS = """
SELECT expires_at, sum(remaining)::bigint AS points FROM lot
 WHERE program_id = $1 AND account_id = $2 AND is_open AND expires_at > $3 GROUP BY expires_at"""
_ENTRIES = """
SELECT kind, points, transaction_date FROM ledger_entry
 WHERE program_id = $1 AND account_id = $2 ORDER BY transaction_date DESC, id DESC LIMIT $3"""


@asynccontextmanager
async def _pool() -> AsyncIterator[Any]:
    async with asyncpg.create_pool(os.environ[URL_VARIABLE], min_size=16, max_size=16) as pool:
        yield pool


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers whatever comes with the home screen of the member in its variables."""
    if scope["type"] == "lifespan":
        await receive()
        async with _pool() as pool:
            scope["state"]["pool"] = pool
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = b""
    is_more = True
    while is_more:
        message = await receive()
        body += message.get("body", b"")
        is_more = message.get("more_body", False)
    screen = await _screen(scope["state"]["pool"], orjson.loads(body)["variables"]["reference"])
    raw = orjson.dumps({"data": {"member": screen}})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(raw)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": raw})


async def _screen(pool: Any, reference: str) -> dict[str, Any]:
    async with pool.acquire() as tx, tx.transaction(isolation="repeatable_read", readonly=True):
        member = await tx.fetchrow(_MEMBER, 1, reference)
        account = await tx.fetchrow(_ACCOUNT, 1, member["id"])
        lots = await tx.fetch(_LOTS, 1, account["id"], datetime.now(UTC))
        entries = await tx.fetch(_ENTRIES, 1, account["id"], _PAGE + 1)
    next_expiry, expiring = min(lots)
    return {
        "relationReference": member["relation_reference"],
        "enrolledAt": _local(member["enrolled_at"]),
        "tier": {"name": member["tier"], "since": _local(member["tier_since"])},
        "balance": {
            "available": str(account["available"]),
            "pending": str(account["pending"]),
            "nextExpiryAt": _local(next_expiry),
            "nextExpiringPoints": str(expiring),
        },
        "ledger": {
            "edges": [
                {"node": {"kind": kind.upper(), "points": str(points), "transactionDate": _local(at)}}
                for kind, points, at in entries[:_PAGE]
            ],
            "pageInfo": {"hasNextPage": len(entries) > _PAGE},
        },
    }


def _local(instant: datetime) -> datetime:
    return instant.astimezone(_ZONE)
