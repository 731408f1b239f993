"""Server processes: how many there may be, how they stop, and what may go on beside them."""

import os
import signal
import time
from pathlib import Path

import httpx2
import pytest

from tests.shell.command import START_LIMIT_S, Deployment

on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)


@on_sqlite
def test_the_embedded_database_has_one_serving_process(deployment: Deployment) -> None:
    with deployment.serving() as server:
        for command in (("serve",), ("demo",), ("demo", "--reset"), ("demo", "--no-serve")):
            outcome = deployment.run(*command)
            assert (outcome.status, outcome.out) == (1, "")
            assert outcome.err.startswith(f"Process {server.pid} uses ")
            assert "SQLite has one writer" in outcome.err
        assert not (Path(deployment.settings["TESSERA_DATA_DIR"]) / "demo.json").exists()


@on_sqlite
def test_several_processes_are_refused_and_the_sentence_says_why(deployment: Deployment) -> None:
    for command in (("serve", "--workers", "2"), ("worker",)):
        outcome = deployment.run(*command)
        assert (outcome.status, outcome.out) == (1, "")
        assert outcome.err.startswith("SQLite has one writer, so one process serves it")
        assert "PostgreSQL" in outcome.err


@on_sqlite
def test_a_killed_server_leaves_no_lock_behind(deployment: Deployment) -> None:
    with deployment.serving() as server:
        server.kill()
        server.wait(10)
        assert deployment.run("db", "upgrade").status == 0
        with deployment.serving():
            assert deployment.get("/readyz").status_code == 200


def test_commands_work_beside_a_server(deployment: Deployment) -> None:
    with deployment.serving():
        created = deployment.run("program", "create", "Beside", "--json").json
        listed = deployment.run("program", "list", "--json").json
        assert [row["program_id"] for row in listed] == [created["program_id"]]
        assert _token(deployment, created).status_code == 200
        reset = deployment.run("credentials", "reset", str(created["program_id"]), "--json").json
        assert _token(deployment, created).status_code == 401
        assert _token(deployment, reset).status_code == 200
        assert deployment.run("ledger", "verify").status == 0
        assert deployment.run("db", "check").status == 0


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
@on_sqlite
def test_a_server_stops_in_good_order(sign: signal.Signals, deployment: Deployment) -> None:
    with deployment.serving() as server:
        server.send_signal(sign)
        _, messages = server.communicate(timeout=30)
    assert server.returncode == 0
    assert "Traceback" not in messages
    # The log was written back, so the database is one file again.
    database = Path(deployment.settings["TESSERA_DATABASE_URL"].partition("///")[2])
    log = database.with_name(f"{database.name}-wal")
    assert not log.exists() or log.stat().st_size == 0


@on_sqlite
def test_a_taken_port_is_refused_in_one_sentence(deployment: Deployment, tmp_path: Path) -> None:
    with deployment.serving():
        other = {"TESSERA_DATABASE_URL": f"sqlite:///{tmp_path}/other.db"}
        outcome = deployment.end("serve", **other)
        assert outcome.status == 1
        assert outcome.err == f"Cannot listen on 127.0.0.1 port {deployment.settings['TESSERA_PORT']}: " + (
            "Address already in use.\n"
        )


@on_postgres
def test_several_processes_serve_one_postgresql_and_end_with_their_parent(deployment: Deployment) -> None:
    created = deployment.run("program", "create", "Shared", "--json").json
    with deployment.serving("serve", "--workers", "2") as server:
        tokens = {_token(deployment, created).json()["ReturnObject"]["token"] for _ in range(8)}
        assert len(tokens) == 1
        children = _children(server.pid)
        assert len(children) >= 2
        # One that is too busy to answer for longer than uvicorn's own patience (5 s, looked at every 0.5 s) is left at
        # its work. That nothing happens shows only by waiting past the time at which it would have.
        os.kill(children[-1], signal.SIGSTOP)
        time.sleep(7)
        os.kill(children[-1], signal.SIGCONT)
        time.sleep(1)
        assert _children(server.pid) == children
        server.kill()
        server.wait(10)
        _await_end(children)
        with pytest.raises(httpx2.TransportError):
            deployment.get("/healthz")


@on_postgres
def test_an_outdated_postgresql_is_refused_and_one_that_is_away_is_waited_for(
    deployment: Deployment, empty_deployment: Deployment
) -> None:
    from domain.migrations import downgrade

    downgrade(deployment.settings["TESSERA_DATABASE_URL"], "0001")
    outcome = deployment.end("serve")
    assert outcome.status == 1
    assert outcome.err == "The database schema is older than this version: run `tessera db upgrade`.\n"
    assert deployment.run("db", "check").status == 1
    away = empty_deployment.start("serve", TESSERA_DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    try:
        _await(lambda: empty_deployment.get("/healthz").status_code == 200)
        assert empty_deployment.get("/readyz").status_code == 503
    finally:
        away.terminate()
        away.communicate(timeout=30)


@on_postgres
def test_the_worker_runs_the_jobs_until_it_is_stopped(deployment: Deployment) -> None:
    process = deployment.start("worker")
    assert process.stderr is not None
    assert "working" in process.stderr.readline()
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0


def _token(deployment: Deployment, credential: dict[str, str]) -> httpx2.Response:
    form = {"grant_type": "client_credentials"} | {key: credential[key] for key in ("client_id", "client_secret")}
    return httpx2.post(f"{deployment.base_url}/oauth/Auth/Token", data=form, timeout=10)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _await_end(processes: list[int]) -> None:
    _await(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes))


def _await(condition: object) -> None:
    """Wait until a condition holds; what it raises meanwhile does not matter."""
    assert callable(condition)
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("waited in vain")
