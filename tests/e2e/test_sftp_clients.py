"""The clients that partners have, against a served SFTP server: OpenSSH, lftp, rclone, sshfs, paramiko.

On Debian and Ubuntu: `apt-get install openssh-client lftp rclone sshfs`.
"""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import paramiko
import pytest

from tests.e2e.programs import run
from tests.servers import CONFIGURATION, Deployment, Server

HELD = 500
_NOWHERE = "/dev/null"


@dataclass(frozen=True)
class Partner:
    """A folder with a key and files to send, and the server that knows the key."""

    folder: Path
    root: Path
    username: str
    password_login: tuple[str, str]
    port: int

    @property
    def key(self) -> str:
        """The file of the private key."""
        return str(self.folder / "key")

    @property
    def ssh_options(self) -> list[str]:
        """What OpenSSH is told in each of its programs."""
        pairs = ("StrictHostKeyChecking=no", f"UserKnownHostsFile={_NOWHERE}", "IdentitiesOnly=yes", "LogLevel=ERROR")
        return ["-i", self.key, *(part for pair in pairs for part in ("-o", pair))]

    def batch(self, *lines: str, expect: int = 0) -> str:
        """What OpenSSH's sftp says to a batch of commands."""
        file = self.folder / "batch"
        file.write_text("\n".join([*lines, ""]))
        address = f"{self.username}@127.0.0.1"
        command = ["sftp", "-q", "-b", str(file), "-P", str(self.port), *self.ssh_options, address]
        return run(*command, cwd=self.folder, expect=expect)

    def uploaded(self, name: str) -> Path:
        """Where an upload lies on the server."""
        return self.root / "upload" / "TXN" / name

    def is_unfinished(self, name: str) -> bool:
        """Whether an upload stands under its mark."""
        return (self.root / "work" / "unfinished" / "TXN" / name).exists()


@pytest.fixture(scope="module")
def partner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partner]:
    """A partner of a program that is served with everything."""
    folder = tmp_path_factory.mktemp("sftp")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    data = folder / "data"
    data.mkdir()
    deployment = Deployment(f"sqlite+aiosqlite:///{data / 'tessera.db'}", data, sftp_port=str(port))
    deployment.command("db", "upgrade")
    program = str(deployment.create_program("Shop", CONFIGURATION).program_id)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key"), cwd=folder)
    login = json.loads(
        deployment.command("sftp-login", "create", program, "--public-key", str(folder / "key.pub"), "--json")
    )
    other = json.loads(deployment.command("sftp-login", "create", program, "--json"))
    (folder / "file.bin").write_bytes(os.urandom(3_000_000))
    server = Server(deployment, "sftp", "--all")
    server.start()
    try:
        root = data / "files" / f"{program}-sandbox"
        yield Partner(folder, root, login["username"], (other["username"], other["password"]), port)
    finally:
        server.stop()


def test_openssh_puts_resumes_renames_lists_and_removes(partner: Partner) -> None:
    content = (partner.folder / "file.bin").read_bytes()
    partner.batch("put file.bin upload/TXN/a.part", "rename upload/TXN/a.part upload/TXN/a_TXN.csv")
    assert partner.uploaded("a_TXN.csv").read_bytes() == content
    partner.uploaded("b_TXN.csv").write_bytes(content[:1_000_000])
    partner.batch("reput file.bin upload/TXN/b_TXN.csv", "put -p file.bin upload/TXN/c_TXN.csv")
    assert partner.uploaded("b_TXN.csv").read_bytes() == partner.uploaded("c_TXN.csv").read_bytes() == content
    assert "c_TXN.csv" in partner.batch("ls -l upload/TXN")
    (partner.root / "handback" / "a.result.csv").write_text("line\n")
    partner.batch("cd handback", "get a.result.csv", "rm a.result.csv", "cd ../upload/TXN", "rm b_TXN.csv")
    assert (partner.folder / "a.result.csv").read_text() == "line\n"
    for refused in ("ln -s /etc/passwd upload/TXN/x", "mkdir upload/x", "get /etc/passwd", "put file.bin handback/x"):
        partner.batch(refused, expect=1)
    run("scp", "-q", "-P", str(partner.port), *partner.ssh_options, "file.bin",
        f"{partner.username}@127.0.0.1:upload/TXN/scp_TXN.csv", cwd=partner.folder)  # fmt: skip
    assert partner.uploaded("scp_TXN.csv").read_bytes() == content
    # The old protocol of scp runs a command, of which there are none.
    run("scp", "-q", "-O", "-P", str(partner.port), *partner.ssh_options, "file.bin",
        f"{partner.username}@127.0.0.1:upload/TXN/old_TXN.csv", cwd=partner.folder, expect=1)  # fmt: skip
    address = f"{partner.username}@127.0.0.1"
    for command in ([address, "id"], ["-W", "127.0.0.1:22", address], ["-N", "-R", "0:127.0.0.1:22", address]):
        strict = ["-o", "ExitOnForwardFailure=yes", "-p", str(partner.port), *partner.ssh_options]
        done = subprocess.run(["ssh", *strict, *command], capture_output=True, check=False, timeout=60)
        assert done.returncode != 0, command


