"""The review before anything goes live: what changes, what a sample gives, what last month would have given."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.responses import Response

from domain.access import Permission
from domain.errors import ApprovalNeeded, BadRequest, ConfigurationRefused, TesseraError
from domain.rules.examples import ExampleResult
from resolvers.back_test import BackTest, BackTestReport, back_test
from resolvers.configuration import (
    AppliedConfiguration,
    get_configuration,
    preview_configuration,
    read_configuration,
)
from tessera.portal.configuring.change import broken_examples, expected_version, needs_approval, put_in_force
from tessera.portal.configuring.difference import list_differences
from tessera.portal.configuring.draft import (
    FILE,
    VERSION,
    Draft,
    Source,
    decode,
    encode,
    next_document,
    read_draft,
)
from tessera.portal.configuring.sample import Trial, last_month, read_day, sample_form, try_out
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

MAX_REPLAYED = 20_000
"""As many transactions as are replayed well within the time that a page has."""

Instead = Callable[[Visit, TesseraError | None, Draft | None], Awaitable[Response]]
"""The form that is shown again where its draft does not hold."""

AREAS: Mapping[str, str] = {
    "rules": "Rules",
    "attributes": "Attributes",
    "tiers": "Tiers",
    "segments": "Segments",
    "campaigns": "Campaigns",
    "catalog": "Catalogue",
    "settings": "Settings",
    "versions": "Versions",
    "promote": "Promote",
}
_WITH_POINTS = frozenset({"rules", "campaigns", "tiers", "segments", "versions", "promote"})
"""Where a sample and last month's transactions have something to say about what is drafted."""


@dataclass(slots=True, kw_only=True)
class _Outcome:
    """What a button of the review brought."""

    trial: Trial | None = None
    report: BackTestReport | None = None
    error: TesseraError | None = None
    of: str = ""
    values: dict[str, Any] = field(default_factory=dict)


async def show_review(visit: Visit, draft: Draft, area: str, *, instead: Instead | None = None) -> Response:
    """The review of a draft that a form has made, or that form again where the draft does not hold."""
    configuration = await get_configuration(visit.ctx)
    try:
        source = await read_draft(visit, draft, configuration.document)
        preview = await preview_configuration(visit.ctx, source.body, prune=source.prune)
    except ConfigurationRefused as error:
        if instead is None or broken_examples(error):
            return await _draw(visit, draft, area, configuration, None, _Outcome(error=error))
        return await instead(visit, error, draft)
    return await _draw(visit, draft, area, configuration, preview, _Outcome())


def _acting(area: str) -> Callable[[Visit], Awaitable[Response]]:
    async def act(visit: Visit) -> Response:
        """What the buttons of the review do."""
        draft, do = decode(visit.given("draft")), visit.given("do")
        configuration, outcome = await get_configuration(visit.ctx), _Outcome(of=do)
        preview: AppliedConfiguration | None = None
        try:
            source = await read_draft(visit, draft, configuration.document)
            if do == "apply":
                told = await put_in_force(visit, source, expected_version(visit))
                return visit.go(visit.url(_home(area)), f"{_title(draft)}: done. {told}")
            preview = await preview_configuration(visit.ctx, source.body, prune=source.prune)
            if do == "try":
                outcome.trial = await try_out(visit, source)
            elif do == "replay":
                outcome.report = await _replay(visit, source)
            elif do:
                raise BadRequest("do: unknown", field="do")
        except TesseraError as error:
            outcome.error = error
        return await _draw(visit, draft, area, configuration, preview, outcome)

    return act


def _home(area: str) -> str:
    return "versions" if area == "promote" else area


async def _replay(visit: Visit, source: Source) -> BackTestReport:
    command = BackTest(
        draft=source.body,
        prune=source.prune,
        first_day=read_day(visit, "first_day"),
        last_day=read_day(visit, "last_day"),
    )
    return await back_test(visit.ctx, command, limit=MAX_REPLAYED)


