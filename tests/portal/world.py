"""The portal over a database with two programs, and browsers in which administrators are signed in."""

import html
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pyotp
from sqlalchemy import Connection, select
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.access import Permission, Principal, PrincipalKind, system_principal
from domain.administrator import Grant
from domain.crypto import KeyRing
from domain.models import METADATA
from domain.store.database import open_database
from domain.store.program import ProgramCache
from resolvers.administrator_link import TakeLink, invite_administrator, take_link
from resolvers.context import Context, Services
from resolvers.program import IssuedCredential, apply_configuration, create_program, list_environment_programs
from resolvers.sign_in import Origin, begin_enrolment, enrol
from resolvers.visitor import enter_place, find_visitor
from tessera.portal.app import build_portal_app
from tessera.portal.guard import ROOT, SESSION_COOKIE, form_token
from tessera.settings import Settings
from tessera.webhook import HttpCarrier
from tests.servers import NO_CERTIFICATES

HOST = "http://tessera.test"
PASSWORD = "a long enough password"

RULES = b"""
version: 1
program: {time_zone: Europe/Berlin, redemption_minimum: 1, currency: EUR}
expiry: {policy: months, months: 12, period_end: month}
product_codes: [{code: MUSIC, sub_codes: [CD]}]
transaction_attributes: [{key: quantity, name: Quantity, type: int}]
member_attributes: [{key: shirt_size, name: Shirt size, type: string}]
rule_groups:
  - name: Base
    rules: [{name: One for one, award: {type: per_unit, of: transaction.amount, points: 1}}]
"""


@dataclass
class Shown:
    """An answer of the portal."""

    status: int
    headers: Mapping[str, str]
    source: str

    @property
    def text(self) -> str:
        """What it says, without marks."""
        bare = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", self.source, flags=re.DOTALL)
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", bare)).split())

    @property
    def link_token(self) -> str:
        """The token of the link that it shows, empty where there is none."""
        found = re.search(r"/portal/link/([\w-]+)", self.source)
        return "" if found is None else found[1]

    @property
    def target(self) -> str:
        """Where it sends the browser."""
        return self.headers.get("location", "")

    def values(self, name: str) -> list[str]:
        """What the inputs of a name hold."""
        found = re.findall(rf'<input[^>]*name="{re.escape(name)}"[^>]*>', self.source)
        return [html.unescape(each[1]) for one in found if (each := re.search(r'value="([^"]*)"', one))]


@dataclass
class Browser:
    """A browser with its cookies. Forms carry the token of the session, and say that they are of our pages."""

    client: httpx2.AsyncClient
    base: str = f"{ROOT}/p/1/sandbox"
    secret: str = ""

    async def get(self, path: str = "", **headers: str) -> Shown:
        """A page; a path without a leading slash is below the program."""
        return _shown(await self.client.get(self._address(path), headers=headers))

    async def post(
        self, path: str, data: Mapping[str, Any] | None = None, *, files: Any = None, **headers: str
    ) -> Shown:
        """Send a form."""
        sent = {"form_token": self.form_token, **(data or {})}
        told = {"origin": HOST, **headers}
        return _shown(await self.client.post(self._address(path), data=sent, files=files, headers=told))

    @property
    def form_token(self) -> str:
        """The token that the forms of the session carry."""
        session = self.client.cookies.get(SESSION_COOKIE)
        return "" if session is None else form_token(session)

    def _address(self, path: str) -> str:
        return path if path.startswith("/") else f"{self.base}/{path}".rstrip("/")


