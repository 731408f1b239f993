"""A program on a real database behind the REST edge, driven in this process."""

import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx2
import orjson
from sqlalchemy import Connection, select, update
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.access import Permission, Principal, PrincipalKind, system_principal
from domain.crypto import KeyRing
from domain.models import METADATA, member
from domain.store.database import open_database
from domain.store.program import ProgramCache
from resolvers.context import Context, Services
from resolvers.hold import HOLD, CreateHold, SettleHold, create_hold, settle_hold
from resolvers.program import IssuedCredential, apply_configuration, create_program, list_environment_programs
from resolvers.sub_relation import LinkSubRelation, link_sub_relation
from rest_compat.app import build_rest_app
from rest_compat.envelope import Family
from rest_compat.routes import OPERATIONS
from tests.rest.documented import documented

NOW = datetime(2026, 2, 3, 6, 16, 3, 703_000, tzinfo=UTC)

CONFIGURATION = """
version: 1
program: {time_zone: Asia/Kolkata, points_decimals: 2, default_merchant: House, redemption_minimum: 1}
expiry: {policy: months, months: 12, period_end: quarter}
product_codes: [{code: SHOP, sub_codes: [BOOKS]}]
transaction_attributes:
  - {key: channel, name: Channel, type: selection, values: [web, store]}
member_attributes:
  - {key: card_id, name: Card, type: string, unique: true}
  - {key: shirt_size, name: Shirt size, type: int}
rule_groups:
  - name: Base
    rules:
      - {name: Half a point for a unit, award: {type: per_unit, of: transaction.amount, points: 0.5, per: 1}}
  - name: Web bonus
    category: bonus
    rules:
      - name: Five on the web
        when: {attribute: transaction.channel, op: eq, value: web}
        award: {type: flat, points: 5}
"""


@dataclass(frozen=True)
class Answer:
    """One answer; `envelope` is unwrapped in the lbms family."""

    status: int
    headers: Mapping[str, str]
    body: Any
    envelope: Mapping[str, Any]

    @property
    def outcome(self) -> tuple[int, str]:
        """HTTP status and code."""
        return self.status, self.envelope["ErrorCode"]

    @property
    def value(self) -> Any:
        """What the operation returned."""
        return self.envelope["ReturnObject"]


