"""Commands, run as a person runs them."""

import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.postgres import find_binaries
from tests.shell.command import Deployment

SOURCE = Path(__file__).parents[2]


def test_a_wrong_setting_stops_every_command_with_one_sentence(empty_deployment: Deployment) -> None:
    for command in (("serve",), ("demo",), ("program", "list"), ("db", "upgrade"), ("doctor",)):
        outcome = empty_deployment.run(*command, TESSERA_PORT="eighty")
        assert outcome.status == 1
        assert outcome.err == "TESSERA_PORT must be a port number from 1 to 65535, not 'eighty'.\n"
    assert list(empty_deployment.folder.iterdir()) == []


def test_production_takes_no_demo_data(empty_deployment: Deployment) -> None:
    outcome = empty_deployment.run("demo", TESSERA_ENV="production", TESSERA_SECRET_KEY="k" * 40)
    assert (outcome.status, outcome.err) == (1, "TESSERA_ENV is production, which takes no demo data.\n")
    assert list(empty_deployment.folder.iterdir()) == []


def test_commands_want_a_database_and_make_none(empty_deployment: Deployment) -> None:
    for command in (("program", "list"), ("program", "create", "Shop"), ("db", "check"), ("ledger", "verify")):
        outcome = empty_deployment.run(*command)
        assert outcome.status == 1
        assert "There is no database at" in outcome.err
    assert list(empty_deployment.folder.iterdir()) == []


