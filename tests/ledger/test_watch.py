"""Verification in the background and the digests of days: they go on by themselves, and find what was changed."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import Row, Table, func, select, update

from domain.errors import BadRequest
from domain.models import account, daily_digest, ledger_check, ledger_entry
from resolvers.watch import ACCOUNTS_AT_ONCE, digest_days, get_check_state, list_days, verify_some
from tests.database import Dialect, FreshDatabase
from tests.ledger import test_verify
from tests.ledger.operation import Earn, Redeem
from tests.ledger.program import Program
from tests.ledger.test_tampering import perform
from tests.ledger.test_verify import START, run, unguard, written_program
from tests.ledger.world import open_world

FAST = ACCOUNTS_AT_ONCE * 60


@pytest.fixture
def program(dialect: Dialect, fresh_database: FreshDatabase, tmp_path: Path) -> Iterator[Program]:
    """A program with postings of some days, and nothing that guards its tables."""
    with fresh_database() as url, open_world(url, tmp_path, START) as world:
        written = written_program(world)
        unguard(world, dialect)
        yield written


def rows(program: Program, table: Table) -> list[Row[Any]]:
    """The rows of a table, those of the program."""
    return test_verify.rows(program.world, table, program.id)


def look(program: Program, times: int = 1) -> None:
    """Let the job look so often, each time when its turn is due."""
    for _ in range(times):
        program.world.now += timedelta(seconds=1)
        program.world.run(verify_some(program.world.services, accounts_per_minute=FAST))


def digest(program: Program, **later: float) -> int:
    """Let the other job look, so much later."""
    program.world.now += timedelta(**later)
    return program.world.run(digest_days(program.world.services))


def test_every_account_is_looked_at_in_a_round_and_then_again(program: Program) -> None:
    world = program.world
    assert world.run(get_check_state(program.ctx)) is None
    look(program)
    first = world.run(get_check_state(program.ctx))
    assert first is not None
    assert (first.accounts, first.findings, first.ended_at) == (len(rows(program, account)), 0, None)
    look(program)
    ended = world.run(get_check_state(program.ctx))
    assert ended is not None
    assert (ended.ended_at, ended.ended_accounts, ended.ended_findings) == (world.now, first.accounts, 0)
    look(program)
    again = world.run(get_check_state(program.ctx))
    assert again is not None
    assert (again.accounts, again.ended_at) == (first.accounts, ended.ended_at)
    assert sum(value for (name, _), value in world.services.figures.counts.items() if name == "verified") == (
        2 * first.accounts
    )


def test_the_pace_is_that_of_the_deployment(program: Program) -> None:
    look(program)
    before = rows(program, ledger_check)
    for _ in range(3):
        # Other processes look as well, at the same instant.
        program.world.run(verify_some(program.world.services, accounts_per_minute=FAST))
    assert rows(program, ledger_check) == before


def test_what_does_not_hold_is_logged_counted_and_kept(program: Program) -> None:
    spoilt = rows(program, account)[0]
    change = update(account).where(account.c.id == spoilt.id).values(version=spoilt.version + 1)
    run(program.world, change)
    with structlog.testing.capture_logs() as logged:
        look(program, 2)
    errors = [one for one in logged if one["log_level"] == "error"]
    assert {(one["event"], one["where"]) for one in errors} == {("the ledger does not hold", f"account {spoilt.id}")}
    state = program.world.run(get_check_state(program.ctx))
    assert state is not None
    assert state.ended_findings == len(errors) > 0
    assert state.finding is not None
    assert f"account {spoilt.id}" in state.finding
    counted = program.world.services.figures.counts
    assert sum(value for (name, _), value in counted.items() if name == "findings") == len(errors)
    run(program.world, update(account).where(account.c.id == spoilt.id).values(version=spoilt.version))
    look(program, 2)
    mended = program.world.run(get_check_state(program.ctx))
    assert mended is not None
    assert (mended.ended_findings, mended.finding) == (0, state.finding), "what was found stays to be read"


def test_a_day_is_written_down_once_when_it_is_over(program: Program) -> None:
    assert digest(program, days=1) == 1
    perform(program, Earn("BEN", "of the day", 40, False, program.world.now, key="of the day"))
    perform(program, Redeem("BEN", 3, "Shop", key="of the day too"))
    today = program.world.now.astimezone(UTC).date()
    assert digest(program, hours=1) == 0
    midnight = datetime.combine(today + timedelta(days=1), datetime.min.time(), UTC)
    program.world.now = midnight + timedelta(minutes=59)
    assert digest(program, hours=0) == 0, "what was begun before midnight may not be there yet"
    with structlog.testing.capture_logs() as logged:
        assert digest(program, minutes=2) == 1
    assert digest(program, hours=0) == 0
    [_, day] = program.world.run(list_days(program.ctx, date(2026, 1, 1)))
    assert day.day == today
    assert day.entries == 2
    assert (day.figures["points_earn"], day.figures["points_redemption"]) == (40, -3)
    assert day.figures["available"] == sum(one.available for one in rows(program, account))
    assert day.figures["members"] == 2
    # A hundred points are worth one of the currency, and the figure is in hundredths.
    assert day.figures["liability"] == day.figures["available"] + day.figures["pending"] > 0
    [told] = [one for one in logged if one["event"] == "daily digest"]
    assert (told["day"], told["digest"]) == (today.isoformat(), day.digest.hex())
    assert program.findings() == []


def test_what_was_posted_while_nobody_looked_is_in_the_next_digest(program: Program) -> None:
    digest(program, hours=0)
    covered = max(one.id for one in rows(program, ledger_entry))
    for number in range(3):
        perform(program, Earn("BEN", f"day {number}", 5, False, program.world.now, key=f"day {number}"))
        program.world.now += timedelta(days=1)
    assert digest(program, days=1) == 1
    last = rows(program, daily_digest)[-1]
    assert last.last_entry_id == max(one.id for one in rows(program, ledger_entry))
    assert last.entries == sum(one.id > last.after_entry_id for one in rows(program, ledger_entry)) >= 3
    assert last.after_entry_id <= covered


def test_a_posting_that_was_changed_with_all_its_chain_is_found_by_the_digest(program: Program) -> None:
    digest(program, hours=0)
    perform(program, Earn("BEN", "then", 40, False, program.world.now, key="then"))
    digest(program, days=2)
    [*_, last] = rows(program, ledger_entry)
    run(program.world, update(ledger_entry).where(ledger_entry.c.id == last.id).values(hash=bytes(32)))
    found = {one.where for one in program.findings()}
    assert any(where.startswith("digest of ") for where in found)
    run(program.world, update(ledger_entry).where(ledger_entry.c.id == last.id).values(hash=last.hash))
    assert program.findings() == []
    [*_, digested] = rows(program, daily_digest)
    run(program.world, update(daily_digest).where(daily_digest.c.day == digested.day).values(digest=bytes(32)))
    assert {one.where for one in program.findings()} == {f"digest of {digested.day}"}


def test_two_processes_at_once_write_one_digest_and_one_slice(program: Program) -> None:
    world = program.world

    async def both() -> None:
        await asyncio.gather(*(digest_days(world.services) for _ in range(3)))
        await asyncio.gather(*(verify_some(world.services, accounts_per_minute=FAST) for _ in range(3)))

    world.run(both())
    counted = select(func.count()).select_from(daily_digest).where(daily_digest.c.program_id == program.id)
    assert world.run(world.services.db.read(lambda tx: tx.scalar(counted))) == 1
    assert len(rows(program, ledger_check)) == 1
    with pytest.raises(BadRequest):
        world.run(list_days(program.ctx, date(1999, 1, 1)))
