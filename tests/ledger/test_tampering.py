"""`ledger verify` finds what no longer fits between accounts and the rest, and rows that cannot be read."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, Table, insert, literal_column, update

from domain.clock import NEVER
from domain.models import (
    account,
    audit_entry,
    batch_row,
    idempotency,
    ledger_entry,
    lot,
    lot_trace,
    member,
    member_transaction,
    program_config,
    tally,
)
from tests.database import Dialect, FreshDatabase
from tests.ledger.operation import Earn, Redeem, Reverse
from tests.ledger.program import Program
from tests.ledger.test_verify import START, changed, key_of, rows, run, unguard, written_program
from tests.ledger.world import World, open_world

ON_SQLITE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
ON_POSTGRES = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)


@pytest.fixture
def program(dialect: Dialect, fresh_database: FreshDatabase, tmp_path: Path) -> Iterator[Program]:
    """A written program in which each use case bound a key, and nothing guards its tables any more."""
    with fresh_database() as url, open_world(url, tmp_path, START) as world:
        written = written_program(world)
        perform(written, Earn("BEN", "with a key", 6, True, world.now, key="earned"))
        perform(written, Earn("BEN", "for nothing", 0, False, world.now, key="earned nothing"))
        reference = perform(written, Redeem("BEN", 2, "Shop", key="redeemed"))
        perform(written, Reverse("BEN", "Shop", reference, key="reversed"))
        perform(written, Redeem("BEN", 9999, "Shop", key="refused"), code="121")
        unguard(world, dialect)
        assert written.findings() == []
        yield written


def perform(program: Program, operation: Earn | Redeem | Reverse, code: str = "000") -> str:
    outcome = program.world.run(program.perform(operation, {}))
    assert outcome.code == code
    return outcome.answer


def places(program: Program) -> set[str]:
    """Where something is found, all of it in this program."""
    found = program.findings()
    assert {finding.program_id for finding in found} <= {program.id}
    return {finding.where for finding in found}


def orphans(program: Program) -> set[str]:
    """What belongs to nothing."""
    return {finding.where for finding in program.findings() if finding.what == "belongs to nothing"}


def stored(program: Program, table: Table) -> list[Row[Any]]:
    return rows(program.world, table, program.id)


def bound(program: Program, key: str) -> Row[Any]:
    [row] = [row for row in stored(program, idempotency) if row.key == key]
    return row


def member_called(program: Program, reference: str) -> int:
    return next(number for number, called in program.members.items() if called == reference)


def earnings(program: Program) -> list[Row[Any]]:
    return [row for row in stored(program, ledger_entry) if row.kind == "earn"]


@contextmanager
def raw(world: World, table: Table, row: Row[Any], column: str, value: str) -> Iterator[None]:
    """A text as it stands in a column, whatever the column's type, for as long as the context lasts."""
    text_there = update(table).where(*key_of(table, row)).values({column: literal_column(f"'{value}'")})
    run(world, text_there)
    try:
        yield
    finally:
        run(world, update(table).where(*key_of(table, row)).values({column: getattr(row, column)}))


def test_accounts_that_changed_owners_are_found_by_their_earnings(program: Program) -> None:
    one, other = stored(program, account)
    for number, values in [
        (one.id, {"currency": "OTHER", "member_id": other.member_id}),
        (other.id, {"member_id": one.member_id}),
        (one.id, {"currency": one.currency}),
    ]:
        run(program.world, update(account).where(account.c.id == number).values(values))
    assert {f"account {row.account_id}, entry {row.id}" for row in earnings(program)} <= places(program)


def test_a_transaction_of_another_member_is_found_with_its_postings(program: Program) -> None:
    ben = member_called(program, "BEN")
    for row in stored(program, member_transaction):
        if row.member_id == ben and row.points:
            with changed(program.world, member_transaction, row, {"member_id": member_called(program, "ANNA")}):
                found = places(program)
            entries = [entry for entry in earnings(program) if entry.transaction_ref == row.id]
            assert entries
            assert {f"account {one.account_id}, entry {one.id}" for one in entries} <= found


