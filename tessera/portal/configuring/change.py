"""The one way by which pages change the configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from domain.change_request import CONFIGURATION, TOGGLES
from domain.errors import BadRequest, ConfigurationChanged, ConfigurationRefused, TesseraError
from domain.rules.examples import ExampleResult, ExamplesFail
from domain.rules.problem import ConfigurationInvalid, Problem
from resolvers.configuration import apply_configuration, get_configuration
from resolvers.movement import free_text
from tessera.portal.configuring.draft import Draft, Source, path_of, read_draft
from tessera.portal.visit import Visit


async def put_in_force(visit: Visit, source: Source, expected_version: int) -> str:
    """Apply what was drafted, or ask a second administrator where the program wants one; say what came of it."""
    reason = free_text(visit.optional("reason"), "reason")
    applied = await apply_configuration(
        replace(visit.ctx, proposal=reason), source.body, prune=source.prune, expected_version=expected_version
    )
    if applied.request_id is not None:
        return "Another administrator has to approve it now; until then nothing changes."
    if not applied.changed:
        return "Nothing changed: it was in force like this already."
    return f"Version {applied.version} is in force."


async def change_at_once(visit: Visit, draft: Draft) -> str:
    """Put a small change in force, on the version that the page showed."""
    configuration = await get_configuration(visit.ctx)
    expected = expected_version(visit)
    if expected != configuration.version:
        raise ConfigurationChanged(f"version {configuration.version} is in force", field="expected_version")
    source = await read_draft(visit, draft, configuration.document)
    return await put_in_force(visit, source, expected)


def expected_version(visit: Visit) -> int:
    """The version that the page showed. Raises BadRequest."""
    text = visit.given("expected_version")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise BadRequest("expected_version: is missing", field="expected_version")
    return int(text)


def needs_approval(document: Mapping[str, Any]) -> bool:
    """Whether the program has changes of its configuration approved: for forms; the use case decides."""
    return TOGGLES[CONFIGURATION] in document["program"].get("approvals", ())


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with what was sent: by field of the form, and what no field of it shows."""

    fields: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def faults_of(error: TesseraError, document: Mapping[str, Any], draft: Draft, names: Mapping[str, str]) -> Faults:
    """The faults of a refused draft. `names`: the field of each path below the item, the longest path first."""
    if not isinstance(error, ConfigurationRefused):
        return Faults()
    prefix, fields, others = path_of(document, draft), dict[str, str](), list[str]()
    for problem in problems_of(error):
        rest = problem.path.removeprefix(prefix).lstrip(".") if problem.path.startswith(prefix) else None
        name = None if rest is None else _named(rest, names)
        if name is None:
            others.append(str(problem))
        elif name in fields:
            fields[name] += f"; {problem.message}"
        else:
            fields[name] = problem.message
    return Faults(fields, tuple(others))


def problems_of(error: ConfigurationRefused) -> tuple[Problem, ...]:
    """The faults one by one."""
    if isinstance(error.__cause__, ConfigurationInvalid):
        return error.__cause__.problems
    path, colon, message = (error.detail or "").partition(": ")
    is_path = colon and " " not in path
    return (Problem(path, message) if is_path else Problem("", error.detail or error.message),)


def broken_examples(error: TesseraError | None) -> Sequence[ExampleResult]:
    """The examples that a refused draft breaks; none where it was refused for something else."""
    return error.__cause__.failed if error is not None and isinstance(error.__cause__, ExamplesFail) else ()


def _named(rest: str, names: Mapping[str, str]) -> str | None:
    for path in sorted(names, key=len, reverse=True):
        if rest == path or (rest.startswith(path) and rest[len(path)] in ".["):
            return names[path]
    return None
