"""A folder that files are put into. A file stands under a mark until its client has closed it.

Who writes a file holds its lock (`flock`), in whichever process, and who takes one away should hold it as well: then
nobody writes to what was taken. Marks and names change only under the lock of the folder of marks.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ingestion.folder import ProgramFolder
from ingestion.sftp.limit import Limits
from ingestion.sftp.refusal import Refused, missing

_SAFE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_TAKEN_OVER = os.O_ACCMODE | os.O_APPEND | os.O_CREAT | os.O_EXCL
_FILE_MODE = 0o600
_BUSY = "The file is being written; try again when that is done"


@contextmanager
def opened_folder(path: Path) -> Iterator[int]:
    """A folder by its descriptor: names are looked up in it and nowhere else."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def regular(name: str, folder: int) -> os.stat_result:
    """What is known of a file in an open folder. Raises Refused for what is none, and so for every link."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        raise missing() from None
    if not stat.S_ISREG(found.st_mode):
        raise missing()
    return found


@dataclass(frozen=True, slots=True)
class UploadFolder:
    """The folder of one type of files."""

    folder: ProgramFolder
    file_type: str
    limits: Limits

    def open(self, name: str, flags: int) -> int:
        """Open a file for writing, under its mark; the descriptor holds its lock. Raises Refused, OSError."""
        with self._locked() as (files, marks):
            if flags & os.O_CREAT and not _is_there(name, files):
                self._refuse_more(files)
            is_marked_now = _mark(name, marks)
            try:
                return _open_locked(name, flags, files)
            except BaseException:
                if is_marked_now:
                    os.unlink(name, dir_fd=marks)
                raise

    def finish(self, name: str, file: int) -> None:
        """The client has closed the file: it is durable, then its mark is taken away. Raises OSError."""
        os.fsync(file)
        with self._locked() as (files, marks):
            if _is_same(name, files, file):
                os.fsync(files)
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=marks)
                os.fsync(marks)

    def is_unfinished(self, name: str) -> bool:
        """Whether a file stands under a mark."""
        return self.folder.unfinished(self.file_type, name).exists()

    def rename(self, old: str, new: str, *, replaces: bool) -> None:
        """Give a file another name; what is unfinished stays so. Raises Refused, OSError."""
        with self._locked() as (files, marks), ExitStack() as held:
            held.callback(os.close, _open_locked(old, os.O_RDONLY, files))
            if _is_there(new, files):
                if not replaces:
                    raise Refused("There is a file of this name")
                if new != old:
                    held.callback(os.close, _open_locked(new, os.O_RDONLY, files))
            is_unfinished = _is_there(old, marks)
            if is_unfinished:
                _mark(new, marks)
            os.rename(old, new, src_dir_fd=files, dst_dir_fd=files)
            os.fsync(files)
            gone = old if is_unfinished else new
            if new != old and _is_there(gone, marks):
                os.unlink(gone, dir_fd=marks)

    def remove(self, name: str) -> None:
        """Take a file back that nobody has taken yet. Raises Refused, OSError."""
        with self._locked() as (files, marks), ExitStack() as held:
            held.callback(os.close, _open_locked(name, os.O_RDONLY, files))
            os.unlink(name, dir_fd=files)
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=marks)

    def refuse_full(self, file: int, growth: int) -> None:
        """Leave the others room. Raises Refused where the disk has less than the reserve left afterwards."""
        disk = os.fstatvfs(file)
        if disk.f_bavail * disk.f_frsize - growth < self.limits.free_bytes:
            raise Refused("The disk is full; what has arrived is kept")

    @contextmanager
    def _locked(self) -> Iterator[tuple[int, int]]:
        marked = self.folder.unfinished(self.file_type, "name").parent
        with opened_folder(self.folder.upload(self.file_type)) as files, opened_folder(marked) as marks:
            fcntl.flock(marks, fcntl.LOCK_EX)
            yield files, marks

    def _refuse_more(self, files: int) -> None:
        self.refuse_full(files, 0)
        if len(os.listdir(files)) >= self.limits.files_in_folder:
            raise Refused(f"The folder is full: {self.limits.files_in_folder} files wait in it")


def _mark(name: str, marks: int) -> bool:
    """Put a mark; whether there was none."""
    try:
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE, _FILE_MODE, dir_fd=marks))
    except FileExistsError:
        return False
    return True


def _open_locked(name: str, flags: int, files: int) -> int:
    """Open a file that nobody writes, and keep it so. Raises Refused, OSError."""
    descriptor = os.open(name, flags & _TAKEN_OVER | _SAFE, _FILE_MODE, dir_fd=files)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise missing()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(_BUSY) from None
        if not _is_same(name, files, descriptor):
            # It was taken between the look-up and the lock.
            raise missing()
        if flags & os.O_TRUNC:
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _is_same(name: str, folder: int, file: int) -> bool:
    try:
        return os.path.samestat(os.stat(name, dir_fd=folder, follow_symlinks=False), os.fstat(file))
    except FileNotFoundError:
        return False
