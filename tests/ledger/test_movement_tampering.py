"""`ledger verify` finds a single change of what holds, transfers, pending points and debts have stored."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Row, Table

from domain.ledger.posting import ADJUSTMENT, BONUS, Draft, expiry_of, new_lot
from domain.models import account, hold, ledger_entry, lot, lot_trace
from domain.store.journal import Journal
from resolvers.bonus import PostBonus, post_bonus
from resolvers.hold import CancelHold, CreateHold, SettleHold, cancel_hold, create_hold, settle_hold
from resolvers.transfer import TransferPoints, transfer_points
from tests.database import Dialect, FreshDatabase
from tests.ledger.program import Program
from tests.ledger.test_verify import START, Values, changed, flipped, rows, unguard, written_program
from tests.ledger.world import open_world


async def _move(program: Program) -> None:
    """Holds in every state, a transfer, points that wait, and a debt."""
    ctx, world = program.ctx, program.world
    await post_bonus(ctx, PostBonus(relation_reference="ANNA", points=Decimal(20), awarded_at=world.now))
    order = CreateHold(
        relation_reference="ANNA", points=Decimal(2), merchant_name="Shop", amount=Decimal("1.50"), validity_days=2
    )
    holds = [await create_hold(ctx, order) for _ in range(4)]
    await settle_hold(ctx, SettleHold(hold_id=holds[0].id, points=Decimal(1)))
    await cancel_hold(ctx, CancelHold(hold_id=holds[1].id))
    world.now += timedelta(days=2)
    transfer = TransferPoints(from_reference="ANNA", to_reference="BEN", points=Decimal(1), narration="for you")
    await transfer_points(ctx, transfer)
    await create_hold(ctx, order)
    await world.services.db.write(lambda tx: _wait_and_owe(tx, program))


def _wait_and_owe(tx: Connection, program: Program) -> None:
    numbers = {reference: number for number, reference in program.members.items()}
    now = program.world.now
    journal = Journal(tx, program.id, 1, now, "test", "test")
    accounts = journal.lock_accounts(numbers.values())
    journal.flush()
    waiting = [new_lot(9, now, now + timedelta(days=9), available_at=now + timedelta(days=1))]
    accounts[numbers["ANNA"]].credit(
        Draft("bonus", "bonus", 9, BONUS, now, waiting, expires_at=expiry_of(waiting)), now
    )
    accounts[numbers["BEN"]].post(Draft("adjustment", "redeem", -7, ADJUSTMENT, now, [], arrears=-7))
    journal.flush()


@pytest.fixture
def program(dialect: Dialect, fresh_database: FreshDatabase, tmp_path: Path) -> Iterator[Program]:
    """A program with a bit of every movement, and nothing guards its tables any more."""
    with fresh_database() as url, open_world(url, tmp_path, START) as world:
        written = written_program(world)
        world.run(_move(written))
        unguard(world, dialect)
        assert written.findings() == []
        yield written
        assert written.findings() == []


def stored(program: Program, table: Table) -> list[Row[Any]]:
    return rows(program.world, table, program.id)


@contextmanager
def found_at(program: Program, table: Table, row: Row[Any], values: Values) -> Iterator[str]:
    """The places at which a change is found."""
    with changed(program.world, table, row, values):
        yield " ".join(finding.where for finding in program.findings())


def test_a_flipped_value_of_a_hold_is_found(program: Program) -> None:
    found = stored(program, hold)
    assert {row.status for row in found} == {"PENDING", "SETTLED", "CANCELLED", "LAPSED"}
    for row in found:
        names = ["points", "amount", "merchant", "created_at", "expires_at", "processed_at", "settled_points"]
        names += ["external_reference"] if row.status == "SETTLED" else []
        for name in names:
            if getattr(row, name) is not None:
                with found_at(program, hold, row, {name: flipped(getattr(row, name))}) as places:
                    assert f"hold {row.id}" in places, (name, row)


def test_a_hold_of_another_status_is_found(program: Program) -> None:
    alike = [{"CANCELLED", "LAPSED"}]
    for row in stored(program, hold):
        for status in ("PENDING", "SETTLED", "CANCELLED", "LAPSED"):
            if status != row.status and {status, row.status} not in alike:
                with found_at(program, hold, row, {"status": status}) as places:
                    assert f"hold {row.id}" in places, (status, row)


def test_a_hold_that_is_gone_is_found(program: Program) -> None:
    for row in stored(program, hold):
        other = next(one for one in stored(program, ledger_entry) if one.kind == "earn")
        with found_at(program, hold, row, {"entry_id": other.id}) as places:
            assert f"account {row.account_id}" in places


def test_a_flipped_figure_of_an_account_is_found(program: Program) -> None:
    for row in stored(program, account):
        for names in (("pending", "spend"), ("held",), ("arrears",), ("next_release",)):
            with found_at(program, account, row, {name: flipped(getattr(row, name)) for name in names}) as places:
                assert f"account {row.id}" in places, (names, row)
        moved = {"available": row.available - 1, "pending": row.pending + 1}
        with found_at(program, account, row, moved) as places:
            assert f"account {row.id}" in places


@pytest.mark.parametrize(
    ("table", "name", "place"),
    [
        (ledger_entry, "arrears", "entry {0.id}"),
        (ledger_entry, "related_id", "entry {0.id}"),
        (ledger_entry, "narration", "entry {0.id}"),
        (ledger_entry, "expires_at", "entry {0.id}"),
        (lot, "available_at", "lot {0.id}"),
        (lot_trace, "available_at", "entry {0.entry_id}"),
        (lot_trace, "earned_at", "entry {0.entry_id}"),
    ],
    ids=str,
)
def test_a_flipped_value_is_found_where_it_is(program: Program, table: Table, name: str, place: str) -> None:
    told = [row for row in stored(program, table) if getattr(row, name) is not None]
    assert told
    for row in told:
        with found_at(program, table, row, {name: flipped(getattr(row, name))}) as places:
            assert place.format(row) in places, row
