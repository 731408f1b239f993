"""Callers that speak REST to servers, as a program's own servers do."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.servers import NO_CERTIFICATES, Credentials, Server, ServerError

MERCHANT = "Shop"


@dataclass(frozen=True)
class Answer:
    """An answer of the REST API with its envelope."""

    status: int
    headers: Mapping[str, str]
    envelope: Mapping[str, Any]

    @property
    def code(self) -> str:
        """The catalogued code: 000 for success."""
        return str(self.envelope["ErrorCode"])

    @property
    def value(self) -> Any:
        """What the operation returned."""
        return self.envelope["ReturnObject"]

    @property
    def is_replay(self) -> bool:
        """Whether it is the answer that an earlier request with the same key was given."""
        return self.headers.get("idempotency-replayed") == "true"


class Caller:
    """A program's own server: holds a token and calls Tessera."""

    def __init__(self, client: httpx2.AsyncClient, credentials: Credentials) -> None:
        self.client = client
        self._credentials = credentials

    async def authenticate(self) -> None:
        """Get a token. Raises ServerError."""
        answer = await self.client.post(
            "/oauth/Auth/Token",
            json={
                "grant_type": "client_credentials",
                "client_id": self._credentials.client_id,
                "client_secret": self._credentials.client_secret,
            },
        )
        if answer.status_code != 200:
            raise ServerError(f"no token: {answer.status_code} {answer.text}")
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    @property
    def token(self) -> str:
        """The token that it calls with."""
        return str(self.client.headers["Authorization"]).removeprefix("Bearer ")

    async def post(self, operation: str, body: Mapping[str, Any], key: str | None = None) -> Answer:
        """Call an operation of `/v1`. Raises httpx2.TransportError where no whole answer comes."""
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = await self.client.post(f"/v1/{operation}", json=body, headers=headers)
        return Answer(answer.status_code, answer.headers, answer.json())

    async def enroll(self, member: str) -> None:
        """Enrol an active member."""
        await self._expect("CreateProfileWithAttributes", {"relation_reference": member, "status": "1"})

    async def earn(self, member: str, points: int, transaction_id: str) -> None:
        """Let a member earn points, one for each unit of the amount."""
        await self._expect(
            "InsertTransactionData",
            {
                "transaction_id": transaction_id,
                "transaction_type": "DR",
                "amount": points,
                "transaction_date": time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400)),
                "product_code": "PLAIN",
                "member_relation_reference": member,
            },
        )

    async def redeem(self, member: str, points: int, key: str | None = None) -> Answer:
        """Redeem points of a member at the one merchant of these tests."""
        body = {"RelationReference": member, "Points": points, "Amount": points, "MerchantName": MERCHANT}
        return await self.post("RedeemPoints", body | {"LoyaltyTxnType": 30}, key)

    async def reverse(self, member: str, reference: str, key: str | None = None) -> Answer:
        """Reverse a redemption."""
        body = {"RelationReference": member, "MerchantName": MERCHANT, "ExternalReference": reference}
        return await self.post("ReversalPoints", body, key)

    async def available(self, member: str) -> int:
        """The points that a member may redeem."""
        return int((await self._expect("CheckAvailability", {"RelationReference": member})).value)

    async def _expect(self, operation: str, body: Mapping[str, Any]) -> Answer:
        answer = await self.post(operation, body)
        if answer.code != "000":
            raise ServerError(f"{operation} {body}: {answer.status} {answer.envelope}")
        return answer


@asynccontextmanager
async def callers(
    servers: Sequence[Server], credentials: Credentials, timeout_s: float = 60.0
) -> AsyncIterator[list[Caller]]:
    """A caller for each server, each with a token."""
    clients = [
        httpx2.AsyncClient(
            base_url=server.url,
            timeout=timeout_s,
            trust_env=False,
            verify=NO_CERTIFICATES,
            limits=httpx2.Limits(max_connections=100),
        )
        for server in servers
    ]
    try:
        result = [Caller(client, credentials) for client in clients]
        await asyncio.gather(*(caller.authenticate() for caller in result))
        yield result
    finally:
        for client in clients:
            await client.aclose()
