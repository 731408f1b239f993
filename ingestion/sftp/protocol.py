"""The two protocols, as paramiko speaks them, with limits of our own: SSH below, SFTP above."""

import logging
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any

from paramiko import Channel, Message, PKey, SFTPHandle, SFTPServer, SSHException, Transport
from paramiko.packet import Packetizer
from paramiko.server import ServerInterface
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_EXTENDED,
    CMD_INIT,
    CMD_NAMES,
    CMD_OPEN,
    CMD_VERSION,
    SFTP_EOF,
    SFTP_FAILURE,
    SFTP_OK,
    SFTP_OP_UNSUPPORTED,
    SFTPError,
)

from ingestion.sftp.handle import OpenFile
from ingestion.sftp.limit import MEBI
from ingestion.sftp.refusal import Refused, of_system
from ingestion.sftp.tree import Tree
from resolvers.figures import UNKNOWN, Figures

LOG_CHANNEL = "ingestion.sftp.transport"
# Whoever scans the internet would fill the log with tracebacks; what matters is told by `door` and `server`.
logging.getLogger(LOG_CHANNEL).setLevel("CRITICAL")

_VERSION = 3
_DONE, _REFUSED = "OK", "REFUSED"
_MOST_PACKET = MEBI
_EXTENSIONS = (b"posix-rename@openssh.com", b"1", b"fsync@openssh.com", b"1")


# The types that there are for paramiko leave out what is meant for those who extend it.
_Ssh: Any = Transport
_Sftp: Any = SFTPServer


class _Packets(Packetizer):
    """Refuses a packet that is larger than any client sends before it is read: nobody has signed in yet."""

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        if n > _MOST_PACKET:
            raise SSHException("the packet is too large")
        return super().read_all(n, check_rekey)


class SshTransport(Transport):
    """One connection, with what is held to be safe today, and without compression."""

    _preferred_ciphers = (
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
        "aes128-ctr",
        "aes192-ctr",
        "aes256-ctr",
    )
    _preferred_macs = (
        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512-etm@openssh.com",
        "hmac-sha2-256",
        "hmac-sha2-512",
    )
    _preferred_compression = ("none",)
    # Certificates would be a second way to vouch for a key.
    _key_info = {name: kind for name, kind in _Ssh._key_info.items() if "-cert-" not in name}

    def __init__(self, sock: socket.socket, host_keys: Sequence[PKey]) -> None:
        super().__init__(sock, packetizer_class=_Packets)
        self.set_log_channel(LOG_CHANNEL)
        self.local_version = "SSH-2.0-Tessera"
        for key in host_keys:
            self.add_server_key(key)


class Protocol(SFTPServer):
    """One SFTP session: requests are answered by a `Tree`, refusals with the sentence that they give."""

    def __init__(
        self,
        channel: Channel,
        name: str,
        server: ServerInterface,
        tree: Tree,
        most_handles: int,
        noted: Callable[[int], None],
        figures: Figures,
    ) -> None:
        super().__init__(channel, name, server)
        self.daemon = True
        self.server = tree
        self._most_handles, self._noted = most_handles, noted
        self._figures, self._code = figures, _DONE

    def start_subsystem(self, name: str, transport: Transport, channel: Channel) -> None:
        """Answer until the client goes."""
        try:
            super().start_subsystem(name, transport, channel)
            # scp takes a session that ends without a status for a failed one.
            with suppress(OSError, SSHException):
                channel.send_exit_status(0)
        finally:
            self._noted(-1)

    def _send_server_version(self) -> int:
        kind, data = _Sftp._read_packet(self)
        if kind != CMD_INIT:
            raise SFTPError("no client of SFTP")
        answer = Message()
        answer.add_int(_VERSION)
        for text in _EXTENSIONS:
            answer.add_string(text)
        _Sftp._send_packet(self, CMD_VERSION, answer)
        return int(struct.unpack(">I", data[:4])[0])

    def _read_all(self, n: int) -> bytes:
        if n > _MOST_PACKET:
            raise SFTPError("the packet is too large")
        return bytes(_Sftp._read_all(self, n))

    def _process(self, kind: int, number: int, message: Message) -> None:
        self._noted(0)
        began, self._code = perf_counter(), _DONE
        self._answer(kind, number, message)
        self._figures.request("sftp", CMD_NAMES.get(kind, UNKNOWN), self._code, perf_counter() - began)

    def _answer(self, kind: int, number: int, message: Message) -> None:
        try:
            if kind == CMD_CLOSE:
                self._close(number, message)
            elif kind == CMD_OPEN and len(self.file_table) >= self._most_handles:
                raise Refused(f"At most {self._most_handles} files are open at once")
            elif kind == CMD_EXTENDED:
                self._extended(number, message)
            else:
                _Sftp._process(self, kind, number, message)
        except (Refused, OSError) as error:
            refusal = of_system(error) if isinstance(error, OSError) else error
            self._send_status(number, refusal.status, str(refusal))
        except UnicodeError:
            self._send_status(number, SFTP_FAILURE, "A name is text in UTF-8")

    def _close(self, number: int, message: Message) -> None:
        name = message.get_binary()
        try:
            if self.folder_table.pop(name, None) is None:
                self._opened(self.file_table.get(name)).finish()
            self._send_status(number, SFTP_OK)
        finally:
            # Only now is the transfer over: a server that stops waits until the client has been told.
            self.file_table.pop(name, None)

    def _extended(self, number: int, message: Message) -> None:
        what = message.get_text()
        if what == "posix-rename@openssh.com":
            self._send_status(number, self.server.posix_rename(message.get_text(), message.get_text()))
        elif what == "fsync@openssh.com":
            self._opened(self.file_table.get(message.get_binary())).sync()
            self._send_status(number, SFTP_OK)
        else:
            self._send_status(number, SFTP_OP_UNSUPPORTED)

    @staticmethod
    def _opened(handle: SFTPHandle | None) -> OpenFile:
        if not isinstance(handle, OpenFile):
            raise Refused("The file is not open")
        return handle

    def _send_status(self, number: int, status: int, sentence: str | None = None) -> None:
        # The end of a file, or of a folder, is no refusal.
        if status not in (SFTP_OK, SFTP_EOF):
            self._code = _REFUSED
        _Sftp._send_status(self, number, status, sentence)