def test_the_points_of_each_transaction_are_those_of_its_postings(program: Program) -> None:
    submitted = stored(program, member_transaction)
    assert 0 in {row.points for row in submitted}
    for row in submitted:
        with changed(program.world, member_transaction, row, {"points": row.points + 1}):
            assert places(program) == {f"member {row.member_id}, transaction {row.id}"}


def test_a_transaction_that_is_gone_is_found_where_its_postings_are(program: Program) -> None:
    for row in stored(program, member_transaction):
        run(program.world, member_transaction.delete().where(*key_of(member_transaction, row)))
        entries = [entry for entry in earnings(program) if entry.transaction_ref == row.id]
        assert places(program) == {f"account {one.account_id}, entry {one.id}" for one in entries}
        run(program.world, insert(member_transaction).values(row._asdict()))
    assert places(program) == set()


@pytest.mark.parametrize(
    ("key", "use_case"), [("redeemed", "redeem"), ("reversed", "reverse"), ("earned", "transaction")]
)
def test_a_key_that_names_a_wrong_posting_is_found(program: Program, key: str, use_case: str) -> None:
    row = bound(program, key)
    outcome = json.loads(row.outcome)
    of_other_kind = [one.id for one in stored(program, ledger_entry) if one.kind == "expiry"]
    for number in (10**6, 2**64, -1, *of_other_kind):
        named = {**outcome, "entries": [number]} if key == "earned" else {**outcome, "entry_id": number}
        with changed(program.world, idempotency, row, {"outcome": json.dumps(named)}):
            assert places(program) == {f"key {key!r} of {use_case}"}


def test_a_key_that_names_the_postings_of_another_transaction_is_found(program: Program) -> None:
    row = bound(program, "earned")
    outcome = json.loads(row.outcome)
    other = next(one.id for one in earnings(program) if one.transaction_ref != outcome["id"])
    with changed(program.world, idempotency, row, {"outcome": json.dumps({**outcome, "entries": [other]})}):
        assert places(program) == {"key 'earned' of transaction"}


def test_a_key_of_a_success_that_would_lapse_is_found(program: Program) -> None:
    for row in stored(program, idempotency):
        changes = {"expires_at": NEVER - timedelta(days=1)}
        with changed(program.world, idempotency, row, changes):
            expected = set() if row.key == "refused" else {f"key {row.key!r} of {row.use_case}"}
            assert places(program) == expected


@pytest.mark.parametrize("broken", ["{broken", "[]", "{}", '{"entry_id": "x"}', "7"])
def test_a_key_whose_outcome_cannot_be_read_is_found(program: Program, broken: str) -> None:
    with changed(program.world, idempotency, bound(program, "redeemed"), {"outcome": broken}):
        assert places(program) == {"key 'redeemed' of redeem"}


def test_a_configuration_that_its_digest_does_not_fit_is_found(program: Program) -> None:
    versions = stored(program, program_config)
    assert len(versions) == 2
    for row in versions:
        where = {f"configuration {row.version}"}
        with changed(program.world, program_config, row, {"document": {**row.document, "more": 1}}):
            assert places(program) == where
        with changed(program.world, program_config, row, {"digest": row.digest[::-1]}):
            assert places(program) == where
        with raw(program.world, program_config, row, "document", "{broken"):
            assert places(program) == where
    run(program.world, program_config.delete().where(*key_of(program_config, versions[-1])))
    assert places(program) == {f"configuration {versions[-1].version}"}


def test_a_member_without_an_account_is_found(program: Program) -> None:
    ben = next(row for row in stored(program, member) if row.relation_reference == "BEN")
    run(program.world, insert(member).values({**ben._asdict(), "id": 10**6, "relation_reference": "NOBODY"}))
    assert places(program) == {f"member {10**6}"}


@ON_POSTGRES
def test_a_second_account_of_a_member_is_found(program: Program) -> None:
    one, other = stored(program, account)
    run(program.world, "ALTER TABLE account DROP CONSTRAINT uq_account_program_id_member_id_currency")
    figures = dict.fromkeys(["version", "available", "spend", "bonus", "redeemed", "expired"], 0)
    fresh = {**figures, "id": 10**6, "next_expiry": NEVER, "head_hash": bytes(32)}
    run(program.world, insert(account).values({**other._asdict(), **fresh}))
    found = program.findings()
    assert any(
        finding.where == f"member {other.member_id}" and finding.what == f"has several accounts in {other.currency}"
        for finding in found
    )
    assert not any(finding.where == f"member {one.member_id}" for finding in found)