async def _draw(
    visit: Visit,
    draft: Draft,
    area: str,
    configuration: AppliedConfiguration,
    preview: AppliedConfiguration | None,
    outcome: _Outcome,
) -> Response:
    if preview is None and not isinstance(outcome.error, ConfigurationRefused):
        # Refused for its version, or for want of a reason: it holds, and its changes are told anew.
        configuration, preview = await _preview_again(visit, draft)
    after = configuration.document if preview is None else preview.document
    compiled = await asyncio.to_thread(read_configuration, after)
    first, last = last_month(visit)
    return visit.page(
        "review.html",
        error=outcome.error,
        area=area,
        area_title=AREAS[area],
        title=_title(draft),
        draft=draft,
        encoded=encode(draft),
        version=configuration.version,
        shown_version=_shown(visit),
        **_difference(configuration.document, after, draft, broken_examples(outcome.error)),
        holds=preview is not None,
        changed=preview is not None and preview.changed,
        examples=len(after["examples"]),
        approval=needs_approval(configuration.document) or isinstance(outcome.error, ApprovalNeeded),
        has_trial=area in _WITH_POINTS,
        sample=sample_form(visit, compiled),
        trial=outcome.trial,
        report=outcome.report,
        of=outcome.of,
        first_day=first.isoformat(),
        last_day=last.isoformat(),
    )


def _difference(
    document: Mapping[str, Any], after: Mapping[str, Any], draft: Draft, broken: Sequence[ExampleResult]
) -> Mapping[str, Any]:
    """What changes, which examples that breaks, and the draft with what they would give."""
    # A file brings its own examples, and a version has those that it was checked with.
    if not broken or draft.section in {FILE, VERSION}:
        return {"lines": list_differences(document, after), "broken": broken, "renewed": None}
    renewed = replace(draft, results={**draft.results, **{one.name: str(one.got) for one in broken}})
    lines = list_differences(document, next_document(document, draft))
    return {"lines": lines, "broken": broken, "renewed": encode(renewed)}


async def _preview_again(visit: Visit, draft: Draft) -> tuple[AppliedConfiguration, AppliedConfiguration | None]:
    configuration = await get_configuration(visit.ctx)
    try:
        source = await read_draft(visit, draft, configuration.document)
        return configuration, await preview_configuration(visit.ctx, source.body, prune=source.prune)
    except ConfigurationRefused:
        return configuration, None


def _shown(visit: Visit) -> int | None:
    """The version that the form before was made from."""
    text = visit.given("expected_version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


_KINDS: Mapping[str, str] = {
    "rules": "Rule",
    "rule_groups": "Group",
    "campaigns": "Campaign",
    "segments": "Segment",
    "levels": "Tier",
    "tiers": "Tiers",
    "transaction_attributes": "Attribute",
    "member_attributes": "Attribute",
    "aggregates": "Running figure",
    "product_codes": "Product code",
    "messages": "Message",
    "examples": "Example",
    "program": "Program terms",
    "expiry": "Expiry",
    "referrals": "Referrals",
    "fraud": "Thresholds",
    "files": "Files",
}


def _title(draft: Draft) -> str:
    if draft.section == FILE:
        origin = (draft.item or {}).get("from")
        return f"From {origin}" if origin else "Uploaded configuration"
    if draft.section == VERSION:
        return f"Restore version {draft.name}"
    kind = _KINDS.get(draft.section, draft.section)
    return kind if draft.new_name == draft.section else f"{kind} “{draft.new_name}”"


async def show_simulation(visit: Visit) -> Response:
    """The form to try a transaction out under the rules in force."""
    return await _draw_simulation(visit, None, None)


async def simulate(visit: Visit) -> Response:
    """Try a transaction out under the rules in force."""
    try:
        return await _draw_simulation(visit, None, await try_out(visit, None))
    except TesseraError as error:
        return await _draw_simulation(visit, error, None)


async def _draw_simulation(visit: Visit, error: TesseraError | None, trial: Trial | None) -> Response:
    configuration = await get_configuration(visit.ctx)
    compiled = await asyncio.to_thread(read_configuration, configuration.document)
    return visit.page(
        "simulation.html",
        error=error,
        version=configuration.version,
        sample=sample_form(visit, compiled),
        trial=trial,
        of="try",
    )


PAGES: tuple[Page, ...] = (
    *(action(f"{area}/review", _acting(area), Permission.CONFIGURATION_WRITE) for area in AREAS),
    page("rules/simulate", show_simulation, Permission.TRANSACTION_SUBMIT),
    action("rules/simulate", simulate, Permission.TRANSACTION_SUBMIT),
)
