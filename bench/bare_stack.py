"""Floor (a): what FastAPI, pydantic and asyncpg cost with one statement and none of the work.

One guarded UPDATE and one INSERT: no token, no rules of validation, no lots, traces, hash or outbox.
`uvicorn bench.bare_stack:app` serves it; BENCH_DATABASE_URL names the database.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated, Any
from uuid import uuid4

import asyncpg
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel
from starlette.requests import Request

PATH = "/redeem"
URL_VARIABLE = "BENCH_DATABASE_URL"

SCHEMA = """
CREATE TABLE bare_account (
    reference text PRIMARY KEY, available bigint NOT NULL CHECK (available >= 0), version bigint NOT NULL
) WITH (fillfactor = 60);
CREATE TABLE bare_redemption (
    id uuid PRIMARY KEY, key text NOT NULL UNIQUE, reference text NOT NULL, points bigint NOT NULL,
    amount numeric, merchant text, type smallint NOT NULL, created_at timestamptz NOT NULL
);
INSERT INTO bare_account
SELECT m.relation_reference, a.available, a.version
  FROM member m JOIN account a ON a.program_id = m.program_id AND a.member_id = m.id;
ANALYZE bare_account"""

_REDEEM = """
WITH paid AS (
    UPDATE bare_account SET available = available - $2, version = version + 1
     WHERE reference = $1 AND available >= $2 RETURNING reference
)
INSERT INTO bare_redemption (id, key, reference, points, amount, merchant, type, created_at)
SELECT $3, $4, reference, $2, $5, $6, $7, now() FROM paid RETURNING id"""


class Redemption(BaseModel):
    """The body of a redemption."""

    RelationReference: str
    Points: int
    Amount: Decimal
    MerchantName: str
    LoyaltyTxnType: int


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ[URL_VARIABLE], min_size=16, max_size=16) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_lifespan)


@app.post(PATH)
async def redeem(body: Redemption, idempotency_key: Annotated[str, Header()], request: Request) -> dict[str, Any]:
    """One statement; 422 where the balance is too small."""
    async with request.app.state.pool.acquire() as connection:
        found = await connection.fetchval(
            _REDEEM,
            body.RelationReference,
            body.Points,
            uuid4(),
            idempotency_key,
            body.Amount,
            body.MerchantName,
            body.LoyaltyTxnType,
        )
    if found is None:
        raise HTTPException(422, "insufficient points")
    return {"IsSucessful": True, "ErrorCode": "000", "ReturnObject": str(found), "Count": 0}
