"""The schema's state as starts and probes see it, against what Alembic says."""

from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import text

import domain.migrations
from domain.migrations import downgrade, head_revision
from domain.store.database import open_database
from domain.store.schema_version import packaged_revisions
from tessera.migration import SchemaState, schema_state
from tests.database import postgres_database
from tests.postgres import PostgresServer
from tests.shell.command import Deployment


async def _state(url: str, folder: Path) -> SchemaState:
    database = open_database(url, data_dir=folder, read_only=True)
    try:
        return await database.read(schema_state)
    finally:
        await database.close()


def test_the_files_are_named_by_their_revisions() -> None:
    scripts = ScriptDirectory(str(Path(domain.migrations.__file__).parent))
    assert sorted(script.revision for script in scripts.walk_revisions()) == list(packaged_revisions())
    assert packaged_revisions()[-1] == head_revision()


async def test_a_migrated_database_is_current(database_url: str, tmp_path: Path) -> None:
    assert await _state(database_url, tmp_path) == "current"


async def test_a_database_of_the_version_before_is_behind(database_url: str, tmp_path: Path) -> None:
    downgrade(database_url, packaged_revisions()[-2])
    assert await _state(database_url, tmp_path) == "behind"


async def test_a_database_without_a_schema_is_told_apart(database_url: str, tmp_path: Path) -> None:
    downgrade(database_url, "base")
    assert await _state(database_url, tmp_path) == "none"


async def test_a_database_of_a_later_version_is_ahead(database_url: str, tmp_path: Path) -> None:
    database = open_database(database_url, data_dir=tmp_path)
    try:
        await database.write(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = '9999'")))
        assert await database.read(schema_state) == "ahead"
    finally:
        await database.close()


def test_upgrades_at_once_take_turns(postgres: PostgresServer, empty_deployment: Deployment) -> None:
    with postgres_database(postgres) as url:
        processes = [empty_deployment.start("db", "upgrade", TESSERA_DATABASE_URL=url) for _ in range(3)]
        ends = [(process.communicate(timeout=120), process.returncode) for process in processes]
        assert [status for _, status in ends] == [0, 0, 0], ends
        assert empty_deployment.run("db", "check", TESSERA_DATABASE_URL=url).status == 0