@ON_POSTGRES
def test_an_account_and_a_transaction_of_nobody_are_found(program: Program) -> None:
    one = stored(program, account)[0]
    with changed(program.world, account, one, {"member_id": 10**6}):
        assert {f"account {one.id}", f"member {one.member_id}"} <= places(program)
    nothing = next(row for row in stored(program, member_transaction) if not row.points)
    with changed(program.world, member_transaction, nothing, {"member_id": 10**6}):
        assert places(program) == {f"transaction {nothing.id}"}


@ON_POSTGRES
@pytest.mark.parametrize(
    ("table", "column", "place"),
    [
        (ledger_entry, "account_id", "entry {0.id}"),
        (lot, "account_id", "lot {0.id}"),
        (lot, "entry_id", "lot {0.id}"),
        (lot_trace, "entry_id", f"trace of entry {10**6}"),
        (lot_trace, "lot_id", f"trace of lot {10**6}"),
    ],
)
def test_what_has_lost_its_parent_is_found(program: Program, table: Table, column: str, place: str) -> None:
    for row in stored(program, table):
        with changed(program.world, table, row, {column: 10**6}):
            assert place.format(row) in orphans(program)


@ON_POSTGRES
def test_figures_of_nobody_are_found(program: Program) -> None:
    figures = {"program_id": program.id, "member_id": 10**6, "caps": "{}", "aggregates": "{}"}
    for year in (2025, 2026):
        run(program.world, insert(tally).values({**figures, "year": year}))
    assert places(program) == orphans(program) == {f"figures of member {10**6}"}


@ON_POSTGRES
def test_rows_of_no_file_are_found(program: Program) -> None:
    outcome = {"program_id": program.id, "batch_id": 10**6, "status": "ACCEPTED", "code": "000"}
    for line in (1, 2):
        run(program.world, insert(batch_row).values({**outcome, "line": line, "message": "Success", "points": 0}))
    assert places(program) == orphans(program) == {f"rows of file {10**6}"}


@ON_POSTGRES
def test_members_of_no_program_are_found(program: Program) -> None:
    somebody = stored(program, member)[0]._asdict() | {"email_hash": None, "mobile_hash": None}
    for number in (1, 2):
        given = {"program_id": 10**6, "id": number, "relation_reference": f"M{number}"}
        run(program.world, insert(member).values(somebody | given))
    assert [str(one) for one in program.findings()] == [f"program {10**6}, members: belong to no program"]


@pytest.mark.parametrize("column", ["before", "after"])
def test_an_audit_entry_that_cannot_be_read_is_found(program: Program, column: str) -> None:
    row = stored(program, audit_entry)[1]
    with raw(program.world, audit_entry, row, column, "{broken"):
        assert places(program) == {f"audit entry {row.seq}"}


@ON_SQLITE
@pytest.mark.parametrize(
    ("table", "column"),
    [
        (ledger_entry, "amount"),
        (ledger_entry, "points"),
        (ledger_entry, "transaction_date"),
        (ledger_entry, "external_reference"),
        (lot_trace, "expires_at"),
        (account, "next_expiry"),
        (account, "version"),
    ],
    ids=str,
)
def test_an_account_that_cannot_be_read_is_found_among_others(program: Program, table: Table, column: str) -> None:
    row = stored(program, table)[-1]
    account_of = {one.id: one.account_id for one in stored(program, ledger_entry)}
    number = row.id if table is account else account_of[row.entry_id if table is lot_trace else row.id]
    with raw(program.world, table, row, column, "soon"):
        found = places(program)
    assert f"account {number}" in found
    assert {where.split(",")[0] for where in found} == {f"account {number}"}


def test_a_transaction_that_cannot_be_read_is_found_with_its_account(program: Program) -> None:
    row = next(row for row in stored(program, member_transaction) if row.points)
    [number] = [one.id for one in stored(program, account) if one.member_id == row.member_id]
    with raw(program.world, member_transaction, row, "attributes", "{broken"):
        assert places(program) == {f"account {number}, its transactions"}
