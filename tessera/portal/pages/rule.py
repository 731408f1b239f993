"""A rule: the form that builds it without code, and the same as text for who prefers that."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from domain.access import Permission
from domain.errors import ConfigurationRefused, InvalidRequest, TesseraError
from domain.rules.model import Configuration
from resolvers.configuration import AppliedConfiguration, get_configuration, read_configuration
from tessera.portal.configuring.change import broken_examples, change_at_once, faults_of, needs_approval
from tessera.portal.configuring.condition_form import MAX_NODES, count_nodes
from tessera.portal.configuring.draft import Draft, decode, find_item, next_document
from tessera.portal.configuring.item_text import read_text, write_text
from tessera.portal.configuring.rule_form import AWARDS, RuleForm, read_rule, show_rule
from tessera.portal.configuring.words import show_award, show_condition
from tessera.portal.pages.review import show_review
from tessera.portal.pages.rules import AREA
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

_NEW: Mapping[str, Any] = {"name": "", "enabled": True, "award": {"type": "per_unit", "of": "transaction.amount"}}


async def show(visit: Visit) -> Response:
    """The form of a rule that stands, of a new one, or of a copy."""
    configuration = await get_configuration(visit.ctx)
    group, name = visit.asked("group"), visit.asked("rule")
    item = _NEW if not name else find_item(configuration.document, "rules", name, group)
    if item is None:
        raise InvalidRequest("there is no such rule any more")
    if visit.asked("copy"):
        item = {**item, "name": _free_name(configuration.document, group, name), "enabled": False}
    is_new = not name or bool(visit.asked("copy"))
    draft = Draft(
        section="rules", item=item, name=None if is_new else name, group=group, from_group=None if is_new else group
    )
    return await show_form(visit, draft=draft)


def _free_name(document: Mapping[str, Any], group: str, name: str) -> str:
    copies = (f"{name[:80]} (copy{'' if number == 1 else f' {number}'})" for number in range(1, 1000))
    return next(one for one in copies if find_item(document, "rules", one, group) is None)


async def edit(visit: Visit) -> Response:
    """What the buttons of the form do: change its condition, show it as text, review it, keep it paused."""
    configuration, do = await get_configuration(visit.ctx), visit.given("do")
    if visit.given("draft"):
        draft, visit.form = decode(visit.given("draft")), _without_fields(visit)
        return await show_form(visit, draft=draft)
    compiled = await asyncio.to_thread(read_configuration, configuration.document)
    try:
        draft = await _read(visit, configuration, compiled)
    except ConfigurationRefused as error:
        # A text that cannot be read stays as it was typed.
        return await show_text(visit, error, _typed(visit))
    if do == "text":
        return await show_text(visit, draft=draft)
    if do == "paused":
        return await _keep_paused(visit, draft)
    if do == "review":
        item = {**(draft.item or {}), "enabled": True}
        return await show_review(visit, _with(draft, item), AREA, instead=show_form)
    return await show_form(visit, draft=draft)


async def _read(visit: Visit, configuration: AppliedConfiguration, compiled: Configuration) -> Draft:
    """The draft that the form says: as fields, or as text."""
    name, from_group = visit.optional("was"), visit.optional("from_group")
    before = find_item(configuration.document, "rules", name, from_group) if name else None
    if name and before is None:
        raise InvalidRequest("there is no such rule any more", field="was")
    if "text" in visit.form:
        item: Mapping[str, Any] = read_text("rules", visit.given("text"))
    else:
        item = read_rule(visit, compiled, before or _NEW).item
    return Draft(section="rules", item=item, name=name, group=visit.optional("group"), from_group=from_group)


def _typed(visit: Visit) -> Draft:
    return Draft(
        section="rules",
        item=_NEW,
        name=visit.optional("was"),
        group=visit.optional("group"),
        from_group=visit.optional("from_group"),
    )


async def _keep_paused(visit: Visit, draft: Draft) -> Response:
    item = {**(draft.item or {}), "enabled": False}
    if needs_approval((await get_configuration(visit.ctx)).document):
        return await show_review(visit, _with(draft, item), AREA, instead=show_form)
    try:
        told = await change_at_once(visit, _with(draft, item))
    except TesseraError as error:
        if broken_examples(error):
            return await show_review(visit, _with(draft, item), AREA)
        return await show_form(visit, error, draft)
    return visit.go(visit.url("rules"), f"“{item.get('name')}” is saved, and paused. {told}")


def _with(draft: Draft, item: Mapping[str, Any]) -> Draft:
    return Draft(section=draft.section, item=item, name=draft.name, group=draft.group, from_group=draft.from_group)


async def show_form(visit: Visit, error: TesseraError | None = None, draft: Draft | None = None) -> Response:
    """The form with what the draft says."""
    if draft is None or draft.item is None:
        raise InvalidRequest("there is no such rule")
    if "text" in visit.form:
        if error is not None or visit.given("do") != "form":
            return await show_text(visit, error, draft)
        visit.form = _without_fields(visit)
    configuration = await get_configuration(visit.ctx)
    if count_nodes(draft.item.get("when")) > MAX_NODES:
        return await show_text(visit, error, draft)
    compiled = await asyncio.to_thread(read_configuration, configuration.document)
    form = show_rule(draft.item, compiled)
    if "when-0-kind" in visit.form:
        form = read_rule(visit, compiled, draft.item)
    return visit.page(
        "rule.html",
        error=error,
        found=None if error is None else _faults(configuration, draft, error, form.names),
        version=configuration.version,
        draft=draft,
        rule=form,
        awards=list(AWARDS.items()),
        groups=[one["name"] for one in configuration.document["rule_groups"]],
        sentence=_sentence(form),
    )


def _faults(configuration: AppliedConfiguration, draft: Draft, error: TesseraError, names: Mapping[str, str]) -> Any:
    try:
        following = next_document(configuration.document, draft)
    except ConfigurationRefused:
        following = dict(configuration.document)
    return faults_of(error, following, draft, names)


def _sentence(form: RuleForm) -> tuple[str, str] | None:
    """The rule in words, as far as it says enough."""
    try:
        return show_condition(form.item.get("when")), show_award(form.item["award"])
    except (KeyError, TypeError):
        return None


async def show_text(visit: Visit, error: TesseraError | None = None, draft: Draft | None = None) -> Response:
    """The rule as text, which says all that the language can say."""
    if draft is None or draft.item is None:
        raise InvalidRequest("there is no such rule")
    configuration = await get_configuration(visit.ctx)
    faults = None if error is None else _faults(configuration, draft, error, {})
    return visit.page(
        "rule_text.html",
        error=error,
        found=faults,
        version=configuration.version,
        draft=draft,
        text=visit.form.get("text") or write_text(draft.item),
        groups=[one["name"] for one in configuration.document["rule_groups"]],
    )


def _without_fields(visit: Visit) -> FormData:
    """What is left of the form once another one is shown: its version."""
    return FormData([(key, value) for key, value in visit.form.multi_items() if key == "expected_version"])


PAGES: tuple[Page, ...] = (
    page("rules/edit", show, Permission.CONFIGURATION_WRITE),
    action("rules/edit", edit, Permission.CONFIGURATION_WRITE),
)
