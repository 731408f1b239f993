"""The file system that a login sees: what it may list, read, write and take away."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from paramiko import SFTPAttributes, SFTPServerInterface
from paramiko.sftp import SFTP_NO_SUCH_FILE, SFTP_OK

from ingestion.folder import ProgramFolder
from ingestion.naming import FILE_TYPES
from ingestion.sftp.handle import OpenFile, Upload, attributes_of
from ingestion.sftp.limit import Limits
from ingestion.sftp.place import Place, canonical, find_place
from ingestion.sftp.refusal import Refused, denied, missing, unsupported
from ingestion.sftp.upload import UploadFolder, opened_folder, regular

_NO_FOLDERS = "Folders are given and stay as they are"
_NO_LINKS = "There are no links here"
_FOLDERS_OF_FILES = f"Files are put into upload/{', upload/'.join(FILE_TYPES)}, and nowhere else"


class Tree(SFTPServerInterface):
    """The folder of one program. Methods raise Refused and OSError; `Protocol` makes answers of them."""

    def __init__(self, folder: ProgramFolder, limits: Limits, may_open: Callable[[], bool]) -> None:
        self._folder, self._limits, self._may_open = folder, limits, may_open

    def session_started(self) -> None:
        """See to it that all folders are there. Raises OSError."""
        self._folder.make()

    def open(self, path: str, flags: int, _attributes: SFTPAttributes) -> OpenFile:
        """Open a file: those that were put here for writing as well. Raises Refused, OSError."""
        is_read = flags & os.O_ACCMODE == os.O_RDONLY
        place, name = self._file(path) if is_read else self._target(path)
        if not self._may_open():
            raise denied("The server is about to stop")
        if not is_read:
            uploads = self._uploads(place)
            return Upload(uploads.open(name, flags), uploads, name, flags)
        with opened_folder(_path(place)) as folder:
            regular(name, folder)
            wanted = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(name, wanted, dir_fd=folder)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise missing()
        return OpenFile(descriptor)

    def list_folder(self, path: str) -> list[SFTPAttributes]:
        """What is in a folder: its folders, or its files. Raises Refused, OSError."""
        place = find_place(self._folder, path)
        if place.name is not None:
            raise missing()
        if place.path is None:
            root = os.stat(self._folder.root)
            return [
                self._attributes_of_folder(find_place(self._folder, "/".join((*place.parts, one))), root, one)
                for one in place.folders
            ]
        with os.scandir(place.path) as found:
            return [
                attributes_of(one.stat(follow_symlinks=False), one.name, is_writable=place.file_type is not None)
                for one in found
                if one.is_file(follow_symlinks=False) and one.name.isprintable()
            ]

    def stat(self, path: str) -> SFTPAttributes:
        """What is known of a file or folder. Raises Refused, OSError."""
        place = find_place(self._folder, path)
        if place.name is None:
            return self._attributes_of_folder(place, os.stat(place.path or self._folder.root))
        with opened_folder(_path(place)) as folder:
            return attributes_of(regular(place.name, folder), is_writable=place.file_type is not None)

    lstat = stat

    def remove(self, path: str) -> int:
        """Take away a file that was put here and not taken yet, or a result. Raises Refused, OSError."""
        place, name = self._file(path)
        if place.file_type is not None:
            self._uploads(place).remove(name)
        elif place.is_cleared_by_client:
            with opened_folder(_path(place)) as folder:
                regular(name, folder)
                os.unlink(name, dir_fd=folder)
        else:
            raise denied("What was taken is kept")
        return SFTP_OK

    def rename(self, oldpath: str, newpath: str) -> int:
        """Give a file that was put here another name, which no file has. Raises Refused, OSError."""
        return self._rename(oldpath, newpath, replaces=False)

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        """The same, in place of the file that has the name. Raises Refused, OSError."""
        return self._rename(oldpath, newpath, replaces=True)

    def _rename(self, oldpath: str, newpath: str, *, replaces: bool) -> int:
        (old_place, old), (new_place, new) = self._file(oldpath), self._file(newpath)
        if old_place.file_type != new_place.file_type:
            raise denied("A file is renamed within its folder")
        self._uploads(old_place).rename(old, new, replaces=replaces)
        return SFTP_OK

    def chattr(self, path: str, attributes: SFTPAttributes) -> int:
        """Set the size of an upload; times and modes of one are taken without effect. Raises Refused, OSError."""
        place, name = self._file(path)
        uploads = self._uploads(place)
        if attributes.st_size is None:
            self.stat(path)
            return SFTP_OK
        was_unfinished = uploads.is_unfinished(name)
        upload = Upload(uploads.open(name, os.O_WRONLY), uploads, name, os.O_WRONLY)
        try:
            upload.chattr(attributes)
            if not was_unfinished:
                upload.finish()
        finally:
            upload.close()
        return SFTP_OK

    def canonicalize(self, path: str) -> str:
        """A path from the client's root."""
        return "/" + "/".join(canonical(path))

    def mkdir(self, _path: str, _attributes: SFTPAttributes) -> int:
        """Raises Refused."""
        raise denied(_NO_FOLDERS)

    def rmdir(self, _path: str) -> int:
        """Raises Refused."""
        raise denied(_NO_FOLDERS)

    def readlink(self, _path: str) -> str:
        """Raises Refused."""
        raise unsupported(_NO_LINKS)

    def symlink(self, _target_path: str, _path: str) -> int:
        """Raises Refused."""
        raise unsupported(_NO_LINKS)

    def _file(self, path: str) -> tuple[Place, str]:
        place = find_place(self._folder, path)
        if place.name is None:
            raise denied(_NO_FOLDERS)
        return place, place.name

    def _target(self, path: str) -> tuple[Place, str]:
        """Where a file is to be put; a path into no folder is not a file that is missing."""
        try:
            return self._file(path)
        except Refused as refused:
            raise denied(_FOLDERS_OF_FILES) if refused.status == SFTP_NO_SUCH_FILE else refused from None

    def _uploads(self, place: Place) -> UploadFolder:
        if place.file_type is None:
            raise denied(_FOLDERS_OF_FILES)
        return UploadFolder(self._folder, place.file_type, self._limits)

    def _attributes_of_folder(self, place: Place, found: os.stat_result, name: str | None = None) -> SFTPAttributes:
        return attributes_of(found, name, is_writable=place.file_type is not None)


def _path(place: Place) -> Path:
    if place.path is None:
        raise missing()
    return place.path
