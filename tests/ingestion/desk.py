"""A program that files are loaded into, and ways to look at what came of them."""

import csv
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from domain.access import Permission, Principal, PrincipalKind, system_principal
from domain.crypto import KeyRing
from domain.models import METADATA, batch
from domain.store.database import open_database
from domain.store.digest import ledger_digest
from domain.store.program import ProgramCache, find_program_row
from ingestion.folder import program_folder
from ingestion.load import BatchSummary, load_file
from resolvers.context import Context, Services
from resolvers.member import list_members
from resolvers.program import apply_configuration, create_program
from resolvers.statement import list_balances
from tests.servers import SECRET

NOW = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)

RULES = b"""
version: 1
program: {time_zone: America/New_York, points_decimals: 2}
expiry: {policy: months, months: 24, period_end: quarter}
product_codes: [{code: MUSIC, sub_codes: [CD]}, {code: BOOK}]
transaction_attributes: [{key: quantity, name: Quantity, type: int}]
member_attributes: [{key: genre, name: Genre, type: selection, values: [jazz, rock]}]
rule_groups:
  - name: Purchases
    rules:
      - name: A point per dollar
        when: {attribute: transaction.product_code, op: eq, value: MUSIC}
        award: {type: per_unit, of: transaction.amount, points: 1, per: 1}
  - name: Bonus
    category: bonus
    rules:
      - name: Five or more
        when: {attribute: transaction.quantity, op: gte, value: 5}
        award: {type: flat, points: 10}
"""

TXN_HEADER = "transaction_id,transaction_type,amount,transaction_date,member_relation_reference,product_code"
MEMBERS = "relation_reference,full_name,status\n" + "".join(f"M{n},Member {n},1\n" for n in range(1, 21))


@dataclass(frozen=True, slots=True)
class Desk:
    """Takes files for one program. `clock` is what the services read the time from."""

    ctx: Context
    data_dir: Path
    uploads: Path

    async def load(self, name: str, content: str | bytes, **options: Any) -> BatchSummary:
        """Load a file of this name and content."""
        return await load_file(self.ctx, self.put(name, content), data_dir=self.data_dir, **options)

    def put(self, name: str, content: str | bytes) -> Path:
        """Store a file that waits to be loaded."""
        path = self.uploads / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    @property
    def handback(self) -> Path:
        """Where results are put."""
        return program_folder(self.data_dir, self.ctx.principal).handback

    def results(self, stem: str) -> list[dict[str, str]]:
        """The rows of a result file."""
        with (self.handback / f"{stem}.result.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def rejects(self, stem: str) -> bytes:
        """The rejected rows, as they came."""
        return (self.handback / f"{stem}.rejects.csv").read_bytes()

    def summary(self, stem: str) -> Any:
        """The summary, with every number as a decimal."""
        return json.loads((self.handback / f"{stem}.summary.json").read_bytes(), parse_float=Decimal)

    async def digest(self) -> str:
        """The digest of the program's ledger."""
        return await self.ctx.read(lambda tx: ledger_digest(tx, self.ctx.principal.program))

    async def counts(self) -> dict[str, int]:
        """How many rows each table has, refused files aside: what a refusal must not change."""

        def body(tx: Connection) -> dict[str, int]:
            found = {table: select(func.count()).select_from(table) for table in METADATA.sorted_tables}
            found[batch] = found[batch].where(batch.c.status != "REFUSED")
            return {table.name: tx.scalar(query) or 0 for table, query in found.items()}

        return await self.ctx.read(body)


@asynccontextmanager
async def open_desk(url: str, folder: Path, clock: Callable[[], datetime] = lambda: NOW) -> AsyncIterator[Desk]:
    """A desk of a new program in a migrated database."""
    db = open_database(url, data_dir=folder, pool_size=4)
    services = Services(db=db, clock=clock, keys=KeyRing(SECRET), programs=ProgramCache(), environment="sandbox")
    try:
        ctx = await new_program(services, RULES)
        uploads = folder / "uploads"
        uploads.mkdir()
        yield Desk(ctx, folder, uploads)
    finally:
        await db.close()


async def new_program(services: Services, rules: bytes, name: str = "Test") -> Context:
    """A caller that may do everything in a new program with these rules."""
    deployment = Principal(
        kind=PrincipalKind.SYSTEM, actor="test", environment="sandbox", permissions=frozenset(Permission)
    )
    issued = await create_program(
        Context(services=services, principal=deployment, source="test", request_id="test"), name
    )
    row = await services.db.read(lambda tx: find_program_row(tx, issued.program_id, "sandbox"))
    assert row is not None
    principal = system_principal(row.id, row.public_id, row.environment, "test")
    ctx = Context(services=services, principal=principal, source="test", request_id="test")
    await apply_configuration(ctx, rules)
    return ctx


def transactions(*rows: str) -> str:
    """A transaction file of these rows."""
    return "\n".join([TXN_HEADER, *rows, ""])


async def points_of(desk: Desk) -> dict[str, tuple[Decimal | int, Decimal | int]]:
    """Spend and bonus points of every member that has any."""
    members = {member.id: member.relation_reference for member in await list_members(desk.ctx, first=100)}
    balances = await list_balances(desk.ctx, list(members))
    return {members[one.member_id]: (one.spend, one.bonus) for one in balances.values() if one.spend or one.bonus}
