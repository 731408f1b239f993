"""Attributes of purchases and members, product codes, running figures; as files, and as partners propose them."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace

from starlette.datastructures import UploadFile
from starlette.responses import Response

from domain.access import Permission
from domain.errors import BadRequest, ConfigurationRefused, TesseraError
from domain.rules.document import MAX_BYTES
from resolvers.attribute import AttributeFormat, export_attributes, list_attributes
from resolvers.attribute_file import read_csv, read_json
from resolvers.attribute_proposal import (
    ApplyProposals,
    apply_attribute_proposals,
    dismiss_attribute_proposals,
    list_attribute_proposals,
)
from resolvers.configuration import get_configuration, read_configuration
from tessera.portal.configuring.change import expected_version
from tessera.portal.configuring.draft import FILE, Draft
from tessera.portal.pages.review import show_review
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

AREA = "attributes"
MOST = 100
_FORMATS: Mapping[str, tuple[AttributeFormat, str]] = {
    "csv": (AttributeFormat.CSV, "text/csv"),
    "json": (AttributeFormat.JSON, "application/json"),
}


async def show(visit: Visit, error: TesseraError | None = None) -> Response:
    """All definitions, and what waits for a decision."""
    configuration = await get_configuration(visit.ctx)
    document = configuration.document
    return visit.page(
        "attributes.html",
        error=error,
        version=configuration.version,
        attributes=list_attributes(document),
        products=document["product_codes"],
        figures=document["aggregates"],
        proposals=await list_attribute_proposals(visit.ctx, first=MOST),
    )


async def export(visit: Visit) -> Response:
    """The definitions as a file."""
    found = _FORMATS.get(visit.path["ending"])
    if found is None:
        raise BadRequest("ending: csv or json", field="ending")
    text = await export_attributes(visit.ctx, found[0])
    return visit.file(text.encode(), f"attributes.{visit.path['ending']}", found[1])


async def take_file(visit: Visit) -> Response:
    """Take a file of definitions to the review."""
    try:
        name, text = await read_upload(visit, "file")
        given = await asyncio.to_thread(read_json if name.lower().endswith(".json") else read_csv, text)
        # By itself first, so that faults are told with the places of the file.
        await asyncio.to_thread(read_configuration, given)
    except TesseraError as error:
        return await show(visit, error)
    item = {"source": json.dumps(given, default=str), "prune": False, "name": name}
    return await show_review(visit, Draft(section=FILE, item=item), AREA)


async def read_upload(visit: Visit, field: str) -> tuple[str, str]:
    """The name and text of a file that came with the form. Raises BadRequest, ConfigurationRefused."""
    upload = visit.form.get(field)
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise BadRequest(f"{field}: choose a file", field=field)
    body = await upload.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise ConfigurationRefused("the file is larger than 1 MiB", field=field)
    try:
        return upload.filename[:200], body.decode("utf-8-sig")
    except UnicodeError as error:
        raise ConfigurationRefused("the file is not UTF-8", field=field) from error


async def decide(visit: Visit) -> Response:
    """Put proposals in force, or let them be."""
    try:
        ids = [int(one) for one in visit.many("proposal") if one.isascii() and one.isdigit() and len(one) < 19]
        told = await _decided(visit, ids)
    except TesseraError as error:
        return await show(visit, error)
    return visit.go(visit.url(AREA), told)


async def _decided(visit: Visit, ids: list[int]) -> str:
    if visit.given("what") == "dismiss":
        await dismiss_attribute_proposals(visit.ctx, ids)
        return "The proposals are dismissed."
    if visit.given("what") != "apply":
        raise BadRequest("what: unknown", field="what")
    command = ApplyProposals(ids=ids, expected_version=expected_version(visit))
    applied = await apply_attribute_proposals(replace(visit.ctx, proposal=visit.optional("reason")), command)
    if applied.request_id is not None:
        return "Another administrator has to approve it now; until then nothing changes."
    return f"Version {applied.version} is in force, with what was proposed."


PAGES: tuple[Page, ...] = (
    page("attributes", show, Permission.CONFIGURATION_READ),
    page("attributes/export.{ending}", export, Permission.CONFIGURATION_READ),
    action("attributes/import", take_file, Permission.CONFIGURATION_WRITE),
    action("attributes/proposals", decide, Permission.CONFIGURATION_WRITE),
)
