"""Reads the section `files`, whose shape the schema has checked."""

from datetime import time
from typing import Any

from domain.export import KINDS, Kind
from domain.file_terms import FileTerms, ScheduledExport
from domain.rules.parse_program import read_amount, settled
from domain.rules.problem import Problems


def read_files(given: dict[str, Any], problems: Problems) -> FileTerms:
    """The terms of files; notes a share that is none, and results that go before all are told."""
    terms = {key: settled(value) for key, value in given.items()}
    if given.get("reject_limit_percent") is not None:
        limit = read_amount(given["reject_limit_percent"], "files.reject_limit_percent", problems)
        # A number that stands in a string is beyond what the schema sees.
        if limit > 100:
            problems.add("files.reject_limit_percent", "must be at most 100")
        terms["reject_limit_percent"] = limit
    terms["exports"] = _read_exports(given.get("exports") or [], problems)
    read = FileTerms(**terms)
    if read.retention_days < read.park_days:
        problems.add("files.retention_days", "is less than park_days: what waits in vain could not be returned")
    return read


def _read_exports(given: list[dict[str, Any]], problems: Problems) -> tuple[ScheduledExport, ...]:
    """The schedule; notes a kind that stands twice, or that cannot be told since the last time."""
    problems.distinct((one["kind"] for one in given), lambda place: f"files.exports[{place}].kind")
    found = []
    for place, one in enumerate(given):
        kind: Kind = one["kind"]
        since_last = one.get("since_last")
        if since_last and KINDS[kind].prefixes is None:
            problems.add(f"files.exports[{place}].since_last", f"has no meaning: a file of {kind} is always whole")
        found.append(
            ScheduledExport(
                kind=kind,
                every=one.get("every") or "daily",
                at=time.fromisoformat(one.get("at") or "00:00"),
                since_last=KINDS[kind].prefixes is not None if since_last is None else since_last,
                gzip=bool(one.get("gzip")),
            )
        )
    return tuple(found)
