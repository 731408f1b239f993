"""A configuration that is not in force: read, joined with what is and checked as `configurationApply` would."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from domain.rules.render import to_document
from domain.store.program import ProgramState, under
from resolvers.configuration import check_runs, joined, read_source, source_of


def read_draft(given: Any) -> dict[str, Any]:
    """The plain document of a draft, from the text of a file or from plain values. Raises ConfigurationRefused."""
    return read_source(given if isinstance(given, bytes | str) else source_of(given))


def draft_of(tx: Connection, live: ProgramState, given: Mapping[str, Any]) -> ProgramState:
    """The program as it would be with this document over what is in force. Its examples are not run.

    Raises ConfigurationRefused with every fault, and for what the program could not run.
    """
    configuration = joined(given, live.document)
    check_runs(tx, live, configuration)
    return under(live, configuration, to_document(configuration))
