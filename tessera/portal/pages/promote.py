"""Promote: the configuration as one file, taken to another environment with a preview of the difference."""

from dataclasses import replace
from typing import Any

import orjson
from starlette.responses import Response

from domain.access import Permission
from domain.errors import BadRequest, TesseraError
from resolvers.configuration import get_configuration
from resolvers.visitor import Place, enter_place
from tessera.portal.configuring.draft import FILE, Draft
from tessera.portal.configuring.item_text import write_text
from tessera.portal.pages.attributes import read_upload
from tessera.portal.pages.review import show_review
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

AREA = "promote"
_OF_ENVIRONMENT = ("allowed_origins", "sign_in_url")
"""Terms that say where an environment is, and stay with it."""


async def show(visit: Visit, error: TesseraError | None = None, _: Draft | None = None) -> Response:
    """The file to take away, and from where another may come."""
    configuration = await get_configuration(visit.ctx)
    return visit.page("promote.html", error=error, version=configuration.version, others=_others(visit))


async def download(visit: Visit) -> Response:
    """The whole configuration as a file."""
    configuration = await get_configuration(visit.ctx)
    text = write_text(configuration.document)
    number, environment = visit.ctx.principal.public_program_id, visit.ctx.principal.environment
    name = f"program-{number}-{environment}-version-{configuration.version}.yaml"
    return visit.file(text.encode(), name, "application/yaml")


async def take_file(visit: Visit) -> Response:
    """Take an uploaded configuration to the review."""
    try:
        name, text = await read_upload(visit, "file")
    except TesseraError as error:
        return await show(visit, error)
    item = {"source": text, "prune": visit.given("prune") == "yes", "name": name}
    return await show_review(visit, Draft(section=FILE, item=item), AREA, instead=show)


async def take_other(visit: Visit) -> Response:
    """Take the configuration of the program's other environment to the review."""
    try:
        document = await _document_of(visit, visit.given("environment"))
    except TesseraError as error:
        return await show(visit, error)
    own = (await get_configuration(visit.ctx)).document
    kept = {key: own["program"][key] for key in _OF_ENVIRONMENT}
    source = {**document, "program": {**document["program"], **kept}}
    item = {"source": orjson.dumps(source).decode(), "prune": True, "from": visit.given("environment")}
    return await show_review(visit, Draft(section=FILE, item=item), AREA, instead=show)


async def _document_of(visit: Visit, environment: str) -> dict[str, Any]:
    """What is in force there, if one may read it. Raises BadRequest, Forbidden."""
    for place in _others(visit):
        if place.environment == environment:
            principal = await enter_place(visit.services, visit.person, place)
            return dict((await get_configuration(replace(visit.ctx, principal=principal))).document)
    raise BadRequest("environment: the program has none of this name that you may enter", field="environment")


def _others(visit: Visit) -> list[Place]:
    """The other environments of the program that one may enter."""
    number, here = visit.ctx.principal.public_program_id, visit.ctx.principal.program_id
    return [one for one in visit.person.places if one.public_id == number and one.id != here]


PAGES: tuple[Page, ...] = (
    page("promote", show, Permission.CONFIGURATION_READ),
    page("promote/download", download, Permission.CONFIGURATION_READ),
    action("promote/file", take_file, Permission.CONFIGURATION_WRITE),
    action("promote/other", take_other, Permission.CONFIGURATION_WRITE),
)
