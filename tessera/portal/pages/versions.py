"""Versions of the configuration: who put which in force, what differs between two, and one put back."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from domain.access import Permission
from domain.errors import BadRequest, InvalidRequest
from resolvers.configuration import get_configuration
from resolvers.configuration_version import find_configuration, list_configuration_versions
from tessera.portal.configuring.difference import MAX_LINES, list_differences
from tessera.portal.configuring.draft import VERSION, Draft
from tessera.portal.configuring.item_text import write_text
from tessera.portal.pages.review import show_review
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

AREA = "versions"
PER_PAGE = 25


async def show(visit: Visit) -> Response:
    """The newest versions."""
    in_force = (await get_configuration(visit.ctx)).version
    before = _number(visit.asked("before"), "before") if visit.asked("before") else None
    found = await list_configuration_versions(visit.ctx, first=PER_PAGE + 1, before_version=before)
    versions = found[:PER_PAGE]
    return visit.page(
        "versions.html",
        in_force=in_force,
        versions=versions,
        newest=visit.url("versions") if before is not None else None,
        older=f"{visit.url('versions')}?before={versions[-1].version}" if len(found) > PER_PAGE else None,
    )


async def show_version(visit: Visit) -> Response:
    """A whole version, as a file has it."""
    number = visit.path["number"]
    document = await _document(visit, number)
    in_force = (await get_configuration(visit.ctx)).version
    return visit.page("version.html", number=number, in_force=in_force, text=write_text(document))


async def compare(visit: Visit) -> Response:
    """What differs between two versions."""
    before, after = _number(visit.asked("before"), "before"), _number(visit.asked("after"), "after")
    lines = list_differences(await _document(visit, before), await _document(visit, after))
    return visit.page("compare.html", before=before, after=after, lines=lines, is_cut=len(lines) == MAX_LINES)


async def put_back(visit: Visit) -> Response:
    """Take a version that was in force to the review."""
    number = _number(visit.given("number"), "number")
    await _document(visit, number)
    return await show_review(visit, Draft(section=VERSION, name=str(number)), AREA)


async def _document(visit: Visit, number: int) -> Mapping[str, Any]:
    found = await find_configuration(visit.ctx, number)
    if found is None:
        raise InvalidRequest(f"there is no version {number}")
    return found.document


def _number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise BadRequest(f"{name}: a version is a number", field=name)
    return int(text)


PAGES: tuple[Page, ...] = (
    page("versions", show, Permission.CONFIGURATION_READ),
    page("versions/compare", compare, Permission.CONFIGURATION_READ),
    page("versions/{number:int}", show_version, Permission.CONFIGURATION_READ),
    action("versions/put-back", put_back, Permission.CONFIGURATION_WRITE),
)
