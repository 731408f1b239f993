"""Two programs in one database, each with a caller that may do everything, and a clock set by hand."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection, select

from domain.access import Permission, Principal, PrincipalKind, system_principal
from domain.crypto import KeyRing
from domain.models import METADATA
from domain.store.database import open_database
from domain.store.program import ProgramCache
from resolvers.context import Context, Services
from resolvers.program import IssuedCredential, apply_configuration, create_program, list_environment_programs
from tests.database import CopiesOf, FreshDatabase
from tests.resolvers.desk import enroll, verified

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

RULES = b"""
version: 1
program: {time_zone: Europe/Berlin, redemption_minimum: 1}
expiry: {policy: months, months: 12, period_end: month}
product_codes: [{code: MUSIC, sub_codes: [CD]}]
transaction_attributes: [{key: quantity, name: Quantity, type: int}]
member_attributes: [{key: passport, name: Passport, type: string, unique: true, pi: true}]
rule_groups:
  - name: Base
    rules: [{name: One for one, award: {type: per_unit, of: transaction.amount, points: 1}}]
"""


@dataclass
class Shop:
    """Services with two programs; `now` is what their clock says."""

    services: Services
    now: datetime = NOW
    credentials: list[IssuedCredential] = field(default_factory=list)
    contexts: list[Context] = field(default_factory=list)

    def later(self, **passed: float) -> None:
        """Let time pass."""
        self.now += timedelta(**passed)


@dataclass(frozen=True)
class Founding:
    """A database in which both programs are, made once for all tests, and who they are."""

    copies: FreshDatabase
    credentials: list[IssuedCredential] = field(default_factory=list)
    principals: list[Principal] = field(default_factory=list)


@pytest_asyncio.fixture(scope="session")
async def founding(
    fresh_database: FreshDatabase, copies_of: CopiesOf, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Founding]:
    """Two programs under the same rules."""
    with fresh_database() as url:
        made, founding = Shop(_services(url, tmp_path_factory.mktemp("founding"))), Founding(copies_of(url))
        root = Principal(kind=PrincipalKind.SYSTEM, actor="test", permissions=frozenset(Permission))
        for name in ("One", "Two"):
            context = Context(services=made.services, principal=root, source="test", request_id="-")
            founding.credentials.append(await create_program(context, name))
        for program in await list_environment_programs(made.services):
            caller = system_principal(program.id, program.public_id, program.environment, "test")
            context = Context(services=made.services, principal=caller, source="test", request_id="-")
            await apply_configuration(context, RULES)
            founding.principals.append(caller)
        await made.services.db.close()
        yield founding


@pytest.fixture
def database_url(founding: Founding) -> Iterator[str]:
    """The URL of a database with two programs that no other test sees."""
    with founding.copies() as url:
        yield url


@pytest.fixture
async def shop(founding: Founding, database_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """A database with two programs under the same rules."""
    made = Shop(_services(database_url, tmp_path), credentials=list(founding.credentials))
    made.services = replace(made.services, clock=lambda: made.now)
    for caller in founding.principals:
        made.contexts.append(Context(services=made.services, principal=caller, source="test", request_id="-"))
    yield made
    await made.services.db.close()


def _services(url: str, folder: Path) -> Services:
    return Services(
        db=open_database(url, data_dir=folder),
        clock=lambda: NOW,
        keys=KeyRing("a secret of thirty-two characters"),
        programs=ProgramCache(),
        environment="sandbox",
    )


async def contents(context: Context) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table: equal before and after where nothing was written."""

    def body(tx: Connection) -> dict[str, list[tuple[Any, ...]]]:
        return {
            table.name: [tuple(row) for row in tx.execute(select(table).order_by(*table.primary_key))]
            for table in METADATA.sorted_tables
        }

    return await context.read(body)


@pytest.fixture
async def ann(shop: Shop) -> AsyncIterator[Context]:
    """A caller of the program in which ANN has 100 points; the books are checked afterwards."""
    await enroll(shop.contexts[0], "ANN", 100)
    yield shop.contexts[0]
    await verified(shop)