def test_an_upload_that_is_killed_is_not_complete_and_is_gone_on_with(partner: Partner) -> None:
    big = partner.folder / "big.bin"
    big.write_bytes(os.urandom(60_000_000))
    address = f"{partner.username}@127.0.0.1"
    (partner.folder / "killed").write_text("put big.bin upload/TXN/big_TXN.csv\n")
    command = ["sftp", "-q", "-l", "40000", "-b", "killed", "-P", str(partner.port), *partner.ssh_options, address]
    with subprocess.Popen(command, cwd=partner.folder, start_new_session=True) as process:
        while not (partner.uploaded("big_TXN.csv").exists() and partner.uploaded("big_TXN.csv").stat().st_size):
            time.sleep(0.05)
        os.killpg(process.pid, 9)
    assert partner.is_unfinished("big_TXN.csv")
    time.sleep(1)
    partner.batch("reput big.bin upload/TXN/big_TXN.csv")
    assert not partner.is_unfinished("big_TXN.csv")
    assert partner.uploaded("big_TXN.csv").read_bytes() == big.read_bytes()


def test_lftp(partner: Partner) -> None:
    connect = f"ssh -a -x {' '.join(partner.ssh_options)}"
    commands = f"""set sftp:connect-program '{connect}'; set net:max-retries 1; set cmd:fail-exit yes;
        open -u {partner.username}, -p {partner.port} sftp://127.0.0.1;
        put file.bin -o upload/TXN/lftp.part; mv upload/TXN/lftp.part upload/TXN/lftp_TXN.csv; cls -l upload/TXN;
        get upload/TXN/lftp_TXN.csv -o back.bin; rm upload/TXN/lftp_TXN.csv"""
    assert "lftp_TXN.csv" in run("lftp", "-c", commands, cwd=partner.folder)
    assert (partner.folder / "back.bin").read_bytes() == (partner.folder / "file.bin").read_bytes()


def test_rclone(partner: Partner) -> None:
    options = f"host=127.0.0.1,port={partner.port},user={partner.username},key_file={partner.key}"
    remote = f":sftp,{options},shell_type=none,disable_hashcheck=true:upload/TXN/rclone_TXN.csv"
    run("rclone", "--config", _NOWHERE, "copyto", "file.bin", remote, cwd=partner.folder)
    assert partner.uploaded("rclone_TXN.csv").read_bytes() == (partner.folder / "file.bin").read_bytes()
    assert not partner.is_unfinished("rclone_TXN.csv")
    run("rclone", "--config", _NOWHERE, "deletefile", remote, cwd=partner.folder)


def test_sshfs(partner: Partner) -> None:
    assert os.path.exists("/dev/fuse"), (
        "/dev/fuse is not on this machine, and sshfs needs it: run the container with it"
    )
    mount = partner.folder / "mount"
    mount.mkdir()
    options = [part for one in partner.ssh_options[3::2] for part in ("-o", one)]
    run("sshfs", "-p", str(partner.port), "-o", f"IdentityFile={partner.key}", *options,
        f"{partner.username}@127.0.0.1:/", str(mount), cwd=partner.folder)  # fmt: skip
    try:
        assert sorted(os.listdir(mount)) == ["download", "handback", "processed", "upload"]
        run("cp", "file.bin", str(mount / "upload" / "TXN" / "sshfs_TXN.csv"), cwd=partner.folder)
        run("mv", str(mount / "upload/TXN/sshfs_TXN.csv"), str(mount / "upload/TXN/moved_TXN.csv"), cwd=partner.folder)
    finally:
        run("fusermount", "-u", str(mount), cwd=partner.folder)
    assert partner.uploaded("moved_TXN.csv").read_bytes() == (partner.folder / "file.bin").read_bytes()


def test_500_held_connections_harm_nobody_and_3_gib_are_refused(partner: Partner) -> None:
    held = []
    for _ in range(HELD):
        with suppress(OSError):
            held.append(socket.create_connection(("127.0.0.1", partner.port), timeout=10))
    try:
        started = time.monotonic()
        username, password = partner.password_login
        with paramiko.Transport(("127.0.0.1", partner.port)) as transport:
            transport.connect(username=username, password=password)
            session = paramiko.SFTPClient.from_transport(transport)
            assert session is not None
            session.put(str(partner.folder / "file.bin"), "/upload/TXN/through_TXN.csv")
            assert time.monotonic() - started < 20
            with session.open("/upload/TXN/huge_TXN.csv", "wb") as file:
                file.write(b"begin")
                file.seek(3 * 2**30)
                with pytest.raises(OSError, match="at most 2,147,483,648 bytes"):
                    file.write(b"end")
            assert session.stat("/upload/TXN/huge_TXN.csv").st_size == len(b"begin")
            assert partner.is_unfinished("huge_TXN.csv")
    finally:
        for one in held:
            one.close()
