"""The floor of B4 (ii): the home screen by the product's SQL alone, through asyncpg and orjson.

Behind a bare ASGI callable, with no token, no validation, no types, no GraphQL: the member comes in the variables and
the form of the answer is fixed.
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
from domain.crypto import KeyRing
from domain.models import member as member_table
from domain.store.balance import figures_with_next
from domain.store.database import SESSION_OF_STATEMENTS
from domain.store.entry import StoredEntry
from domain.store.entry_page import Narrowing, page_entries
from domain.store.member import members_named
from domain.store.program import ProgramCache
from domain.store.reading import Reading, for_driver

_PAGE = 20
_ZONE = ZoneInfo(configuration()["program"]["time_zone"])

_PROGRAM = 1
# Stand for what a request is about in the values of the statements.
_REFERENCE, _MEMBER = "a reference", 2**62 - 1


def _statements() -> tuple[tuple[str, list[Any]], tuple[str, list[Any]]]:
    """The product's own: the one that finds the member, and the one of all that its screen shows."""
    now = datetime.now(UTC)
    rest = (
        ProgramCache().asking(_PROGRAM),
        figures_with_next(_PROGRAM, [_MEMBER], now),
        page_entries(_PROGRAM, [_MEMBER], first=_PAGE + 1, only=Narrowing()),
    )
    named = members_named(KeyRing("-" * 32), _PROGRAM, [_REFERENCE])
    return for_driver([named]), for_driver([one for asking in rest for one in next(asking) if isinstance(one, Reading)])


(_FIND, _FIND_VALUES), (_SHOW, _SHOW_VALUES) = _statements()
_COLUMNS = [column.name for column in member_table.c]
_ID, _SINCE, _TIER, _TIER_SINCE = map(_COLUMNS.index, ("id", "enrolled_at", "tier", "tier_since"))
_KIND, _POINTS, _DATE = map(StoredEntry._fields.index, ("kind", "points", "transaction_date"))


@asynccontextmanager
async def _pool() -> AsyncIterator[Any]:
    # As the product has it: else the server would plan the statement anew each time.
    async with asyncpg.create_pool(
        os.environ[URL_VARIABLE], min_size=16, max_size=16, server_settings=SESSION_OF_STATEMENTS
    ) as pool:
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
    async with pool.acquire() as tx:
        [member] = await tx.fetch(_FIND, *_given(_FIND_VALUES, _REFERENCE, reference))
        [(_, lots, entries)] = await tx.fetch(_SHOW, *_given(_SHOW_VALUES, _MEMBER, member[_ID]))
    now = datetime.now(UTC)
    figures, open_ones = lots[0], [one[-3:] for one in lots if one[-3] > now]
    next_expiry = min(at for at, _, _ in open_ones)
    return {
        "relationReference": reference,
        "enrolledAt": _local(member[_SINCE]),
        "tier": {"name": member[_TIER], "since": _local(member[_TIER_SINCE])},
        "balance": {
            "available": str(figures[2]),
            "pending": str(figures[8]),
            "nextExpiryAt": _local(next_expiry),
            "nextExpiringPoints": str(sum(points for at, _, points in open_ones if at == next_expiry)),
        },
        "ledger": {
            "edges": [
                {
                    "node": {
                        "kind": one[_KIND].upper(),
                        "points": str(one[_POINTS]),
                        "transactionDate": _local(one[_DATE]),
                    }
                }
                for one in entries[:_PAGE]
            ],
            "pageInfo": {"hasNextPage": len(entries) > _PAGE},
        },
    }


def _given(values: list[Any], place: Any, value: Any) -> list[Any]:
    """The values of a statement with what the request is about in its places."""
    return [value if one == place else [value] if one == [place] else one for one in values]


def _local(instant: datetime) -> datetime:
    return instant.astimezone(_ZONE)