def test_an_upgrade_makes_the_database_once(empty_deployment: Deployment) -> None:
    assert empty_deployment.run("db", "upgrade").out == "The database schema has been brought up to date.\n"
    assert empty_deployment.run("db", "upgrade").out == "The database schema is current. There is nothing to do.\n"
    assert empty_deployment.run("db", "check").out == "The database schema is current.\n"
    data = Path(empty_deployment.settings["TESSERA_DATA_DIR"])
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_a_database_without_a_schema_is_refused(empty_deployment: Deployment) -> None:
    data = Path(empty_deployment.settings["TESSERA_DATA_DIR"])
    data.mkdir()
    with closing(sqlite3.connect(data / "tessera.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    outcome = empty_deployment.run("db", "check")
    assert (outcome.status, outcome.out) == (1, "There is no database schema yet: run `tessera db upgrade`.\n")
    assert empty_deployment.run("program", "create", "Shop").status == 1


def test_a_database_that_cannot_be_used_is_refused_in_one_sentence(deployment: Deployment) -> None:
    url = deployment.settings["TESSERA_DATABASE_URL"]
    if deployment.is_sqlite:
        file = deployment.folder / "text.db"
        file.write_text("This is no database at all. " * 100)
        wrong, reason = f"sqlite:///{file}", "file is not a database"
    else:
        wrong, reason = url.replace("/tessera_", "/absent_"), 'database "absent_'
    for command in (("program", "list"), ("program", "create", "Shop"), ("db", "upgrade"), ("serve",), ("demo",)):
        outcome = deployment.run(*command, TESSERA_DATABASE_URL=wrong)
        assert (outcome.status, outcome.out) == (1, "")
        assert "cannot be used: " in outcome.err
        assert reason in outcome.err
        assert outcome.err.count("\n") == 1
    assert deployment.run("doctor", TESSERA_DATABASE_URL=wrong).status == 1


def test_a_program_is_created_listed_and_given_new_credentials(deployment: Deployment) -> None:
    created = deployment.run("program", "create", "Shop", "--json").json
    assert {"program_id", "client_id", "client_secret", "publishable_key"} <= created.keys()
    listed = deployment.run("program", "list", "--json").json
    assert [(row["program_id"], row["name"], row["environment"]) for row in listed] == [
        (created["program_id"], "Shop", "sandbox")
    ]
    assert created["client_secret"] not in json.dumps(listed)
    reset = deployment.run("credentials", "reset", str(created["program_id"]), "--json").json
    assert reset["program_id"] == created["program_id"]
    assert reset["client_id"] != created["client_id"]
    assert reset["client_secret"] != created["client_secret"]


def test_results_go_to_standard_output_and_messages_to_standard_error(deployment: Deployment) -> None:
    outcome = deployment.run("program", "create", "Shop")
    fields = dict(line.split(maxsplit=1) for line in outcome.out.splitlines())
    assert fields.keys() >= {"program_id", "client_id", "client_secret", "publishable_key"}
    assert outcome.err == "The secret is shown this once; keep it where secrets are kept.\n"


def test_an_unknown_program_is_refused(deployment: Deployment) -> None:
    outcome = deployment.run("credentials", "reset", "4711", "--json")
    assert outcome.status == 1
    assert outcome.out == ""
    assert outcome.err == "1303 Program does not exist (4711 in sandbox)\n"


def test_a_token_for_administration(deployment: Deployment) -> None:
    given = deployment.run("admin-token", "create", "--role", "program-admin", "--json").json
    assert given["role"] == "program-admin"
    assert len(given["token"]) > 32
    assert deployment.run("admin-token", "create", "--role", "emperor").status == 2


def test_a_backup_holds_what_was_stored_and_overwrites_nothing(deployment: Deployment) -> None:
    created = deployment.run("program", "create", "Shop", "--json").json
    file = deployment.folder / "backup"
    if deployment.is_sqlite:
        outcome = deployment.run("db", "backup", str(file))
        listed = deployment.run("program", "list", "--json", TESSERA_DATABASE_URL=f"sqlite:///{file}").json
        assert [row["program_id"] for row in listed] == [created["program_id"]]
    else:
        outcome = deployment.run("db", "backup", str(file), PATH=_with_server_binaries())
        assert file.read_bytes()[:5] == b"PGDMP"
    assert (outcome.status, outcome.out) == (0, f"{file}\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    again = deployment.run("db", "backup", str(file))
    assert (again.status, again.out) == (1, "")
    assert "overwrites nothing" in again.err
    assert file.read_bytes() == before


def test_a_backup_of_postgresql_without_its_program_is_refused(deployment: Deployment) -> None:
    if deployment.is_sqlite:
        return
    outcome = deployment.run("db", "backup", "backup", PATH="/nowhere")
    assert (outcome.status, outcome.out) == (1, "")
    assert "needs the program pg_dump" in outcome.err
    assert not (deployment.folder / "backup").exists()


def _with_server_binaries() -> str:
    """A path on which the pg_dump of the test server comes first."""
    return os.pathsep.join([str(find_binaries() or ""), os.environ["PATH"]])


def test_the_generated_files_are_what_the_code_says(empty_deployment: Deployment) -> None:
    for command in (("errors",), ("statuses",), ("reversals",), ("schema", "export"), ("openapi", "export")):
        assert empty_deployment.run(*command, "--check").status == 0


def test_the_error_table_is_printed(empty_deployment: Deployment) -> None:
    outcome = empty_deployment.run("errors")
    assert outcome.out == (Path(__file__).parents[2] / "docs" / "errors.md").read_text()


def test_the_doctor_finds_nothing_wrong_and_shows_no_password(deployment: Deployment) -> None:
    outcome = deployment.run("doctor")
    assert (outcome.status, outcome.err) == (0, "Nothing is wrong.\n")
    assert "The database schema is current." in outcome.out


def test_the_doctor_finds_a_database_that_is_away_and_a_key_that_others_read(deployment: Deployment) -> None:
    data = Path(deployment.settings["TESSERA_DATA_DIR"])
    data.mkdir()
    key = data / "secret.key"
    key.write_text("k" * 40)
    key.chmod(0o644)
    away = "postgresql://user:geheim@127.0.0.1:1/nothing"
    outcome = deployment.run("doctor", TESSERA_DATABASE_URL=away)
    assert outcome.status == 1
    assert f"wrong  {key} can be read by others" in outcome.out
    assert "wrong  postgresql+asyncpg://user:***@127.0.0.1:1/nothing cannot be reached" in outcome.out
    assert "geheim" not in outcome.out + outcome.err


def test_the_version_and_the_help() -> None:
    from typer.testing import CliRunner

    from tessera.cli import COMMANDS, app

    runner = CliRunner()
    assert runner.invoke(app, ["--version"]).output.strip().count(".") == 2
    listed = runner.invoke(app, ["--help"]).output
    for command in ("serve", "worker", "sftp", "demo", "db", "program", "credentials", "sftp-login", "batch"):
        assert command in listed
    for command in (
        "rules",
        "admin-token",
        "parity",
        "export",
        "ledger",
        "errors",
        "statuses",
        "reversals",
        "schema",
        "openapi",
        "doctor",
    ):
        assert command in listed
    for command in COMMANDS:
        assert re.search(rf"{command} +\w", listed), command
        of_its_own = runner.invoke(app, [command, "--help"])
        assert of_its_own.exit_code == 0
        assert f" {command} [OPTIONS]" in of_its_own.output
    assert "Did you mean 'serve'?" in runner.invoke(app, ["servee"]).output


def test_a_command_imports_nothing_of_the_others() -> None:
    script = (
        "import sys, tessera.cli as cli; cli.app(['errors', '--check'], standalone_mode=False); print(*sys.modules)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "tessera.commands.snapshot" in loaded
    assert not loaded & {"tessera.commands.batch", "tessera.commands.parity", "ingestion.load", "strawberry"}


_OTHER_KEY = {"TESSERA_SECRET_KEY": "another secret of thirty-two characters!!"}


def test_another_secret_key_is_refused_once_one_was_used(deployment: Deployment) -> None:
    assert deployment.run("program", "list", **_OTHER_KEY).status == 0, "nothing was kept yet"
    assert deployment.run("program", "create", "Shop").status == 0
    for command in (("program", "list"), ("program", "create", "Other"), ("ledger", "verify"), ("serve",)):
        outcome = deployment.run(*command, **_OTHER_KEY)
        assert (outcome.status, outcome.out) == (1, "")
        assert "belongs to another secret key: set TESSERA_SECRET_KEY" in outcome.err
        assert outcome.err.count("\n") == 1
    assert deployment.run("db", "upgrade", **_OTHER_KEY).status == 0
    listed = deployment.run("program", "list", "--json").json
    assert [row["name"] for row in listed] == ["Shop"]


@pytest.mark.parametrize("name", ["a\x01b", "a\nb", "a\u202eb", "a\u2066b", "a\u2028b"])
def test_a_program_name_that_deceives_is_refused(name: str, deployment: Deployment) -> None:
    outcome = deployment.run("program", "create", name)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith("998 ")
    assert deployment.run("program", "list", "--json").json == []


@pytest.mark.parametrize("number", ["0", "9223372036854775808", "99999999999999999999"])
def test_a_number_that_no_batch_can_have_is_wrong_usage(number: str, deployment: Deployment) -> None:
    outcome = deployment.run("batch", "status", number)
    assert (outcome.status, outcome.out) == (2, "")
    assert "Invalid value" in outcome.err
