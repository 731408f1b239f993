"""A GraphQL edge over a real database, driven in this process: two programs, several callers."""

import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
from sqlalchemy import Connection, select
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.access import Permission, Principal, PrincipalKind
from domain.crypto import KeyRing
from domain.models import METADATA
from domain.store.database import open_database
from domain.store.program import ProgramCache
from resolvers.batch import finish_batch, open_batch
from resolvers.batch_line import BatchLine
from resolvers.batch_post import Share, post_rows
from resolvers.context import Context, Services
from resolvers.member import ImportMember
from resolvers.program import IssuedCredential, apply_configuration, create_admin_token, create_program
from resolvers.token import IssueToken, issue_token
from schema.app import build_graphql_app
from schema.global_id import BATCH, encode
from tessera.webhook import HttpCarrier
from tests.servers import NO_CERTIFICATES

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
  - {key: height, name: Height, type: decimal}
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
    """One response of the edge."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def data(self) -> Any:
        """What was asked for; the response must be without errors."""
        assert "errors" not in self.body, self.body
        return self.body["data"]

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The errors, of which there must be some."""
        found: list[dict[str, Any]] = self.body["errors"]
        assert found
        return found

    @property
    def refusal(self) -> tuple[str, str, str, str | None]:
        """code, reason, v1Code and field of the only error."""
        (error,) = self.errors
        told = error["extensions"]
        assert told["requestId"] == self.headers["x-request-id"]
        return told["code"], told["reason"], told["v1Code"], told["field"]


@dataclass
class Caller:
    """Somebody with a token, or a page of an origin with a publishable key."""

    client: httpx2.AsyncClient
    token: str = ""
    program: int | None = None
    key: str = ""
    origin: str = ""

    async def ask(self, query: str, **variables: Any) -> Answer:
        """Run a document with variables."""
        return await self.send({"query": query, "variables": variables})

    async def send(self, body: Any, **headers: str) -> Answer:
        """Send a body as it is."""
        raw = {"content": body} if isinstance(body, bytes) else {"json": body}
        given = {"content-type": "application/json", **self.headers, **headers}
        answer = await self.client.post("/graphql", headers=given, **raw)
        return Answer(answer.status_code, answer.headers, answer.json())

    @property
    def headers(self) -> dict[str, str]:
        """What every request of this caller carries."""
        given = {
            "authorization": f"Bearer {self.token}" if self.token else "",
            "x-program-id": "" if self.program is None else str(self.program),
            "x-publishable-key": self.key,
            "origin": self.origin,
        }
        return {name: value for name, value in given.items() if value}


