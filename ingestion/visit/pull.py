"""Fetching: what is new on a partner's server comes into the inbox, each file once.

A file is fetched to `work/visit/<server>/<TYPE>` under a temporary name, gets its own when all of it is there, is
remembered, and goes into `upload`. A visitor that is killed in between goes on from the file as it lies there.
"""

import asyncio
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
import structlog

from domain.errors import BatchRefused
from ingestion.arrival import CHECKSUM, is_unfinished
from ingestion.folder import FOLDER_MODE, ProgramFolder
from ingestion.inspection import MAX_FILE_BYTES
from ingestion.naming import parse_file_name
from ingestion.refusal import tell_refusal
from ingestion.visit.connection import rename_over
from resolvers.partner_server import Visit, Went, remember_file

MOST_FILES = 10_000
_BLOCK = 262_144

_log = structlog.get_logger("tessera.visits")


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """A file on a partner's server, as it was listed."""

    type: str
    folder: str
    name: str
    size: int
    modified_at: int

    @property
    def path(self) -> str:
        """Where it is."""
        return f"{self.folder.rstrip('/')}/{self.name}"

    @property
    def key(self) -> str:
        """What it is remembered by."""
        return f"pull:{self.path}"

    @property
    def stamp(self) -> tuple[int, int]:
        """What is another for another file of this name."""
        return self.size, self.modified_at


@dataclass(slots=True)
class Pull:
    """Fetches what is new during one visit."""

    visit: Visit
    folder: ProgramFolder
    client: paramiko.SFTPClient
    _before: dict[str, tuple[str, Went]] = field(init=False)

    def __post_init__(self) -> None:
        self._before = {went.sha256: (key, went) for key, went in self.visit.went.items() if key.startswith("pull:")}

    async def run(self) -> int:
        """Fetch what is new; how many files came into the inbox. Raises OSError, SSHException."""
        fetched = await self._deliver()
        for file_type, folder in sorted(self.visit.known.server.pull.items()):
            for remote in await asyncio.to_thread(self._list, file_type, folder):
                if not self._went(remote):
                    await self._fetch(remote)
                    fetched += await self._deliver()
                if self._went(remote) and self.visit.went[remote.key].sha256:
                    await asyncio.to_thread(self._tidy, remote)
        return fetched

    def _went(self, remote: Remote) -> bool:
        known = self.visit.went.get(remote.key)
        return known is not None and (known.size, known.modified_at) == remote.stamp

    def _list(self, file_type: str, folder: str) -> list[Remote]:
        """What may be fetched, checksums before their files, oldest first."""
        found = []
        for entry in self.client.listdir_iter(folder):
            if stat.S_ISREG(entry.st_mode or 0) and not is_unfinished(entry.filename):
                found.append(
                    Remote(
                        type=file_type,
                        folder=folder,
                        name=entry.filename,
                        size=entry.st_size or 0,
                        modified_at=int(entry.st_mtime or 0),
                    )
                )
            if len(found) >= MOST_FILES:
                break
        return sorted(found, key=lambda one: (not one.name.endswith(CHECKSUM), one.modified_at, one.name))

    async def _fetch(self, remote: Remote) -> None:
        try:
            parse_file_name(remote.name.removesuffix(CHECKSUM))
            if remote.size > MAX_FILE_BYTES:
                raise BatchRefused(f"larger than {MAX_FILE_BYTES} bytes")
        except BatchRefused as refusal:
            await self._refuse(remote, refusal)
            return
        place = self._place(remote.type) / remote.name
        if await asyncio.to_thread(self._download, remote, place):
            await self._remember(remote.key, place)

    async def _refuse(self, remote: Remote, refusal: BatchRefused) -> None:
        """Say once that a file is not fetched."""
        _log.warning("file not fetched", server=self.visit.known.server.name, reason=refusal.text)
        await tell_refusal(self.visit.ctx, self.folder.handback, remote.name, remote.type, refusal)
        await remember_file(self.visit, remote.key, Went(size=remote.size, modified_at=remote.modified_at, sha256=""))

    def _download(self, remote: Remote, place: Path) -> bool:
        """Fetch a file whole; False where somebody writes to it meanwhile."""
        place.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        draft = place.with_name(f"{place.name}.part")
        with draft.open("wb") as local:
            self.client.getfo(remote.path, local, max_concurrent_prefetch_requests=64)
            local.flush()
            os.fsync(local.fileno())
        now = self.client.stat(remote.path)
        if (now.st_size, int(now.st_mtime or 0)) != remote.stamp or draft.stat().st_size != remote.size:
            draft.unlink()
            return False
        os.utime(draft, (remote.modified_at, remote.modified_at))
        draft.rename(place)
        return True

    async def _deliver(self) -> int:
        """Put what was fetched into the inbox, but for content that came before; how many files."""
        delivered = 0
        for path in await asyncio.to_thread(self._fetched):
            file_type = path.parent.name
            key = f"pull:{self.visit.known.server.pull.get(file_type, '').rstrip('/')}/{path.name}"
            went = await self._remember(key, path)
            before = self._before.get(went.sha256)
            if before is not None and before != (key, went):
                _log.info("file fetched again", server=self.visit.known.server.name, file=path.name)
                await asyncio.to_thread(path.unlink)
            else:
                delivered += await asyncio.to_thread(self._hand_over, path, file_type)
        return delivered

    def _hand_over(self, path: Path, file_type: str) -> bool:
        target = self.folder.upload(file_type) / path.name
        if target.exists():
            return False
        path.rename(target)
        return not path.name.endswith(CHECKSUM)

    async def _remember(self, key: str, path: Path) -> Went:
        went = await asyncio.to_thread(_look, path)
        if self.visit.went.get(key) != went:
            await remember_file(self.visit, key, went)
        return went

    def _fetched(self) -> list[Path]:
        return sorted(_whole_files(self._place("any").parent), key=lambda one: not one.name.endswith(CHECKSUM))

    def _place(self, file_type: str) -> Path:
        return self.folder.work / "visit" / str(self.visit.known.id) / file_type

    def _tidy(self, remote: Remote) -> None:
        """Do with a file that was fetched what is to be done, which a visit before may not have come to."""
        server = self.visit.known.server
        if server.after_fetch == "DELETE":
            self.client.remove(remote.path)
        elif server.after_fetch == "MOVE":
            rename_over(self.client, remote.path, f"{(server.moved_folder or '').rstrip('/')}/{remote.name}")


def _whole_files(place: Path) -> Iterator[Path]:
    """What was fetched whole."""
    return (path for path in place.glob("*/*") if not is_unfinished(path.name))


def _look(path: Path) -> Went:
    with path.open("rb") as file:
        facts = os.fstat(file.fileno())
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Went(size=facts.st_size, modified_at=int(facts.st_mtime), sha256=sha256)
