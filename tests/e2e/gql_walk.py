"""Query, mutate and be refused with the Python client gql: `python gql_walk.py URL TOKEN REFERENCE`."""

import asyncio
import json
import sys
from typing import Any

from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport

QUERY = gql(
    "query Balance($reference: String!) {member(reference: $reference) {relationReference balance {available}}}"
)
REDEEM = gql(
    "mutation Redeem($input: PointsRedeemInput!) {pointsRedeem(input: $input) {replayed redemption {id points}}}"
)


async def _walk(url: str, token: str, reference: str) -> dict[str, Any]:
    transport = HTTPXAsyncTransport(url=url, headers={"Authorization": f"Bearer {token}"})
    given = {"relationReference": reference, "points": "2", "idempotencyKey": "of gql"}
    async with Client(transport=transport) as session:
        before = await _run(session, QUERY, reference=reference)
        first = await _run(session, REDEEM, input=given)
        again = await _run(session, REDEEM, input=given)
        refused = None
        try:
            await _run(session, REDEEM, input=given | {"points": "1000000", "idempotencyKey": "too much of gql"})
        except TransportQueryError as error:
            refused = (error.errors or [])[0]["extensions"]["reason"]
        after = await _run(session, QUERY, reference=reference)
    return {
        "reference": before["relationReference"],
        "redeemed": first["redemption"]["points"],
        "replayed": [first["replayed"], again["replayed"]],
        "same": first["redemption"]["id"] == again["redemption"]["id"],
        "difference": float(before["balance"]["available"]) - float(after["balance"]["available"]),
        "refused": refused,
    }


async def _run(session: Any, document: Any, **variables: Any) -> Any:
    document.variable_values = variables
    (result,) = (await session.execute(document)).values()
    return result


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_walk(*sys.argv[1:]))))
