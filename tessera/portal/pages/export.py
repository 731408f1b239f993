"""Exports: files that a program has written for itself or a partner, asked for by hand or on a schedule."""

from starlette.responses import FileResponse, Response

from domain.access import Permission
from domain.errors import RedemptionNotFound, TesseraError
from domain.export import KINDS
from ingestion.folder import program_folder
from resolvers.export import RequestExport, get_export, list_exports, request_export
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

PAGE = 25


async def show(visit: Visit, error: TesseraError | None = None) -> Response:
    """The newest exports, the schedule, and the form for one more."""
    before = visit.asked("before")
    exports = await list_exports(visit.ctx, first=PAGE + 1, before_id=visit.asked_number("before"))
    state = await visit.ctx.read(visit.ctx.program)
    return visit.page(
        "exports.html",
        error=error,
        exports=exports[:PAGE],
        kinds=KINDS,
        schedule=state.configuration.files.exports,
        older=f"{visit.url('exports')}?before={exports[PAGE - 1].id}" if len(exports) > PAGE else None,
        newest=visit.url("exports") if before else None,
        is_open=any(one.status in {"REQUESTED", "RUNNING"} for one in exports),
    )


async def ask(visit: Visit) -> Response:
    """Ask for one."""
    command = RequestExport(
        kind=visit.given("kind"),
        since_last=visit.given("scope") == "since_last",
        with_personal_data=visit.given("personal_data") == "yes",
        is_gzip=visit.given("gzip") == "yes",
    )
    try:
        await request_export(visit.ctx, command)
    except TesseraError as error:
        return await show(visit, error)
    return visit.go(visit.url("exports"), "The export is requested, and will be ready within seconds or minutes.")


async def download(visit: Visit) -> Response:
    """The file of an export, to keep; one with personal data is asked for by a form, which may want a code."""
    export = await get_export(visit.ctx, visit.path["export"])
    if export.personal_data:
        visit.ctx.principal.require(Permission.PERSONAL_INFORMATION)
        visit.ctx.principal.require_proof()
    folder = program_folder(visit.runtime.settings.data_dir, visit.ctx.principal).download
    path = None if export.file_name is None else folder / export.file_name
    if path is None or path.parent != folder or path.is_symlink() or not path.is_file():
        raise RedemptionNotFound("the file is not there any more")
    return FileResponse(path, filename=path.name, media_type="application/octet-stream")


PAGES: tuple[Page, ...] = (
    page("exports", show, Permission.EXPORT_READ),
    action("exports", ask, Permission.EXPORT_WRITE),
    page("exports/{export:int}", download, Permission.EXPORT_READ),
    action("exports/{export:int}", download, Permission.EXPORT_READ),
)
