"""A partner's SFTP server, as paramiko and as OpenSSH make one, with a folder that it shows."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import Any

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_FAILURE, SFTP_OK

from domain.partner_server import PartnerSecret, PartnerServer
from tests.ports import free_port

PASSWORD = "correct horse"  # noqa: S105 - of a server that lives as long as a test


@dataclass(frozen=True)
class Host:
    """A running server: what Tessera has to know of it, and its folder on this machine."""

    server: PartnerServer
    secret: PartnerSecret
    root: Path

    def put(self, path: str, content: str) -> Path:
        """Store a file that the partner has made."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
        return place

    def names(self, folder: str) -> list[str]:
        """The names in a folder."""
        return sorted(one.name for one in (self.root / folder).iterdir())


def new_key() -> tuple[str, str]:
    """A private key and its public one, as OpenSSH writes them."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return private, key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@contextmanager
def paramiko_host(root: Path) -> Iterator[Host]:
    """A server of paramiko that takes a password."""
    private, public = new_key()
    key_file = root.parent / "host_key"
    key_file.write_text(private)
    key = paramiko.Ed25519Key.from_private_key_file(str(key_file))
    listener = socket.create_server(("127.0.0.1", 0))
    transports: list[paramiko.Transport] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transports.append(transport)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, root=root)
            # With an event it does not wait for a client that goes away because of the host's key.
            transport.start_server(event=threading.Event(), server=_Door())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    server = _server(listener.getsockname()[1], public, "partner")
    try:
        yield Host(server, PartnerSecret(password=PASSWORD), root)
    finally:
        # Closing alone leaves a thread waiting in it.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for one in transports:
            one.close()
        thread.join(5)


@contextmanager
def openssh_host(root: Path) -> Iterator[Host]:
    """OpenSSH's server, which takes a key. Raises FileNotFoundError where this machine has none."""
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    if not Path(sshd).exists():
        raise FileNotFoundError("sshd is missing: apt-get install openssh-server")
    private, public = new_key()
    own_private, own_public = new_key()
    folder, port = root.parent, free_port()
    for name, text in (("host_key", private), ("authorized", own_public)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    Path("/run/sshd").mkdir(exist_ok=True)
    options = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host_key",
        "AuthorizedKeysFile": folder / "authorized",
        "PidFile": "none",
        "StrictModes": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "yes",
        "Subsystem": f"sftp internal-sftp -d {root}",
    }
    arguments = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    process = subprocess.Popen([sshd, "-D", "-e", "-f", "/dev/null", *arguments], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield Host(_server(port, public, getuser()), PartnerSecret(private_key=own_private), root)
    finally:
        process.terminate()
        process.wait()


def _server(port: int, host_key: str, username: str) -> PartnerServer:
    return PartnerServer(
        name="Bank",
        host="127.0.0.1",
        port=port,
        username=username,
        host_key=host_key,
        pull={"CPD": "out/members", "TXN": "out/purchases"},
        handback_folder="in",
        every_minutes=15,
    )


def _wait_for(port: int) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until, "sshd does not start"
            time.sleep(0.05)
        else:
            return


class _Door(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        return AUTH_SUCCESSFUL if (username, password) == ("partner", PASSWORD) else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def get_allowed_auths(self, username: str) -> str:
        return "password"


class _Files(paramiko.SFTPServerInterface):
    """The files below a folder, without OpenSSH's rename that replaces."""

    def __init__(self, server: Any, *given: Any, root: Path, **named: Any) -> None:
        super().__init__(server, *given, **named)
        self._root = root

    def _at(self, path: str) -> Path:
        return self._root / self.canonicalize(path).lstrip("/")

    def list_folder(self, path: str) -> Any:
        return self._told(lambda: [_attributes(one) for one in self._at(path).iterdir()])

    def stat(self, path: str) -> Any:
        return self._told(lambda: _attributes(self._at(path)))

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        def opened() -> paramiko.SFTPHandle:
            mode = "w+b" if flags & os.O_CREAT else "rb"
            handle = paramiko.SFTPHandle(flags)
            handle.readfile = handle.writefile = self._at(path).open(mode)  # type: ignore[attr-defined]
            return handle

        return self._told(opened)

    def remove(self, path: str) -> Any:
        return self._told(lambda: self._at(path).unlink())

    def rename(self, oldpath: str, newpath: str) -> Any:
        if self._at(newpath).exists():
            return SFTP_FAILURE
        return self._told(lambda: self._at(oldpath).rename(self._at(newpath)))

    def _told(self, act: Any) -> Any:
        try:
            result = act()
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        return result if isinstance(result, (list, paramiko.SFTPAttributes, paramiko.SFTPHandle)) else SFTP_OK


def _attributes(path: Path) -> paramiko.SFTPAttributes:
    return paramiko.SFTPAttributes.from_stat(path.stat(), path.name)
