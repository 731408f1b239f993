"""What lies in the folders for too long: uploads that nobody finishes, checksums without a file, what was kept.

Nothing of it is silent: a partner is told, once, of what is not taken.
"""

import asyncio
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import structlog

from domain.access import system_principal
from domain.errors import BatchRefused
from domain.ids import new_token
from ingestion.arrival import CHECKSUM, is_unfinished, promised_hash, put_away
from ingestion.folder import FOLDER_MODE, ProgramFolder, program_folder
from ingestion.naming import FILE_TYPES
from ingestion.refusal import tell_refusal
from resolvers.batch import find_batch_by_name
from resolvers.batch_refusal import forget_old_refusals
from resolvers.context import Context, Services
from resolvers.program import list_environment_programs

STALE = timedelta(days=1)
SETTLED = timedelta(minutes=1)
"""A checksum that lies alone for less may be one whose file comes next."""

_log = structlog.get_logger("tessera.inbox")


async def sweep_files(services: Services, data_dir: Path) -> int:
    """A job: tell of what is not taken, remove what was kept for its time; how many files were seen to."""
    swept = 0
    for program in await list_environment_programs(services):
        principal = system_principal(program.id, program.public_id, program.environment, "system:inbox")
        ctx = Context(services=services, principal=principal, source="file", request_id=new_token("file", nbytes=8))
        folder = program_folder(data_dir, principal)
        if folder.root.exists():
            swept += await _sweep(ctx, folder)
    return swept


async def _sweep(ctx: Context, folder: ProgramFolder) -> int:
    now_s = ctx.services.clock().timestamp()
    unfinished = await asyncio.to_thread(_new_unfinished, folder, now_s)
    for file_type, name in unfinished:
        refusal = BatchRefused("nobody has gone on with this upload for a day: it is not taken until it is finished")
        await _tell(ctx, folder, name, file_type, refusal)
        await asyncio.to_thread(_note_told, folder, file_type, name)
    for path in await asyncio.to_thread(_lone_checksums, folder, now_s):
        await _settle_checksum(ctx, folder, path, now_s)
    days = (await ctx.read(ctx.program)).configuration.files.retention_days
    removed = await asyncio.to_thread(_remove_old, folder, now_s - timedelta(days=days).total_seconds())
    await forget_old_refusals(ctx)
    if removed:
        _log.info("old files removed", program=ctx.principal.public_program_id, files=removed, after_days=days)
    return len(unfinished) + removed


async def _settle_checksum(ctx: Context, folder: ProgramFolder, path: Path, now_s: float) -> None:
    """A checksum that came after its file was taken is compared all the same; one whose file never comes goes."""
    name = path.name.removesuffix(CHECKSUM)
    batch = await find_batch_by_name(ctx, name)
    if batch is None and _age_s(path, now_s) < STALE.total_seconds():
        return
    try:
        promised = promised_hash(path.with_name(name))
        if batch is None:
            raise BatchRefused("a checksum file came, and no file of this name")
        if promised != batch.sha256:
            raise BatchRefused(
                f"the checksum file came when the file had been taken as batch {batch.id}, and says {promised}: "
                f"the SHA-256 of what was taken is {batch.sha256}"
            )
    except BatchRefused as refusal:
        await _tell(ctx, folder, name, path.parent.name, refusal)
    await asyncio.to_thread(put_away, folder, path)


def _lone_checksums(folder: ProgramFolder, now_s: float) -> list[Path]:
    """Those that came when their file had been taken, or whose file is still to come."""
    places = [place for one in FILE_TYPES for place in (folder.upload(one), folder.taken(one))]
    checksums = [path for place in places for path in _files(place) if path.name.endswith(CHECKSUM)]
    return [
        path
        for path in checksums
        if _age_s(path, now_s) > SETTLED.total_seconds()
        and not path.with_name(path.name.removesuffix(CHECKSUM)).exists()
    ]


def _new_unfinished(folder: ProgramFolder, now_s: float) -> list[tuple[str, str]]:
    """Uploads that nobody has gone on with for a day and that were not told of, by type and name."""
    found = []
    for file_type in FILE_TYPES:
        marks = folder.unfinished(file_type, "name").parent
        parts = [path for path in _files(folder.upload(file_type)) if is_unfinished(path.name)]
        stale = {path.name for path in (*parts, *_files(marks)) if _age_s(path, now_s) > STALE.total_seconds()}
        notes = list(_files(_notes(folder, file_type)))
        for note in notes:
            if note.name not in stale:
                note.unlink(missing_ok=True)
        found += [(file_type, name) for name in sorted(stale - {note.name for note in notes})]
    return found


def _note_told(folder: ProgramFolder, file_type: str, name: str) -> None:
    notes = _notes(folder, file_type)
    notes.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    (notes / name).touch()


def _notes(folder: ProgramFolder, file_type: str) -> Path:
    return folder.work / "told" / file_type


async def _tell(ctx: Context, folder: ProgramFolder, name: str, file_type: str, refusal: BatchRefused) -> None:
    program = ctx.principal.public_program_id
    _log.warning("file not taken", program=program, file=ascii(name)[1:-1], reason=refusal.text)
    await tell_refusal(ctx, folder.handback, name, file_type, refusal)


def _remove_old(folder: ProgramFolder, before_s: float) -> int:
    removed = 0
    for path in (*_files(folder.processed), *_files(folder.handback), *_files(folder.download)):
        # When it was put there, whatever its sender says when it was written.
        if path.lstat().st_ctime < before_s:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
            removed += 1
    return removed


def _age_s(path: Path, now_s: float) -> float:
    try:
        return now_s - path.lstat().st_ctime
    except FileNotFoundError:
        return 0.0


def _files(place: Path) -> Iterator[Path]:
    return iter(sorted(place.iterdir())) if place.exists() else iter(())
