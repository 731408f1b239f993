"""Items of lists: campaigns, segments, tiers, attributes, figures, messages. One form for all, and the same as text."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from domain.access import Permission
from domain.errors import ConfigurationRefused, InvalidRequest, TesseraError
from domain.rules.difference import ITEM_NAMES
from domain.rules.model import Configuration
from domain.rules.vocabulary import vocabulary_of
from resolvers.catalog_stock import list_pools
from resolvers.configuration import get_configuration, read_configuration
from resolvers.fulfilment_partner import list_partners
from tessera.portal.configuring.change import Faults, faults_of
from tessera.portal.configuring.condition_editor import ConditionEditor
from tessera.portal.configuring.condition_form import (
    MAX_NODES,
    change_tree,
    count_nodes,
    read_tree,
    to_condition,
    to_tree,
)
from tessera.portal.configuring.draft import Draft, find_item, items_of, next_document
from tessera.portal.configuring.item_text import read_text, write_text
from tessera.portal.configuring.kind import CATALOG_ITEM, KINDS, Kind
from tessera.portal.configuring.schema_form import read_fields
from tessera.portal.pages.review import AREAS, show_review
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit


@dataclass(frozen=True, slots=True)
class _Read:
    """What the form says: the item, its condition, and the fields of the paths in that."""

    item: Mapping[str, Any]
    editor: ConditionEditor | None
    places: Mapping[str, str]


async def show(kind: Kind, visit: Visit) -> Response:
    """The form of an item that stands, or of a new one."""
    document = (await get_configuration(visit.ctx)).document
    name = visit.asked("name")
    stands = find_item(document, kind.section, name) if name else None
    item = stands or (kind.find_fixed(name) if name else kind.new)
    if item is None:
        raise InvalidRequest(f"there is no {kind.title.lower()} of this name any more")
    return await _draw(
        kind, visit, None, Draft(section=kind.section, item=item, name=name if stands is not None else None)
    )


async def edit(kind: Kind, visit: Visit) -> Response:
    """What the buttons of the form do: change its condition, show it as text, review it, take it away."""
    document, do = (await get_configuration(visit.ctx)).document, visit.given("do")
    name = visit.optional("was")
    before = find_item(document, kind.section, name) if name else kind.new
    if before is None:
        raise InvalidRequest(f"there is no {kind.title.lower()} of this name any more", field="was")
    if do == "remove" and name is not None:
        return await show_review(visit, Draft(section=kind.section, name=name), kind.area)
    draft = Draft(section=kind.section, item=before, name=name)
    try:
        item = await _read_item(kind, visit, document, before)
    except ConfigurationRefused as error:
        return await _draw(kind, visit, error, draft)
    draft = Draft(section=kind.section, item=item, name=name)
    if do == "review":
        return await show_review(visit, draft, kind.area, instead=partial(_draw, kind))
    if do in {"text", "form"}:
        # Fields that the other one has not would count as left blank.
        visit.form = FormData({"as": do} if do == "text" else {})
    return await _draw(kind, visit, None, draft)


async def _read_item(
    kind: Kind, visit: Visit, document: Mapping[str, Any], before: Mapping[str, Any]
) -> Mapping[str, Any]:
    if "text" in visit.form:
        item = read_text(kind.section, visit.given("text"))
        by = ITEM_NAMES[kind.section]
        if not isinstance(item.get(by), str):
            raise ConfigurationRefused(f"{by}: is missing", field="text")
        return item
    compiled = await asyncio.to_thread(read_configuration, document)
    return _read(kind, visit, compiled, before).item


def _read(kind: Kind, visit: Visit, configuration: Configuration, before: Mapping[str, Any]) -> _Read:
    item = read_fields(visit, kind.form(before, configuration), before)
    # A blank name is one that is missing, not one that is left as it was.
    item.setdefault(ITEM_NAMES[kind.section], "")
    kind.tidy(item)
    if kind.roots is None:
        return _Read(item, None, {})
    words = vocabulary_of(configuration).within(*kind.roots)
    root = change_tree(read_tree(visit, words), visit.given("do"))
    when, places = to_condition(root, words)
    item.pop("when", None)
    return _Read(item if when is None else {**item, "when": when}, ConditionEditor(words, root), places)


async def _draw(kind: Kind, visit: Visit, error: TesseraError | None = None, draft: Draft | None = None) -> Response:
    if draft is None or draft.item is None:
        raise InvalidRequest(f"there is no such {kind.title.lower()}")
    configuration = await get_configuration(visit.ctx)
    compiled = await asyncio.to_thread(read_configuration, configuration.document)
    found = _form(kind, visit, compiled, draft.item)
    fields = kind.form(draft.item, compiled, await _known(kind, visit, configuration.document))
    names = {one.path: one.name for one in fields} | dict(found.places)
    is_text = _is_text(kind, visit, draft.item)
    return visit.page(
        "item.html",
        error=error,
        found=None if error is None else _faults(configuration.document, draft, error, {} if is_text else names),
        kind=kind,
        area_title=AREAS[kind.area],
        version=configuration.version,
        draft=draft,
        fields=fields,
        editor=found.editor,
        text=(visit.form.get("text") or write_text(draft.item)) if is_text else None,
    )


async def _known(kind: Kind, visit: Visit, document: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Names that there are, for fields that take others too: they may be made afterwards."""
    if kind is not CATALOG_ITEM:
        return {}
    pools = {one.pool for one in await list_pools(visit.ctx)} if visit.may(Permission.CATALOG_READ) else set()
    partners = await list_partners(visit.ctx) if visit.may(Permission.CREDENTIAL_READ) else []
    return {
        "pool": sorted(pools | {one["pool"] for one in items_of(document, "catalog") if one.get("pool")}),
        "partner": [one.name for one in partners],
    }


def _is_text(kind: Kind, visit: Visit, item: Mapping[str, Any]) -> bool:
    """Whether it is shown as text: because that is asked for, or because no form has room for it."""
    asked = "text" in visit.form or visit.form.get("as") == "text"
    return asked or not kind.fields or count_nodes(item.get("when")) > MAX_NODES


def _form(kind: Kind, visit: Visit, configuration: Configuration, item: Mapping[str, Any]) -> _Read:
    if kind.roots is None:
        return _Read(item, None, {})
    if "when-0-kind" in visit.form:
        return _read(kind, visit, configuration, item)
    words = vocabulary_of(configuration).within(*kind.roots)
    return _Read(item, ConditionEditor(words, to_tree(item.get("when"))), {})


def _faults(document: Mapping[str, Any], draft: Draft, error: TesseraError, names: Mapping[str, str]) -> Faults | None:
    if error.field is not None:
        return None
    try:
        following = next_document(document, draft)
    except ConfigurationRefused:
        following = dict(document)
    return faults_of(error, following, draft, names)


PAGES: tuple[Page, ...] = tuple(
    one
    for kind in KINDS
    for one in (
        page(kind.path, partial(show, kind), Permission.CONFIGURATION_WRITE),
        action(kind.path, partial(edit, kind), Permission.CONFIGURATION_WRITE),
    )
)
