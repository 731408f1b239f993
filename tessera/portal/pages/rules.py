"""Rules: all groups in their sequence, and what is done to one with a button."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from domain.access import Permission
from domain.errors import BadRequest, InvalidRequest, TesseraError
from domain.rules.model import RuleGroup
from domain.rules.render_rule import group_document
from resolvers.configuration import get_configuration
from tessera.portal.configuring.change import broken_examples, change_at_once, faults_of, needs_approval
from tessera.portal.configuring.draft import Draft, find_item, items_of, next_document
from tessera.portal.configuring.schema_form import form_of, read_fields
from tessera.portal.pages.review import show_review
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

AREA = "rules"
_GROUP_FIELDS = ("name", "category", "stop_at_first", "caps.transaction", "caps.day", "caps.month", "caps.lifetime")


async def show(visit: Visit, error: TesseraError | None = None) -> Response:
    """The groups with their rules, in the sequence in which they run."""
    configuration = await get_configuration(visit.ctx)
    document = configuration.document
    today = visit.services.clock().astimezone(visit.zone).date().isoformat()
    return visit.page(
        "rules.html",
        error=error,
        version=configuration.version,
        groups=document["rule_groups"],
        monthly_cap=document["program"].get("accrual_cap_per_month"),
        campaigns=len(document["campaigns"]),
        examples=len(document["examples"]),
        state=lambda rule: state_of(rule, today),
        is_free=not items_of(document, "campaigns") and not document["rule_groups"],
    )


def state_of(rule: Mapping[str, Any], today: str) -> tuple[str, str]:
    """How a rule stands, and the colour of that."""
    if not rule.get("enabled", True):
        return "Paused", ""
    if rule.get("valid_from") and str(rule["valid_from"])[:10] > today:
        return "Scheduled", "info"
    if rule.get("valid_to") and str(rule["valid_to"])[:10] < today:
        return "Ended", ""
    return "Active", "good"


async def change(visit: Visit) -> Response:
    """What the buttons beside a rule or a group do: at once, but for activating, which is reviewed."""
    what, name, group = visit.given("what"), visit.given("name"), visit.optional("group")
    section = "rules" if group is not None else "rule_groups"
    if what == "activate":
        return await show_review(visit, _switched(await _document(visit), section, name, group, on=True), AREA)
    try:
        if what == "pause":
            draft = _switched(await _document(visit), section, name, group, on=False)
        elif what in {"up", "down"}:
            draft = Draft(section=section, name=name, group=group, step=-1 if what == "up" else 1)
        elif what == "remove":
            draft = Draft(section=section, name=name, group=group)
        else:
            raise BadRequest("what: unknown", field="what")
        if needs_approval(await _document(visit)):
            # Somebody else has to approve it, and reads in the review's words what it is.
            return await show_review(visit, draft, AREA)
        told = await change_at_once(visit, draft)
    except TesseraError as error:
        if broken_examples(error):
            return await show_review(visit, draft, AREA)
        return await show(visit, error)
    return visit.go(visit.url("rules"), f"{_DONE[what].format(name)} {told}")


_DONE = {
    "pause": "“{}” is paused.",
    "up": "“{}” runs earlier.",
    "down": "“{}” runs later.",
    "remove": "“{}” is removed.",
}


def _switched(document: Mapping[str, Any], section: str, name: str, group: str | None, *, on: bool) -> Draft:
    item = find_item(document, section, name, group)
    if item is None:
        raise InvalidRequest("there is no such rule any more", field="name")
    return Draft(section=section, item={**item, "enabled": on}, name=name, group=group, from_group=group)


async def _document(visit: Visit) -> Mapping[str, Any]:
    return (await get_configuration(visit.ctx)).document


async def show_group(visit: Visit, error: TesseraError | None = None, draft: Draft | None = None) -> Response:
    """The form of a group."""
    configuration = await get_configuration(visit.ctx)
    name = draft.name if draft is not None else visit.asked("name") or None
    before = None if name is None else find_item(configuration.document, "rule_groups", name)
    if name is not None and before is None:
        raise InvalidRequest("there is no such group any more")
    item = draft.item if draft is not None and draft.item is not None else before or group_document(RuleGroup(name=""))
    drafted = draft or Draft(section="rule_groups", item=item, name=name)
    fields = form_of("rule_groups", item, _GROUP_FIELDS)
    names = {one.path: one.name for one in fields}
    faults = None if error is None else faults_of(error, next_document(configuration.document, drafted), drafted, names)
    return visit.page(
        "rule_group.html",
        error=error,
        found=faults,
        version=configuration.version,
        fields=fields,
        name=name,
    )


async def save_group(visit: Visit) -> Response:
    """Take the form of a group to the review."""
    configuration = await get_configuration(visit.ctx)
    name = visit.optional("was")
    before = find_item(configuration.document, "rule_groups", name) if name else group_document(RuleGroup(name=""))
    if before is None:
        raise InvalidRequest("there is no such group any more", field="was")
    item = read_fields(visit, form_of("rule_groups", before, _GROUP_FIELDS), before)
    item.setdefault("name", "")
    return await show_review(visit, Draft(section="rule_groups", item=item, name=name), AREA, instead=show_group)


PAGES: tuple[Page, ...] = (
    page("rules", show, Permission.CONFIGURATION_READ),
    action("rules/change", change, Permission.CONFIGURATION_WRITE),
    page("rules/group", show_group, Permission.CONFIGURATION_WRITE),
    action("rules/group", save_group, Permission.CONFIGURATION_WRITE),
)
