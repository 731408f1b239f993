"""A file before its rows: its name, what it is known by, and what its header says."""

import asyncio
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import BatchRefused
from domain.file_terms import FileTerms
from ingestion.columns import Columns, accept_header
from ingestion.inspection import FileFacts, inspect_file
from ingestion.naming import FileName, parse_file_name
from ingestion.reader import Source
from resolvers.batch import FileLayout, get_file_layout
from resolvers.context import Context


@dataclass(frozen=True, kw_only=True, slots=True)
class InspectedFile:
    """A file whose name, content and header are good: `facts` is what it was then."""

    path: Path
    name: FileName
    layout: FileLayout
    facts: FileFacts
    columns: Columns
    header: bytes

    @property
    def identity(self) -> dict[str, Any]:
        """What a batch of it is opened with."""
        facts = self.facts
        return {
            "file_type": self.name.type,
            "file_name": self.name.name,
            "sha256": facts.sha256,
            "header": self.header,
            "rows_total": facts.rows,
        }

    def open(self) -> Source:
        """The file, as it was inspected. Raises BatchRefused."""
        return _open(self.path, self.name, self.layout.terms, self.facts)

    def require_unchanged(self, source: Source) -> None:
        """Refuse what was written to since. Raises BatchRefused."""
        _require_unchanged(source, self.facts)


async def inspect(
    ctx: Context, path: Path, file_type: str | None = None, *, promised: str | None = None
) -> InspectedFile:
    """Look at all of a file but its rows. `promised` is the hash that its sender told.

    Raises Forbidden, BatchRefused.
    """
    name = parse_file_name(path.name, file_type)
    layout = await get_file_layout(ctx, name.type)
    facts = await asyncio.to_thread(inspect_file, path, is_gzip=name.is_gzip, promised=promised)
    with closing(await asyncio.to_thread(_open, path, name, layout.terms, facts)) as source:
        columns, header = accept_header(source.header, layout), source.header_raw
    return InspectedFile(path=path, name=name, layout=layout, facts=facts, columns=columns, header=header)


def _open(path: Path, name: FileName, terms: FileTerms, facts: FileFacts) -> Source:
    source = Source(path, is_gzip=name.is_gzip, terms=terms)
    try:
        _require_unchanged(source, facts)
    except BatchRefused:
        source.close()
        raise
    return source


def _require_unchanged(source: Source, facts: FileFacts) -> None:
    # What is posted must be what was hashed: a line's outcome hangs on the hash of the file and its number.
    if source.stamp != facts.stamp:
        raise BatchRefused("the file was changed while it was read")
