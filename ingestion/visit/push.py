"""Bringing: results and exports go to a partner's server, each written whole and then renamed into view."""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path

import paramiko

from ingestion.folder import ProgramFolder
from ingestion.visit.connection import rename_over
from resolvers.partner_server import Visit, Went, remember_file


@dataclass(slots=True)
class Push:
    """Brings what is new during one visit."""

    visit: Visit
    folder: ProgramFolder
    client: paramiko.SFTPClient

    async def run(self) -> int:
        """Bring what is new; how many files. Raises OSError, SSHException."""
        server, brought = self.visit.known.server, 0
        for place, folder in (
            (self.folder.handback, server.handback_folder),
            (self.folder.download, server.download_folder),
        ):
            for path in await asyncio.to_thread(_files, place) if folder is not None else ():
                brought += await self._bring(path, f"{str(folder).rstrip('/')}/{path.name}")
        return brought

    async def _bring(self, path: Path, remote: str) -> bool:
        key = f"push:{remote}"
        try:
            facts = await asyncio.to_thread(path.stat)
            before = self.visit.went.get(key)
            if before is not None and (before.size, before.modified_at) == (facts.st_size, facts.st_mtime_ns):
                return False
            sha256 = await asyncio.to_thread(self._upload, path, remote)
        except FileNotFoundError:
            if await asyncio.to_thread(path.exists):
                raise  # It is the partner's folder that is not there.
            return False
        await remember_file(self.visit, key, Went(size=facts.st_size, modified_at=facts.st_mtime_ns, sha256=sha256))
        return True

    def _upload(self, path: Path, remote: str) -> str:
        folder, _, name = remote.rpartition("/")
        draft = f"{folder}/.{name}.part"
        with path.open("rb") as local:
            self.client.putfo(local, draft)
            local.seek(0)
            sha256 = hashlib.file_digest(local, "sha256").hexdigest()
        rename_over(self.client, draft, remote)
        return sha256


def _files(place: Path) -> list[Path]:
    """The files of a folder, summaries last: where one is, the other results are complete."""
    found = [path for path in place.iterdir() if path.is_file()] if place.exists() else []
    return sorted(found, key=lambda path: (path.name.endswith(".summary.json"), path.name))
