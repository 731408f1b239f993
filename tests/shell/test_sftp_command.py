"""`tessera sftp-login`, `tessera sftp` and `serve --all`, run as a person runs them, with OpenSSH as the client."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from tests.shell.command import Deployment, Outcome

pytestmark = pytest.mark.skipif(shutil.which("sftp") is None, reason="the client is OpenSSH's")


def _key(folder: Path) -> Path:
    file = folder / "partner"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    return file


def _sftp(deployment: Deployment, username: str, *lines: str) -> Outcome:
    """What a batch of commands gives. The host key is accepted the first time, and has to stay the same."""
    port, key = deployment.settings["TESSERA_SFTP_PORT"], str(deployment.folder / "partner")
    known = f"UserKnownHostsFile={deployment.folder / 'known_hosts'}"
    options = ["-o", known, "-o", "StrictHostKeyChecking=accept-new", "-o", "IdentitiesOnly=yes"]
    done = subprocess.run(
        ["sftp", "-q", "-b", "-", "-P", port, "-i", key, *options, f"{username}@127.0.0.1"],
        input="\n".join([*lines, ""]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def _login(deployment: Deployment) -> dict[str, Any]:
    issued = deployment.run("program", "create", "Shop", "--json").json
    key = f"{_key(deployment.folder)}.pub"
    login: dict[str, Any] = deployment.run(
        "sftp-login", "create", str(issued["program_id"]), "--public-key", key, "--json"
    ).json
    return login


def test_a_login_is_made_listed_changed_and_revoked(deployment: Deployment) -> None:
    deployment.run("program", "create", "Shop")
    made = deployment.run("sftp-login", "create", "1", "--json").json
    assert made["password"]
    assert made["port"] == int(deployment.settings["TESSERA_SFTP_PORT"])
    assert [one.split("SHA256:")[0] for one in made["host_keys"]] == ["ssh-ed25519 ", "ecdsa-sha2-nistp256 "]
    name = made["username"]
    rotated = deployment.run("sftp-login", "rotate", "1", name, "--json").json
    assert rotated["password"] not in {None, made["password"]}
    assert rotated["host_keys"] == made["host_keys"]
    for file in deployment.folder.glob("data/sftp-host-*.key"):
        assert file.stat().st_mode & 0o777 == 0o600
    assert name in deployment.run("sftp-login", "list", "1").out
    revoked = deployment.run("sftp-login", "revoke", "1", name)
    assert (revoked.status, revoked.err) == (0, f"{name} is revoked.\n")
    [listed] = deployment.run("sftp-login", "list", "1", "--json").json
    assert (listed["username"], listed["status"]) == (name, "revoked")
    for command in (("rotate", "1", name), ("revoke", "1", name), ("create", "9"), ("list", "9")):
        assert deployment.run("sftp-login", *command).status == 1


def test_a_bad_key_is_refused_with_its_reason(deployment: Deployment) -> None:
    deployment.run("program", "create", "Shop")
    private = _key(deployment.folder)
    outcome = deployment.run("sftp-login", "create", "1", "--public-key", str(private))
    assert outcome.status == 1
    assert "private key" in outcome.err
    missing = deployment.run("sftp-login", "create", "1", "--public-key", "none.pub")
    assert (missing.status, missing.err) == (1, "none.pub cannot be read: No such file or directory.\n")
    assert deployment.run("sftp-login", "list", "1", "--json").json == []


def test_a_server_with_all_serves_files_under_a_key_that_stays(deployment: Deployment) -> None:
    login = _login(deployment)
    file = deployment.folder / "July_TXN.csv"
    file.write_text("transaction_id\n")
    with deployment.serving("serve", "--all"):
        put = _sftp(
            deployment, login["username"], f"put {file} upload/TXN/x.part", "rename upload/TXN/x.part upload/CPD/x"
        )
        assert put.status == 1
        done = _sftp(deployment, login["username"], "rename upload/TXN/x.part upload/TXN/July_TXN.csv", "ls handback")
        assert done.status == 0, done.err
        busy = deployment.end("serve", "--all", TESSERA_PORT=str(free_port()))
        if not deployment.is_sqlite:
            assert f"Cannot listen on 127.0.0.1 port {deployment.settings['TESSERA_SFTP_PORT']}" in busy.err
        assert busy.status == 1
    known = (deployment.folder / "known_hosts").read_text()
    with deployment.serving("serve", "--all"):
        assert _sftp(deployment, login["username"], "ls upload/TXN").status == 0
    assert (deployment.folder / "known_hosts").read_text() == known


def test_it_is_a_process_of_its_own_on_postgresql(deployment: Deployment) -> None:
    if deployment.is_sqlite:
        outcome = deployment.run("sftp")
        assert outcome.status == 1
        assert "SQLite has one writer" in outcome.err
        assert "serve --all" in outcome.err
        return
    login = _login(deployment)
    process = deployment.start("sftp", TESSERA_LOG_FORMAT="json")
    try:
        assert process.stderr is not None
        told = json.loads(process.stderr.readline())
        assert told["host_keys"] == login["host_keys"]
        assert _sftp(deployment, login["username"], "ls").out.split()[-4:] == [
            "download",
            "handback",
            "processed",
            "upload",
        ]
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True, scope="session")
def test_several_server_processes_have_one_sftp_server(deployment: Deployment) -> None:
    login = _login(deployment)
    with deployment.serving("serve", "--all", "--workers", "2") as server:
        for _ in range(3):
            assert _sftp(deployment, login["username"], "ls").status == 0
        server.terminate()
        server.communicate(timeout=30)
        assert server.returncode == 0
