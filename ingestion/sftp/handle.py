"""Files that a client has open."""

import os
import stat

import structlog
from paramiko import SFTPAttributes, SFTPHandle
from paramiko.sftp import SFTP_OK

from ingestion.sftp.limit import MEBI
from ingestion.sftp.refusal import Refused, denied
from ingestion.sftp.upload import UploadFolder

MOST_READ = MEBI // 4
"""What one answer carries; a client that asked for more asks for the rest."""

_log = structlog.get_logger()


def attributes_of(found: os.stat_result, name: str | None = None, *, is_writable: bool = False) -> SFTPAttributes:
    """What a client is told of a file or folder: nothing of accounts and modes on the server."""
    attributes = SFTPAttributes.from_stat(found, name)
    kind = stat.S_IFDIR | 0o500 if stat.S_ISDIR(found.st_mode) else stat.S_IFREG | 0o400
    attributes.st_mode = kind | (0o200 if is_writable else 0)
    attributes.st_uid = attributes.st_gid = 0
    return attributes


class OpenFile(SFTPHandle):
    """A file that is read. `finish` is the client's own end of it, `close` any other, and may follow it."""

    is_writable = False

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def read(self, offset: int, length: int) -> bytes:
        """Some of the file. Raises OSError."""
        return os.pread(self._descriptor, min(length, MOST_READ), offset)

    def write(self, _offset: int, _data: object) -> int:
        """Raises Refused."""
        raise denied("The file is open for reading only")

    def stat(self) -> SFTPAttributes:
        """What is known of it. Raises OSError."""
        return attributes_of(os.fstat(self._descriptor), is_writable=self.is_writable)

    def chattr(self, _attributes: SFTPAttributes) -> int:
        """Raises Refused."""
        raise denied("The file is open for reading only")

    def sync(self) -> None:
        """Make durable what was written. Raises OSError."""

    def finish(self) -> None:
        """The client closes it. Raises OSError."""
        self.close()

    def close(self) -> None:
        """Let go of it."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class Upload(OpenFile):
    """A file that is written. One whose writing failed, or whose connection broke, stays unfinished."""

    is_writable = True

    def __init__(self, descriptor: int, folder: UploadFolder, name: str, flags: int) -> None:
        super().__init__(descriptor)
        self._folder, self._name = folder, name
        self._appends = bool(flags & os.O_APPEND)
        self._is_spoilt = False

    def write(self, offset: int, data: object) -> int:
        """Write all of the data at the offset, or at the end where it was opened for that. Raises Refused, OSError."""
        assert isinstance(data, bytes)  # noqa: S101 - what the protocol reads
        try:
            self._write(os.fstat(self._descriptor).st_size if self._appends else offset, data)
        except (OSError, Refused):
            # The client may close it nevertheless, which must not make it complete.
            self._is_spoilt = True
            raise
        return SFTP_OK

    def _write(self, offset: int, data: bytes) -> None:
        self._refuse_beyond(offset + len(data))
        self._folder.refuse_full(self._descriptor, len(data))
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._descriptor, rest, offset)
            offset, rest = offset + written, rest[written:]

    def chattr(self, attributes: SFTPAttributes) -> int:
        """Set the size; times and modes are taken without effect, because clients end an upload with them.

        Raises Refused, OSError.
        """
        if attributes.st_size is not None:
            self._refuse_beyond(attributes.st_size)
            os.ftruncate(self._descriptor, attributes.st_size)
        return SFTP_OK

    def sync(self) -> None:
        """Make durable what was written. Raises OSError."""
        os.fsync(self._descriptor)

    def finish(self) -> None:
        """The client closes it: the file has arrived. Raises OSError, Refused where a write failed."""
        try:
            if self._is_spoilt:
                raise Refused("The file is incomplete: what failed to be written can be sent again")
            self._folder.finish(self._name, self._descriptor)
            size = os.fstat(self._descriptor).st_size
            _log.info("file arrived", folder=self._folder.folder.root.name, name=self._name, bytes=size)
        finally:
            self.close()

    def _refuse_beyond(self, size: int) -> None:
        most = self._folder.limits.file_bytes
        if size > most:
            raise Refused(f"A file has at most {most:,} bytes")