@dataclass
class World:
    """The edge, its database, a clock that stands still until a test moves it, and two programs."""

    services: Services
    app: ASGIApp
    client: httpx2.AsyncClient
    clock: list[datetime]
    ours: IssuedCredential
    theirs: IssuedCredential
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def caller(self, credential: IssuedCredential | None = None, member: str | None = None) -> Caller:
        """A program's server, or an app in the hand of one of its members."""
        issued = credential or self.ours
        command = IssueToken(
            grant_type="client_credentials",
            client_id=issued.client_id,
            client_secret=issued.client_secret,
            scope=None if member is None else f'["LOGIN", "{member}"]',
        )
        return Caller(self.client, (await issue_token(self.services, command)).token)

    async def administrator(self, role: str = "program-admin", program: int | None = None) -> Caller:
        """Somebody who administers the deployment."""
        token = await create_admin_token(self.context(), role)
        return Caller(self.client, token, program)

    def context(self, program_id: int | None = None) -> Context:
        """A caller of use cases who may do everything."""
        principal = Principal(
            kind=PrincipalKind.SYSTEM, actor="test", program_id=program_id, permissions=frozenset(Permission)
        )
        return Context(services=self.services, principal=principal, source="test", request_id="test")

    def unique(self, prefix: str) -> str:
        """A text that was not used before."""
        return f"{prefix}-{next(self._numbers)}"

    async def member(self, caller: Caller, points: int = 0, **fields: Any) -> str:
        """The reference of a new active member, with so many points."""
        given = {"relationReference": self.unique("M"), "status": "ACTIVE"} | fields
        answer = await caller.ask("mutation($i: MemberEnrollInput!) {memberEnroll(input: $i) {replayed}}", i=given)
        assert answer.data["memberEnroll"] == {"replayed": False}
        if points:
            await self.earn(caller, given["relationReference"], points)
        return str(given["relationReference"])

    def purchase(self, reference: str, amount: object = 20, **fields: Any) -> dict[str, Any]:
        """A transaction that earns half of its amount."""
        return {
            "transactionId": self.unique("T"),
            "transactionType": "DR",
            "amount": str(amount),
            "transactionDate": "2026-02-03T11:16:03.703+05:30",
            "memberRelationReference": reference,
            "productCode": "SHOP",
        } | fields

    async def earn(self, caller: Caller, reference: str, points: int, **fields: Any) -> dict[str, Any]:
        """Let a member earn; what the transaction gave."""
        document = """mutation($i: TransactionSubmitInput!) {
            transactionSubmit(input: $i) {points replayed externalReferences entries {id} member {id}}}"""
        answer = await caller.ask(document, i=self.purchase(reference, points * 2, **fields))
        payload: dict[str, Any] = answer.data["transactionSubmit"]
        return payload

    async def redeem(self, caller: Caller, reference: str | None, points: object, **fields: Any) -> Answer:
        """Try to redeem."""
        document = """mutation($i: PointsRedeemInput!) {pointsRedeem(input: $i) {
            replayed redemption {id externalReference points merchant} member {balance {available}}}}"""
        return await caller.ask(document, i={"relationReference": reference, "points": points} | fields)

    async def batch(self) -> str:
        """The global id of a small file of members, loaded and finished."""
        ctx = self.context(1)
        batch = await open_batch(ctx, file_type="CPD", file_name="CPD_1.csv", sha256="0" * 64)
        values = [{"relation_reference": one, "status": 1} for one in ("B-1", "B-2", "B-1")]
        lines = [
            BatchLine(line=line, command=ImportMember(values=one, action="NEW")) for line, one in enumerate(values, 2)
        ]
        await post_rows(ctx, batch.id, Share(lines=lines))
        await finish_batch(ctx, batch.id)
        return encode(BATCH, 1, batch.id)

    async def contents(self) -> Mapping[str, Any]:
        """Every row of every table: equal before and after where nothing was written."""

        def body(tx: Connection) -> dict[str, Any]:
            return {
                table.name: [tuple(row) for row in tx.execute(select(table).order_by(*table.primary_key))]
                for table in METADATA.sorted_tables
            }

        return await self.services.db.read(body)

    @asynccontextmanager
    async def nothing_written(self) -> AsyncIterator[None]:
        """Asserts that no row of any table changes meanwhile."""
        before = await self.contents()
        yield
        assert await self.contents() == before

    async def refused(self, caller: Caller, document: str, given: Any, *expected: str | None) -> None:
        """The mutation is refused with code, reason, v1Code and field, and writes nothing."""
        async with self.nothing_written():
            answer = await caller.ask(document, i=given)
            assert answer.refusal == expected, answer.body
            assert answer.body.get("data") is None or list(answer.body["data"].values()) == [None]

    def client_of(self, app: ASGIApp) -> httpx2.AsyncClient:
        """A client of another edge over the same services."""
        return _client(app, self.services)


def _nowhere(host: str) -> list[str]:
    """No name has an address: nothing that a test does leaves this machine."""
    raise OSError(f"{host} is nowhere")


@dataclass(frozen=True)
class Founding:
    """Two programs that stand in a database."""

    ours: IssuedCredential
    theirs: IssuedCredential


async def found(database_url: str, folder: Path) -> Founding:
    """Make the programs of a world in an empty, migrated database."""
    services = _services(database_url, folder, [NOW])
    try:
        return Founding(await _program(services, "Ours", 1), await _program(services, "Theirs", 2))
    finally:
        await services.db.close()


@asynccontextmanager
async def open_world(database_url: str, folder: Path, founding: Founding | None = None) -> AsyncIterator[World]:
    """A world on an empty, migrated database, or on one in which its programs stand."""
    founding = founding or await found(database_url, folder)
    clock = [NOW]
    services = _services(database_url, folder, clock)
    app = build_graphql_app(introspection=True)
    try:
        async with _client(app, services) as client:
            yield World(services, app, client, clock, founding.ours, founding.theirs)
    finally:
        await services.db.close()


def _services(database_url: str, folder: Path, clock: list[datetime]) -> Services:
    return Services(
        db=open_database(database_url, data_dir=folder, pool_size=4),
        clock=lambda: clock[0],
        keys=KeyRing("a secret of the tests that protects nothing"),
        programs=ProgramCache(),
        environment="sandbox",
        carrier=HttpCarrier(networks=[], https_only=False, lookup=_nowhere, trusted=NO_CERTIFICATES),
    )


async def _program(services: Services, name: str, partition: int) -> IssuedCredential:
    principal = Principal(kind=PrincipalKind.SYSTEM, actor="test", permissions=frozenset(Permission))
    context = Context(services=services, principal=principal, source="test", request_id="test")
    issued = await create_program(context, name)
    within = replace(context, principal=replace(principal, program_id=partition))
    await apply_configuration(within, CONFIGURATION.encode())
    return issued


def _client(app: ASGIApp, services: Services) -> httpx2.AsyncClient:
    async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {"runtime": SimpleNamespace(services=services)}}, receive, send)

    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(with_state, raise_app_exceptions=False), base_url="http://test"
    )
