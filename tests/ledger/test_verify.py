"""`ledger verify` finds any single change of what is stored, and says where."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Row, Table, select, text, update

from domain.models import account, audit_entry, ledger_entry, lot, lot_trace
from resolvers.verification import Finding
from tests.database import Dialect, FreshDatabase
from tests.ledger.operation import Earn, Expire, Operation, Redeem, Reverse
from tests.ledger.program import Program
from tests.ledger.terms import Terms
from tests.ledger.world import World, open_world
from tests.servers import Deployment

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
TERMS = Terms(policy="forfeit", zone="UTC", months=1, period_end="day", decimals=0, bonus_days=3, start=START)
GUARDED = ("ledger_entry", "lot_trace", "audit_entry")
KEYS = {"program_id", "id", "entry_id", "lot_id", "account_id"}

Values = dict[str, Any]


def written_program(world: World) -> Program:
    """Two members with a bit of everything."""
    program = Program.create(world, TERMS, ["ANNA", "BEN"])

    def perform(operation: Operation, references: dict[str, str] | None = None) -> str:
        outcome = world.run(program.perform(operation, references or {}))
        assert outcome.code == "000"
        return outcome.answer

    for member in ("ANNA", "BEN"):
        perform(Earn(member, f"purchase of {member}", 40, True, START - timedelta(days=20)))
    given_back = [perform(Redeem("ANNA", points, "Shop", "9.90")) for points in (5, 10)][1]
    world.now += timedelta(days=12)
    perform(Expire())
    perform(Reverse("ANNA", "Shop", given_back))
    perform(Earn("ANNA", "another purchase", 7, False, world.now))
    assert {entry.kind for entry in program.books().entries} == {"earn", "redemption", "expiry", "reversal"}
    assert program.findings() == []
    return program


def unguard(world: World, dialect: Dialect) -> None:
    """Take the append-only guards away, as somebody with the database's own password could."""
    for table in GUARDED:
        statements = (
            [f"DROP TRIGGER {table}_no_update", f"DROP TRIGGER {table}_no_delete"]
            if dialect == "sqlite"
            else [f"DROP TRIGGER {table}_append_only ON {table}"]
        )
        for statement in statements:
            run(world, statement)


def run(world: World, statement: Any) -> None:
    statement = text(statement) if isinstance(statement, str) else statement
    world.run(world.services.db.write(lambda tx: tx.execute(statement)))


def rows(world: World, table: Table, program_id: int) -> list[Row[Any]]:
    def read(tx: Connection) -> list[Row[Any]]:
        return list(tx.execute(select(table).where(table.c.program_id == program_id)))

    return world.run(world.services.db.read(read))


def flipped(value: Any) -> Any:
    """Another value of the same type, as near as can be."""
    match value:
        case None:
            raise ValueError("an absent value has no neighbour")
        case bool():
            return not value
        case int() | Decimal():
            return value + 1
        case str():
            return value[:-1] + ("x" if value[-1:] != "x" else "y")
        case dict():
            return {**value, "changed": True}
        case bytes():
            return value[:-1] + bytes([value[-1] ^ 1])
        case uuid.UUID():
            return uuid.UUID(int=value.int ^ 1)
        case datetime():
            return value + timedelta(microseconds=1)
    raise ValueError(f"no neighbour of {value!r}")


def key_of(table: Table, row: Row[Any], values: Values | None = None) -> list[Any]:
    now = {**row._mapping, **(values or {})}
    return [column == now[column.name] for column in table.primary_key.columns]


@contextmanager
def changed(world: World, table: Table, row: Row[Any], values: Values) -> Iterator[None]:
    """One row with other values for as long as the context lasts."""
    change = update(table).where(*key_of(table, row))
    run(world, change.values(values))
    try:
        yield
    finally:
        # Its key may be among what was changed.
        back = {name: getattr(row, name) for name in values}
        run(world, update(table).where(*key_of(table, row, values)).values(back))


def changes(table: Table, row: Row[Any]) -> list[Values]:
    """What can be changed of a row: one value, or the few that the database itself keeps in step."""
    if table is account:
        figures = [("available", "spend"), ("available", "bonus"), ("redeemed", "spend"), ("expired", "bonus")]
        alone = [("version",), ("next_expiry",), ("head_hash",)]
        return [{name: flipped(getattr(row, name)) for name in names} for names in [*figures, *alone]]
    if table is lot:
        less = [{"remaining": row.remaining - 1}] if row.remaining > 1 else []
        return [*less, *({name: flipped(getattr(row, name))} for name in ("points", "earned_at", "expires_at"))]
    names = [column.name for column in table.c if column.name not in {*KEYS, "seq"}]
    values = [{name: flipped(getattr(row, name))} for name in names if getattr(row, name) is not None]
    return [*values, {"seq": row.seq + 1000}] if table is ledger_entry else values


PLACES = {
    ledger_entry: "entry {0.id}",
    lot_trace: "entry {0.entry_id}",
    lot: "lot {0.id}",
    account: "account {0.id}",
    audit_entry: "audit entry {0.seq}",
}


@pytest.mark.parametrize("table", PLACES, ids=str)
def test_a_change_of_any_value_is_found_where_it_is(
    table: Table, dialect: Dialect, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    with fresh_database() as url, open_world(url, tmp_path, START) as world:
        program = written_program(world)
        unguard(world, dialect)
        for row in rows(world, table, program.id):
            place = PLACES[table].format(row)
            for values in changes(table, row):
                with changed(world, table, row, values):
                    found = program.findings()
                assert any(place in finding.where for finding in found), f"{values} of {place}: {found}"
        assert program.findings() == []


def test_a_trace_that_is_gone_is_found_where_it_was(
    dialect: Dialect, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    with fresh_database() as url, open_world(url, tmp_path, START) as world:
        program = written_program(world)
        unguard(world, dialect)
        for row in rows(world, lot_trace, program.id):
            run(world, lot_trace.delete().where(*key_of(lot_trace, row)))
            found = program.findings()
            assert any(f"entry {row.entry_id}" in finding.where for finding in found)
            run(world, lot_trace.insert().values(tuple(row)))
        assert program.findings() == []


def test_the_command_names_the_place_and_fails(dialect: Dialect, fresh_database: FreshDatabase, tmp_path: Path) -> None:
    with fresh_database() as url:
        deployment = Deployment(url, tmp_path)
        with open_world(url, tmp_path, START) as world:
            program = written_program(world)
            unguard(world, dialect)
            entry = rows(world, ledger_entry, program.id)[2]
            change = update(ledger_entry).where(*key_of(ledger_entry, entry))
            assert "holds" in deployment.command("ledger", "verify", expect=0)
            run(world, change.values(points=entry.points + 1))
        printed = deployment.command("ledger", "verify", expect=1)
        assert f"entry {entry.id}" in printed
        assert "holds" not in printed


def test_the_ledger_can_be_verified_beside_traffic(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    with fresh_database() as url, open_world(url, tmp_path, START) as world:
        program = Program.create(world, TERMS, ["ANNA"])

        async def shop(name: str) -> None:
            for number in range(40):
                await program.perform(Earn("ANNA", f"{name} {number}", 10, True, START), {})
                await program.perform(Redeem("ANNA", 3, "Shop"), {})

        async def verify_meanwhile() -> list[Finding]:
            traffic = asyncio.gather(shop("one"), shop("another"))
            found: list[Finding] = []
            while not traffic.done():
                found += await program.verify()
            await traffic
            return found

        assert world.run(verify_meanwhile()) == []
        assert len(program.books().entries) == 2 * 40 * 3
