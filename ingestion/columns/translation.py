"""The rows of one file as commands."""

from collections.abc import Callable, Sequence

from domain.errors import TesseraError
from ingestion.columns.header import Columns
from ingestion.columns.row import Row
from ingestion.columns.types import COLUMNS_OF
from resolvers.batch_line import BatchLine
from resolvers.cell import as_written

Translate = Callable[[int, Sequence[str], bytes], BatchLine]
"""From the number of a line, its fields and its bytes to what is posted."""


def translator(columns: Columns, file_name: str) -> Translate:
    """The translation of the lines of one file."""
    command = COLUMNS_OF[columns.type].command

    def translate(line: int, fields: Sequence[str], raw: bytes) -> BatchLine:
        # A blank around a value is how the file was made, not what was meant.
        named = zip(columns.keys, map(str.strip, fields), strict=True)
        # Asked here: hardly a cell has a quote in front, and a call for each takes longer than all the rest.
        values = {key: as_written(value) if value[0] == "'" else value for key, value in named if key and value}
        try:
            return BatchLine(line=line, command=command(Row(values, f"file:{file_name}:{line}")), raw=raw)
        except TesseraError as refusal:
            return BatchLine(line=line, command=refusal, raw=raw)

    return translate