@dataclass
class World:
    """The edge, its database and a clock that stands still until a test moves it."""

    services: Services
    client: httpx2.AsyncClient
    credential: IssuedCredential
    clock: list[datetime]
    token: str = ""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def call(
        self,
        operation: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        family: Family = Family.V1,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call an operation with a JSON body, or with a raw one given as bytes."""
        row = next(row for row in OPERATIONS if row.name == operation)
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        answer = await self.send(
            row.method,
            row.path(family),
            content=None if row.method == "GET" else content,
            query=query,
            token=self.token if token is None else token,
            headers={"Content-Type": "application/json", **(headers or {})},
        )
        if not (answer.status == 200 and answer.envelope.get("IsSucessful") is False):
            documented(row.path(family), row.method, answer.status).validate(answer.body)
        return answer

    async def send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        query: Mapping[str, Any] | None = None,
        token: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request as it is."""
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await self.client.request(
            method, path, content=content, params=query, headers={**bearer, **(headers or {})}
        )
        body = answer.json()
        return Answer(answer.status_code, answer.headers, body, body.get("results", body))

    async def program_token(self) -> str:
        """A token for the whole program."""
        return await self._token()

    def graphql(self, app: ASGIApp) -> httpx2.AsyncClient:
        """A client of the GraphQL edge over the same services."""

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": {"runtime": SimpleNamespace(services=self.services)}}, receive, send)

        return httpx2.AsyncClient(transport=httpx2.ASGITransport(with_state), base_url="http://tessera")

    async def another_program(self, name: str) -> "World":
        """A second program on the same database, under the same configuration; the names it gives are none of ours."""
        credential = await new_program(self.services, name)
        other = World(self.services, self.client, credential, self.clock, _numbers=self._numbers)
        await other.configure(CONFIGURATION)
        other.token = await other._token()
        return other

    async def bound_token(self, reference: str) -> str:
        """A token that is bound to one member."""
        return await self._token(scope=orjson.dumps(["LOGIN", reference]).decode())

    async def member(self, points: int = 0, status: int = 1, **attributes: Any) -> str:
        """A new member, with so many points if any."""
        reference = f"M-{next(self._numbers)}"
        values = {"relation_reference": reference, "status": 1, **attributes}
        assert (await self.call("CreateProfileWithAttributes", values)).outcome == (200, "000")
        if points:
            assert (await self.earn(reference, points * 2)).outcome == (200, "000")
        if status != 1:
            await self.change(reference, status=status)
        return reference

    async def change(self, reference: str, **attributes: Any) -> None:
        """Change attributes of a member."""
        profile = await self.call("GetMemberProfile", query={"pstrRelationReference": reference})
        body = {"id": profile.value["Id"], "data": attributes}
        assert (await self.call("UpdateProfileWithAttributes", body)).outcome == (200, "000")

    def purchase(self, reference: str, amount: Any = 20, **more: Any) -> dict[str, Any]:
        """A transaction that earns half of its amount."""
        return {
            "transaction_id": f"T-{next(self._numbers)}",
            "transaction_type": "DR",
            "amount": amount,
            "transaction_date": "2026-02-03T11:16:03.703",
            "product_code": "SHOP",
            "member_relation_reference": reference,
            **more,
        }

    async def earn(self, reference: str, amount: int) -> Answer:
        """Submit a transaction."""
        return await self.call("InsertTransactionData", self.purchase(reference, amount))

    async def pending(self, reference: str, points: Any = 5, **more: Any) -> int:
        """A pending request to pay with rewards; its id."""
        body = {"RelationReference": reference, "Points": points, "MerchantName": "Shop", **more}
        answer = await self.call("CreatePayWithRewards", body)
        assert answer.outcome == (200, "000"), answer.body
        return int(answer.value["RequestId"])

    async def hold(self, reference: str, points: int = 5) -> int:
        """Points that are held for another purpose than to pay with rewards; the hold's id."""
        command = CreateHold(relation_reference=reference, points=Decimal(points), purpose=HOLD, merchant_name="Shop")
        return (await create_hold(await self._context(), command)).id

    async def settle(self, request_id: int, **more: Any) -> UUID:
        """Settle a request as its merchant does; the reference of the redemption that it became."""
        settled = await settle_hold(await self._context(), SettleHold(hold_id=request_id, **more))
        return settled.redemption.external_reference

    async def stop_accrual(self, reference: str) -> None:
        """Let a member earn nothing any more, which no operation of REST does."""
        context = await self._context()
        mine = (member.c.program_id == context.principal.program) & (member.c.relation_reference == reference)
        await context.write(lambda tx: tx.execute(update(member).where(mine).values(accrual_allowed=False)))

    async def sibling(self) -> "World":
        """Another program on the same database, in which nothing has happened yet: ids begin at 1 again."""
        return await _new_world(self.services, self.client, self.clock)

    async def contents(self, *, without: str = "access_token") -> Mapping[str, Any]:
        """Every row of every table but one: equal before and after where nothing was written.

        How many requests were counted is no content.
        """

        def body(tx: Connection) -> dict[str, Any]:
            tables = [table for table in METADATA.sorted_tables if table.name not in {without, "rate_lease"}]
            return {
                table.name: [tuple(row) for row in tx.execute(select(table).order_by(*table.primary_key))]
                for table in tables
            }

        return await self.services.db.read(body)

    async def link(self, reference: str, **values: Any) -> None:
        """Link a card or an identifier to a member."""
        await link_sub_relation(await self._context(), LinkSubRelation(relation_reference=reference, **values))

    async def _context(self) -> Context:
        """A caller who may do everything in the program."""
        programs = await list_environment_programs(self.services)
        program = next(one for one in programs if one.public_id == self.credential.program_id)
        principal = system_principal(program.id, program.public_id, program.environment, "test")
        return Context(services=self.services, principal=principal, source="cli", request_id="test")

    async def configure(self, document: str) -> None:
        """Put a configuration in force."""
        await apply_configuration(await self._context(), document.encode())

    async def _token(self, **more: str) -> str:
        answer = await self.call("Token", {**self.credentials(), **more}, token="")
        assert answer.status == 200, answer.body
        return str(answer.body["access_token"])

    def credentials(self) -> dict[str, str]:
        """What asks for a token."""
        return {
            "grant_type": "client_credentials",
            "client_id": self.credential.client_id,
            "client_secret": self.credential.client_secret,
        }


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[World]:
    """A world on an empty, migrated database."""
    clock = [NOW]
    services = Services(
        db=open_database(database_url, data_dir=folder, pool_size=4),
        clock=lambda: clock[0],
        keys=KeyRing("a secret of the tests that protects nothing"),
        programs=ProgramCache(),
        environment="sandbox",
    )

    try:
        async with client_of(services) as client:
            yield await _new_world(services, client, clock)
    finally:
        await services.db.close()


async def _new_world(services: Services, client: httpx2.AsyncClient, clock: list[datetime]) -> World:
    world = World(services, client, await new_program(services, "Test"), clock)
    await world.configure(CONFIGURATION)
    world.token = await world.program_token()
    return world


def client_of(services: Services) -> httpx2.AsyncClient:
    """A client of the edge over these services."""

    def services_getter(_scope: Scope) -> Services:
        return services

    transport = httpx2.ASGITransport(app=build_rest_app(services_getter), raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://tessera")


async def new_program(services: Services, name: str) -> IssuedCredential:
    """A program with its credentials."""
    principal = Principal(kind=PrincipalKind.SYSTEM, actor="test", permissions=frozenset(Permission))
    context = Context(services=services, principal=principal, source="cli", request_id="test")
    return await create_program(context, name)
