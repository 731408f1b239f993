"""Files: what came, how far each is, what was rejected; uploads by hand, decisions, handbacks."""

import asyncio
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import FileResponse, Response

from domain.access import Permission
from domain.errors import BadRequest, BodyTooLarge, RedemptionNotFound, TesseraError
from ingestion.naming import FILE_TYPES, parse_file_name
from ingestion.receipt import find_handback, list_handbacks, receive_file
from resolvers.batch import (
    DISCARDED,
    FINISHED,
    HELD,
    PARKED,
    REFUSED,
    REJECTED,
    RUNNING,
    WAITING,
    get_batch,
    get_batch_totals,
    list_batch_rows,
    list_batches,
)
from resolvers.batch_decision import discard_batch, release_batch
from resolvers.batch_queue import find_queue_position
from resolvers.batch_upload import announce_upload, note_upload
from tessera.portal.route import MAX_UPLOAD_BYTES, Page, action, page
from tessera.portal.visit import Visit

PAGE, ROWS = 25, 100
_STATUSES = (WAITING, RUNNING, HELD, FINISHED, DISCARDED, REFUSED)
_ROW_STATUSES = (REJECTED, PARKED, "ACCEPTED")


async def show(visit: Visit, error: TesseraError | None = None) -> Response:
    """The newest files, also those that were refused, and the form for one more."""
    kind, status, before = visit.asked("type"), visit.asked("status"), visit.asked("before")
    batches = await list_batches(
        visit.ctx,
        first=PAGE + 1,
        before_id=visit.asked_number("before"),
        kind=kind if kind in FILE_TYPES else None,
        status=status if status in _STATUSES else None,
    )
    query = "".join(f"{name}={visit.asked(name)}&" for name in ("type", "status") if visit.asked(name).isalpha())
    return visit.page(
        "files.html",
        error=error,
        batches=batches[:PAGE],
        types=FILE_TYPES,
        statuses=_STATUSES,
        asked={"type": kind, "status": status},
        older=f"{visit.url('files')}?{query}before={batches[PAGE - 1].id}" if len(batches) > PAGE else None,
        newest=f"{visit.url('files')}?{query}" if before else None,
        most_mib=MAX_UPLOAD_BYTES // 2**20,
    )


async def show_one(visit: Visit, error: TesseraError | None = None) -> Response:
    """A file: its figures, its rejected lines, its handbacks."""
    batch = await get_batch(visit.ctx, visit.path["batch"])
    after, status = visit.asked("after"), visit.asked("rows", REJECTED)
    chosen = status if status in _ROW_STATUSES else REJECTED
    rows = await list_batch_rows(
        visit.ctx, batch.id, after_line=visit.asked_number("after") or 0, limit=ROWS + 1, status=chosen
    )
    here = visit.url(f"files/{batch.id}")
    data_dir = visit.runtime.settings.data_dir
    return visit.page(
        "file.html",
        error=error,
        batch=batch,
        totals=await get_batch_totals(visit.ctx, batch.id),
        rows=rows[:ROWS],
        chosen=chosen,
        row_statuses=_ROW_STATUSES,
        further=f"{here}?rows={chosen}&after={rows[ROWS - 1].line}" if len(rows) > ROWS else None,
        first=f"{here}?rows={chosen}" if after else None,
        handbacks=await asyncio.to_thread(list_handbacks, visit.ctx, data_dir, batch),
        **await _progress(visit, batch.id),
    )


async def show_progress(visit: Visit) -> Response:
    """How far a file is: a part of its page that looks again by itself."""
    batch = await get_batch(visit.ctx, visit.path["batch"])
    response = visit.page("progress_part.html", batch=batch, **await _progress(visit, batch.id))
    if batch.status not in {WAITING, RUNNING}:
        # Everything else on the page is another one by now.
        response.headers["hx-refresh"] = "true"
    return response


async def _progress(visit: Visit, batch_id: int) -> dict[str, Any]:
    return {"position": await find_queue_position(visit.ctx, batch_id), "now": visit.services.clock()}


async def show_handback(visit: Visit) -> Response:
    """A file of the results, to keep."""
    batch = await get_batch(visit.ctx, visit.path["batch"])
    path = find_handback(visit.ctx, visit.runtime.settings.data_dir, batch, visit.path["suffix"])
    if path is None:
        raise RedemptionNotFound("the handback is not there")
    # Under a name that it may be sent back by, once it is mended.
    name = f"{path.name.removesuffix('.rejects.csv')}_rejects.csv" if path.name.endswith(".rejects.csv") else path.name
    return FileResponse(path, filename=name, media_type="application/octet-stream")


async def upload(visit: Visit) -> Response:
    """Take a file, as the SFTP server does."""
    given, file_type = visit.form.get("file"), visit.given("type")
    try:
        if not isinstance(given, UploadFile) or not given.filename:
            raise BadRequest("file: choose one", field="file")
        body = await given.read()
        if len(body) > MAX_UPLOAD_BYTES:
            raise BodyTooLarge(f"file: at most {MAX_UPLOAD_BYTES // 2**20} MiB; larger ones go over SFTP", field="file")
        named, data_dir = parse_file_name(given.filename, file_type), visit.runtime.settings.data_dir
        waits = await announce_upload(visit.ctx, named.name, named.type)
        await asyncio.to_thread(receive_file, visit.ctx, data_dir, given.filename, file_type, body)
        await note_upload(visit.ctx, given.filename, file_type, body)
    except TesseraError as error:
        return await show(visit, error)
    if waits:
        return visit.go(visit.url("files"), f"{named.name} has arrived. Another administrator has to release it.")
    return visit.go(visit.url("files"), f"{named.name} has arrived, and will be processed within seconds.")


async def decide(visit: Visit) -> Response:
    """Let a held file go on, or end it."""
    number, what = visit.path["batch"], visit.given("what")
    try:
        if what not in {"release", "discard"}:
            raise BadRequest("what: unknown", field="what")
        await (release_batch if what == "release" else discard_batch)(visit.ctx, number)
    except TesseraError as error:
        return await show_one(visit, error)
    told = "The file is released." if what == "release" else "The file is discarded. What was posted before stays."
    return visit.go(visit.url(f"files/{number}"), told)


PAGES: tuple[Page, ...] = (
    page("files", show, Permission.BATCH_READ),
    action("files", upload, Permission.BATCH_WRITE),
    page("files/{batch:int}", show_one, Permission.BATCH_READ),
    action("files/{batch:int}", decide, Permission.BATCH_DECIDE),
    page("files/{batch:int}/progress", show_progress, Permission.BATCH_READ),
    page("files/{batch:int}/handback/{suffix}", show_handback, Permission.BATCH_READ),
)
