"""Subscribe with the Python client gql over WebSocket: `python gql_live_walk.py URL TOKEN REFERENCE`.

It redeems over the same connection that it subscribes on, goes away,
misses a redemption, and gets that when it comes back.
"""

import asyncio
import json
import sys
from typing import Any

from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport

LIVE = """subscription Live($reference: String, $after: ID) {
    memberActivity(reference: $reference, after: $after) {eventId entry {points}}}"""
REDEEM = "mutation Redeem($input: PointsRedeemInput!) {pointsRedeem(input: $input) {replayed}}"
WAIT_S = 30


async def _walk(url: str, token: str, reference: str) -> dict[str, Any]:
    def client() -> Any:
        return Client(
            transport=WebsocketsTransport(
                url=url.replace("http", "ws", 1),
                init_payload={"authorization": f"Bearer {token}"},
                subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
            )
        )

    async with client() as session:
        begin = (await session.execute(gql("{lastEventId}")))["lastEventId"]
        live = session.subscribe(_request(LIVE, reference=reference, after=begin))
        coming = asyncio.create_task(_event(live, "-7"))
        await session.execute(_request(REDEEM, input=_redemption(reference, "7")))
        first = await coming
        await session.execute(_request(REDEEM, input=_redemption(reference, "70")))
    async with client() as session:
        missed = await _event(session.subscribe(_request(LIVE, reference=reference, after=first["eventId"])), "-70")
    return {
        "points": [one["entry"]["points"] for one in (first, missed)],
        "later": first["eventId"] != missed["eventId"],
    }


def _redemption(reference: str, points: str) -> dict[str, str]:
    return {"relationReference": reference, "points": points, "idempotencyKey": f"live gql {points}"}


def _request(text: str, **variables: Any) -> Any:
    request = gql(text)
    request.variable_values = variables
    return request


async def _event(live: Any, points: str) -> Any:
    async with asyncio.timeout(WAIT_S):
        async for result in live:
            event = result["memberActivity"]
            if event["entry"] is not None and event["entry"]["points"] == points:
                await live.aclose()
                return event
    return None


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_walk(*sys.argv[1:]))))
