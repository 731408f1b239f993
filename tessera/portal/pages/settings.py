"""Settings: the terms of the program, part by part; messages to members, and examples that rules are held against."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from domain.access import Permission
from domain.errors import ConfigurationRefused, InvalidRequest, TesseraError
from domain.expiry_terms import in_words
from domain.rules.parse_program import read_expiry
from domain.rules.problem import Problems
from resolvers.configuration import get_configuration
from tessera.portal.configuring.change import Faults, faults_of
from tessera.portal.configuring.draft import Draft, items_of, next_document
from tessera.portal.configuring.section import PARTS, Part
from tessera.portal.pages.review import show_review
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

AREA = "settings"
_PARTS: Mapping[str, Part] = {one.key: one for one in PARTS}


async def show(visit: Visit) -> Response:
    """All parts with what matters of each."""
    configuration = await get_configuration(visit.ctx)
    document = configuration.document
    return visit.page(
        "settings.html",
        version=configuration.version,
        parts=[
            (one, [(key, one.labels.get(key), document[one.section].get(key)) for key in one.shown]) for one in PARTS
        ],
        expiry=in_words(read_expiry(document["expiry"], Problems())),
        messages=document["messages"],
    )


async def show_examples(visit: Visit) -> Response:
    """The examples that every change is held against."""
    configuration = await get_configuration(visit.ctx)
    return visit.page("examples.html", examples=configuration.document["examples"], version=configuration.version)


async def show_part(visit: Visit, error: TesseraError | None = None, draft: Draft | None = None) -> Response:
    """The form of a part."""
    part = _part(visit)
    configuration = await get_configuration(visit.ctx)
    stands: Mapping[str, Any] = configuration.document[part.section] or {}
    section = stands if draft is None or draft.item is None else draft.item
    products = [one["code"] for one in items_of(configuration.document, "product_codes")]
    fields, rows = part.form(section), part.row_forms(section, products=products)
    names = {one.path: one.name for one in fields} | {one.name: one.name for row in rows for one in row}
    return visit.page(
        "setting.html",
        error=error,
        found=_faults(configuration.document, draft, error, names),
        version=configuration.version,
        part=part,
        fields=fields,
        rows=rows,
        count=len(section.get(part.rows.key) or ()) if part.rows is not None else 0,
    )


def _faults(
    document: Mapping[str, Any], draft: Draft | None, error: TesseraError | None, names: Mapping[str, str]
) -> Faults | None:
    if error is None or draft is None or not isinstance(error, ConfigurationRefused):
        return None
    return faults_of(error, next_document(document, draft), draft, names)


async def save_part(visit: Visit) -> Response:
    """Take a part to the review."""
    part = _part(visit)
    document = (await get_configuration(visit.ctx)).document
    item = part.read(visit, document[part.section] or {})
    return await show_review(visit, Draft(section=part.section, item=item), AREA, instead=show_part)


def _part(visit: Visit) -> Part:
    part = _PARTS.get(visit.path["part"])
    if part is None:
        raise InvalidRequest("there is no such part of the settings")
    return part


PAGES: tuple[Page, ...] = (
    page("settings", show, Permission.CONFIGURATION_READ),
    page("settings/examples", show_examples, Permission.CONFIGURATION_READ),
    page("settings/part/{part}", show_part, Permission.CONFIGURATION_WRITE),
    action("settings/part/{part}", save_part, Permission.CONFIGURATION_WRITE),
)
