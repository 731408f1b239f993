"""Writing exports: page by page in constant memory, whole or not at all, the same bytes for the same content."""

import asyncio
import csv
import gzip
import hashlib
import io
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from domain.errors import RequestNotPending, ServiceUnavailable
from domain.export import KINDS
from domain.program_zone import local_date
from ingestion.folder import ProgramFolder, program_folder
from ingestion.outbound.columns import Table, table_of
from ingestion.whole import whole_file
from resolvers.cell import harmless
from resolvers.context import Context, Services
from resolvers.expiry import expire_due
from resolvers.export import Export, begin_waiting_export, fail_export, finish_export, keep_export
from resolvers.export_page import ExportLayout, get_export_layout, read_export_page
from resolvers.export_schedule import export_contexts, schedule_exports

_log = logging.getLogger("tessera.ingestion")

_PAGES_PER_SIGN = 20
"""After so many pages whoever writes says that it is still there."""


async def work_exports(services: Services, data_dir: Path) -> int:
    """Ask for what is due in each program, and write one export that waits; how many were seen to."""
    done = 0
    for ctx in await export_contexts(services):
        done += await schedule_exports(ctx)
        export = await begin_waiting_export(ctx)
        if export is not None:
            await _put_out(ctx, export, program_folder(data_dir, ctx.principal))
            done += 1
    return done


async def _put_out(ctx: Context, export: Export, folder: ProgramFolder) -> None:
    try:
        layout = await get_export_layout(ctx, export)
        name = file_name_of(export, layout)
        if export.attempt > 1:
            await asyncio.to_thread(_forget_unfinished, folder.work, name)
        await write_export(ctx, export, folder.download / name, layout=layout)
    except ServiceUnavailable:
        # It stays begun, and is taken up again once nobody has been heard of it for a while.
        raise
    except RequestNotPending:
        _log.warning("export %d of program %d was taken up by another process", export.id, ctx.principal.program)
    except Exception as error:
        _log.exception("export %d of program %d failed", export.id, ctx.principal.program)
        # What a disk says helps whoever asked; what else went wrong stands in the log.
        told = error.strerror if isinstance(error, OSError) else None
        with suppress(RequestNotPending):
            await fail_export(ctx, export, f"it could not be written: {told or 'see the log'}")


def _forget_unfinished(work: Path, name: str) -> None:
    """Remove what who began the export left of it when it was killed."""
    for path in work.glob(f"{name}.*"):
        path.unlink(missing_ok=True)


def file_name_of(export: Export, layout: ExportLayout) -> str:
    """The name in the download folder: the same again for the same export, and good for a file that is loaded."""
    day = local_date(export.due_at or export.requested_at, layout.zone)
    file_type = next(one.file_type for name, one in KINDS.items() if name == export.kind)
    stem = f"{export.kind}_{day:%Y%m%d}_{export.id}" + ("" if file_type is None else f"_{file_type}")
    return f"{stem}.csv.gz" if export.is_gzip else f"{stem}.csv"


async def write_export(
    ctx: Context,
    export: Export,
    path: Path,
    *,
    layout: ExportLayout | None = None,
    unfinished: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Export:
    """Write an export that was begun, and its `.sha256` before it, and say that it stands.

    `unfinished` is the folder that it is made in, None: the program's. Raises Forbidden, RequestNotPending (another
    process took it up), ServiceUnavailable, OSError; then nothing has come into view.
    """
    layout = layout or await get_export_layout(ctx, export)
    table = table_of(export.kind, layout)
    with whole_file(path, unfinished) as file:
        out = _Out(file, export)
        await asyncio.to_thread(out.write, [table.header])
        async for rows, left_out in _pages(ctx, export, layout, table):
            await asyncio.to_thread(out.write, rows)
            out.rows, out.left_out, out.pages = out.rows + len(rows), out.left_out + left_out, out.pages + 1
            if out.pages % _PAGES_PER_SIGN == 0:
                await keep_export(ctx, export, rows=out.rows, left_out=out.left_out)
            if progress is not None:
                progress(out.rows)
        digest = out.close()
        # Nobody but who has the export may put it into view.
        await keep_export(ctx, export, rows=out.rows, left_out=out.left_out)
        with whole_file(path.with_name(f"{path.name}.sha256"), unfinished) as beside:
            beside.write(f"{digest}  {path.name}\n".encode())
    return await finish_export(ctx, export, rows=out.rows, left_out=out.left_out, sha256=digest, file_name=path.name)


async def _pages(
    ctx: Context, export: Export, layout: ExportLayout, table: Table
) -> AsyncIterator[tuple[list[Sequence[str]], int]]:
    """The cells of the rows, page by page, and how many rows were left out."""
    if export.kind == "attributes":
        yield list(map(table.cells, layout.definitions)), 0
        return
    if export.kind in {"lots", "liability"}:
        # What is over must be booked: what holds that lapsed give back is in no lot before.
        await expire_due(ctx.services)
    place, is_last = None, False
    while not is_last:
        page = await read_export_page(ctx, export, place)
        yield list(map(table.cells, page.rows)), page.left_out
        place, is_last = page.place, page.place is None


@dataclass(slots=True)
class _Out:
    """Takes rows and gives bytes: separated, packed where that was asked for, hashed as they lie on the disk."""

    file: BinaryIO
    export: Export
    rows: int = 0
    left_out: int = 0
    pages: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    _packed: gzip.GzipFile | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.export.is_gzip:
            # Neither a name nor a time, so that the same content has the same hash.
            self._packed = gzip.GzipFile(filename="", mode="wb", fileobj=_Hashing(self.file, self._hash), mtime=0)

    def write(self, rows: Iterable[Sequence[str]]) -> None:
        """Write rows."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter="|" if self.export.is_pipe else ",")
        writer.writerows([harmless(cell, keeps_numbers=True) for cell in row] for row in rows)
        content = text.getvalue().encode()
        if self._packed is not None:
            self._packed.write(content)
        else:
            self._hash.update(content)
            self.file.write(content)

    def close(self) -> str:
        """End the packing; SHA-256 of all that was written."""
        if self._packed is not None:
            self._packed.close()
        return self._hash.hexdigest()


class _Hashing(io.RawIOBase):
    """A file to write to, whose bytes are hashed on the way."""

    def __init__(self, file: BinaryIO, digest: "hashlib._Hash") -> None:
        self._file, self._digest = file, digest

    def writable(self) -> bool:
        return True

    def write(self, content: "bytes | bytearray | memoryview", /) -> int:  # type: ignore[override]  # of bytes
        self._digest.update(content)
        return self._file.write(content)
