"""Segments: who is in them, and snapshots of frozen ones."""

from starlette.responses import Response

from domain.access import Permission
from domain.errors import BadRequest, InvalidRequest, TesseraError
from resolvers.configuration import get_configuration
from resolvers.segment import list_segment_members
from resolvers.snapshot import FreezeSegment, freeze_segment
from tessera.portal.configuring.draft import find_item
from tessera.portal.render import plural
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

PER_PAGE = 50


async def show(visit: Visit) -> Response:
    """The segments with their conditions."""
    configuration = await get_configuration(visit.ctx)
    document = configuration.document
    return visit.page("segments.html", version=configuration.version, segments=document["segments"])


async def show_members(visit: Visit, error: TesseraError | None = None) -> Response:
    """A page of the members of a segment."""
    name = visit.asked("name") or visit.given("name")
    document = (await get_configuration(visit.ctx)).document
    segment = find_item(document, "segments", name)
    if segment is None:
        raise InvalidRequest("there is no segment of this name any more")
    after = visit.asked("after")
    if after and not (after.isascii() and after.isdigit() and len(after) < 19):
        raise BadRequest("after: no position", field="after")
    found = await list_segment_members(
        visit.ctx, segment["name"], first=PER_PAGE, after_id=int(after) if after else None
    )
    return visit.page(
        "segment_members.html",
        error=error,
        segment=segment,
        members=found.members,
        is_first=not after,
        next_id=found.position if found.has_more else None,
    )


async def freeze(visit: Visit) -> Response:
    """Take the snapshot of a frozen segment anew, or take more members into it."""
    listed = visit.given("members").split()
    command = FreezeSegment(segment=visit.given("name"), replaces=visit.given("how") != "add", members=listed or None)
    try:
        frozen = await freeze_segment(visit.ctx, command)
    except TesseraError as error:
        return await show_members(visit, error)
    told = f"{plural(frozen.size, 'member')} in the snapshot: {frozen.added} added, {frozen.removed} removed."
    return visit.go(visit.url("segments"), f"“{frozen.segment}”: {told}")


PAGES: tuple[Page, ...] = (
    page("segments", show, Permission.CONFIGURATION_READ),
    page("segments/members", show_members, Permission.MEMBER_READ),
    action("segments/freeze", freeze, Permission.CONFIGURATION_WRITE),
)
