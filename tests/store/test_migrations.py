"""Migrations go up and down on both databases, and the models say what they make."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, ForeignKeyConstraint, insert, inspect, text
from sqlalchemy.exc import IntegrityError

from domain.crypto import KeyRing
from domain.migrations import downgrade, drift, is_current, upgrade
from domain.models import METADATA, batch_row, member
from domain.models.base import ONLY_ON
from domain.store.asking import need
from domain.store.database import open_database
from domain.store.member import members_named
from domain.store.reading import read

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_down_to_nothing_and_up_again(database_url: str) -> None:
    assert is_current(database_url)
    downgrade(database_url, "base")
    assert not is_current(database_url)
    upgrade(database_url)
    assert is_current(database_url)


def test_models_and_migrations_agree(database_url: str) -> None:
    assert drift(database_url) == []


async def test_only_sqlite_has_the_keys_that_verification_proves(database_url: str, tmp_path: Path) -> None:
    keys = {
        (table.name, tuple(one.column_keys), one.referred_table.name): one.info.get(ONLY_ON)
        for table in METADATA.sorted_tables
        for one in table.constraints
        if isinstance(one, ForeignKeyConstraint)
    }
    assert sum(only == "sqlite" for only in keys.values()) == 10

    def stored(tx: Connection) -> set[tuple[str, tuple[str, ...], str]]:
        seen = inspect(tx)
        tables = [(table, key) for table in seen.get_table_names() for key in seen.get_foreign_keys(table)]
        return {(table, tuple(key["constrained_columns"]), key["referred_table"]) for table, key in tables}

    db = open_database(database_url, data_dir=tmp_path)
    assert await db.write(stored) == {key for key, only in keys.items() if only in {None, db.dialect}}
    await db.close()


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_references_compare_by_code_points_and_their_figures_are_known(database_url: str, tmp_path: Path) -> None:
    db = open_database(database_url, data_dir=tmp_path)
    collation = text(
        "SELECT collname FROM pg_attribute JOIN pg_collation ON pg_collation.oid = attcollation "
        "WHERE attrelid = 'member'::regclass AND attname = 'relation_reference'"
    )
    figures = text("SELECT count(*) FROM pg_stats WHERE tablename = 'member' AND attname = 'relation_reference'")
    somebody = {"status": 1, "accrual_allowed": True, "data_key": b"", "profile": b"", "attributes": {}, "version": 1}
    members = [
        {"program_id": 1, "id": one, "relation_reference": f"M{one}", "enrolled_at": NOW, **somebody} for one in (1, 2)
    ]
    await db.write(lambda tx: tx.execute(insert(member), members))
    ways: list[tuple[Callable[[str], None], str]] = [(lambda url: downgrade(url, "0028"), "default"), (upgrade, "C")]
    for go, expected in ways:
        go(database_url)
        assert await db.write(lambda tx: tx.scalar(collation)) == expected
        assert await db.write(lambda tx: tx.scalar(figures)) == 1
    await db.close()


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_a_process_that_runs_while_a_migration_changes_a_column_goes_on(
    database_url: str, tmp_path: Path
) -> None:
    db = open_database(database_url, data_dir=tmp_path)
    named = members_named(KeyRing("x" * 40), 1, ["M1"])
    asked: list[Callable[[], Awaitable[object]]] = [
        lambda: db.read(lambda tx: read(tx, named)),
        lambda: db.ask(lambda: need(named)),
    ]
    ways: list[Callable[[str], None]] = [lambda url: downgrade(url, "0028"), upgrade]
    for ask in asked:
        for go in ways:
            # Often enough that its plan is kept.
            for _ in range(3):
                await ask()
            await asyncio.to_thread(go, database_url)
            await ask()
    await db.close()


async def test_events_without_a_number_are_in_no_index_of_numbers(database_url: str, tmp_path: Path) -> None:
    where = "pg_indexes WHERE indexname =" if database_url.startswith("postgresql") else "sqlite_master WHERE name ="
    column = "indexdef" if database_url.startswith("postgresql") else "sql"
    db = open_database(database_url, data_dir=tmp_path)
    statement = text(f"SELECT {column} FROM {where} 'uq_outbox_feed_seq'")  # noqa: S608 - our own names
    made = await db.write(lambda tx: str(tx.scalar(statement)))
    assert made.startswith("CREATE UNIQUE INDEX")
    assert "WHERE" in made
    assert "feed_seq IS NOT NULL" in made
    await db.close()


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_what_lost_its_parent_does_not_stop_the_way_back(database_url: str, tmp_path: Path) -> None:
    orphan = insert(batch_row).values(
        program_id=1, batch_id=1, status="ACCEPTED", code="000", message="Success", points=0
    )
    db = open_database(database_url, data_dir=tmp_path)
    await db.write(lambda tx: tx.execute(orphan.values(line=1)))
    downgrade(database_url, "0023")
    with pytest.raises(IntegrityError):
        await db.write(lambda tx: tx.execute(orphan.values(line=2)))
    await db.close()
    # And a key that came back is told.
    assert sum(change[0] == "remove_fk" for change in drift(database_url) if isinstance(change, tuple)) == 10
