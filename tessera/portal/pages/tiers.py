"""Tiers: how members come to them, and what each gives."""

from starlette.responses import Response

from domain.access import Permission
from domain.errors import TesseraError
from resolvers.configuration import get_configuration
from tessera.portal.configuring.change import faults_of
from tessera.portal.configuring.draft import Draft, next_document
from tessera.portal.configuring.schema_form import form_of, read_fields
from tessera.portal.pages.review import show_review
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

AREA = "tiers"
_FIELDS = ("assessment", "basis", "aggregate", "window", "retention_days")
_LABELS = {
    "assessment": "Members move between tiers",
    "basis": "They are assessed by",
    "aggregate": "Running figure",
    "window": "Which points count",
    "retention_days": "Days that a tier is kept",
}


async def show(visit: Visit, error: TesseraError | None = None, draft: Draft | None = None) -> Response:
    """The levels, and how members come to them."""
    configuration = await get_configuration(visit.ctx)
    document = configuration.document
    tiers = document["tiers"] if draft is None or draft.item is None else draft.item
    figures = [("", "None"), *((one["key"], one["key"]) for one in document["aggregates"])]
    fields = form_of("tiers", tiers, _FIELDS, labels=_LABELS, options={"aggregate": figures})
    names = {one.path: one.name for one in fields}
    faults = None
    if error is not None and draft is not None:
        faults = faults_of(error, next_document(document, draft), draft, names)
    return visit.page(
        "tiers.html",
        error=error,
        found=faults,
        version=configuration.version,
        tiers=document["tiers"],
        fields=fields,
    )


async def save(visit: Visit) -> Response:
    """Take the assessment to the review."""
    tiers = (await get_configuration(visit.ctx)).document["tiers"]
    item = read_fields(visit, form_of("tiers", tiers, _FIELDS), tiers)
    return await show_review(visit, Draft(section="tiers", item=item), AREA, instead=show)


PAGES: tuple[Page, ...] = (
    page("tiers", show, Permission.CONFIGURATION_READ),
    action("tiers", save, Permission.CONFIGURATION_WRITE),
)