@dataclass
class World:
    """The portal, its services and a clock that stands still until a test moves it."""

    services: Services
    app: ASGIApp
    settings: Settings
    now: datetime = field(default=datetime(2026, 3, 1, 12, tzinfo=UTC))
    credentials: list[IssuedCredential] = field(default_factory=list)
    contexts: list[Context] = field(default_factory=list)
    _browsers: list[Browser] = field(default_factory=list)

    @property
    def root(self) -> Context:
        """Whoever has the machine."""
        principal = Principal(kind=PrincipalKind.SYSTEM, actor="test", permissions=frozenset(Permission))
        return Context(services=self.services, principal=principal, source="test", request_id="-")

    def later(self, **passed: float) -> None:
        """Let time pass."""
        self.now += timedelta(**passed)

    def stranger(self) -> Browser:
        """A browser in which nobody is signed in."""
        client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url=HOST)
        self._browsers.append(Browser(client))
        return self._browsers[-1]

    async def administrator(
        self, role: str = "program-admin", *, email: str = "ada@shop.example", program: int | None = 1
    ) -> Browser:
        """A browser in which an administrator with this role is signed in; `program` None: in all of them."""
        link = await invite_administrator(self.root, email, [Grant(public_program_id=program, role=role)])
        return await self.through_link(str(link.token), email)

    async def through_link(self, token: str, email: str) -> Browser:
        """A browser in which whoever has a link is signed in by it."""
        origin = Origin(address="192.0.2.7", browser="Test/1.0")
        command = TakeLink(token=token, password=PASSWORD, name=email.partition("@")[0].capitalize())
        entered = await take_link(self.services, command, origin)
        enrolment = await begin_enrolment(self.services, entered.token)
        code = pyotp.TOTP(enrolment.secret).at(self.now)
        enrolled = await enrol(self.services, entered.token, code, origin)
        browser = self.stranger()
        browser.secret = enrolment.secret
        browser.client.cookies.set(SESSION_COOKIE, enrolled.entered.token, domain="tessera.test", path=ROOT)
        return browser

    async def context(self, browser: Browser, proposal: str | None = None) -> Context:
        """What the use cases of whoever is signed in there are called with, in program 1."""
        token = next(iter(browser.client.cookies.values()))
        visitor = await find_visitor(self.services, token, Origin(address="192.0.2.1", browser="Test"))
        assert visitor is not None
        principal = await enter_place(self.services, visitor, visitor.find_place(1, "sandbox"))
        return Context(services=self.services, principal=principal, source="portal", request_id="-", proposal=proposal)

    def code(self, browser: Browser) -> str:
        """What the code generator of an administrator shows now."""
        return pyotp.TOTP(browser.secret).at(self.now)

    async def contents(self, *but: str) -> dict[str, Sequence[Any]]:
        """Every row of every table but these: equal before and after where nothing was written."""

        def body(tx: Connection) -> dict[str, Sequence[Any]]:
            tables = [table for table in METADATA.sorted_tables if table.name not in but]
            return {
                table.name: [tuple(row) for row in tx.execute(select(table).order_by(*table.primary_key))]
                for table in tables
            }

        return await self.services.db.read(body)

    async def close(self) -> None:
        """End the browsers and the database."""
        for browser in self._browsers:
            await browser.client.aclose()
        await self.services.db.close()


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[World]:
    """The portal over an empty database, with the programs 1 and 2."""
    made: list[World] = []
    services = Services(
        db=open_database(database_url, data_dir=folder),
        clock=lambda: made[0].now,
        keys=KeyRing("a secret of thirty-two characters"),
        programs=ProgramCache(),
        environment="sandbox",
        carrier=HttpCarrier(networks=[], https_only=False, lookup=_nowhere, trusted=NO_CERTIFICATES),
    )
    settings = Settings(_env_file=None, data_dir=folder, database_url=database_url)  # type: ignore[call-arg]
    world = World(
        services, _with_runtime(build_portal_app(), SimpleNamespace(services=services, settings=settings)), settings
    )
    made.append(world)
    for name in ("One", "Two"):
        world.credentials.append(await create_program(world.root, name))
    for program in sorted(await list_environment_programs(services), key=lambda one: one.public_id):
        principal = system_principal(program.id, program.public_id, program.environment, "test")
        context = Context(services=services, principal=principal, source="test", request_id="-")
        await apply_configuration(context, RULES)
        world.contexts.append(context)
    try:
        yield world
    finally:
        await world.close()


def _nowhere(host: str) -> list[str]:
    """No name has an address: nothing that a test does leaves this machine."""
    raise OSError(f"{host} is nowhere")


def _with_runtime(app: ASGIApp, runtime: Any) -> ASGIApp:
    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {"runtime": runtime}}, receive, send)

    return served


def _shown(answer: httpx2.Response) -> Shown:
    return Shown(status=answer.status_code, headers=answer.headers, source=answer.text)
