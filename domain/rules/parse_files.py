"""Reads the section `files`, whose shape the schema has checked."""

from typing import Any

from domain.file_terms import FileTerms
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
    read = FileTerms(**terms)
    if read.retention_days < read.park_days:
        problems.add("files.retention_days", "is less than park_days: what waits in vain could not be returned")
    return read
