"""Attribute definitions as files: JSON as a configuration document has them, and CSV for spreadsheets.

Both give the sections of a configuration document; what the definitions mean is checked with the whole of it.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from domain.errors import ConfigurationRefused
from domain.rules.document import MAX_BYTES
from domain.rules.problem import shown
from domain.rules.value import read_boolean
from resolvers.configuration import read_source

SECTIONS: Mapping[str, str] = {"transaction": "transaction_attributes", "member": "member_attributes"}
"""What an attribute belongs to, with the section that defines it."""

COLUMNS = ("entity", "key", "name", "data_type", "mandatory", "unique", "pi", "selection_values")
NEEDED = COLUMNS[:4]
_FLAGS = ("mandatory", "unique", "pi")

# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_json(document: Mapping[str, Any]) -> str:
    """The definitions, whole, as a configuration document that has nothing else."""
    sections = {section: document.get(section, []) for section in SECTIONS.values()}
    return json.dumps({"version": 1, **sections}, indent=2, ensure_ascii=False) + "\n"


def write_csv(document: Mapping[str, Any]) -> str:
    """A line for each definition; lengths and what profiles hide stand in JSON only."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for entity, section in SECTIONS.items():
        for one in document.get(section, []):
            flags = [str(one.get(flag, False)).lower() for flag in _FLAGS]
            cells = [entity, one["key"], one["name"], one["type"], *flags, _write_values(one.get("values", []))]
            writer.writerow(map(_harmless, cells))
    return out.getvalue()


def read_json(content: str) -> dict[str, Any]:
    """The sections of a file of definitions. Raises ConfigurationRefused."""
    document = read_source(content)
    for key in document:
        if key != "version" and key not in SECTIONS.values():
            raise ConfigurationRefused(f"{shown(key)}: a file of attributes has nothing but attributes")
    return {"version": 1, **document}


def read_csv(content: str) -> dict[str, Any]:
    """The sections of a file of definitions; columns that are left out and empty cells are not given.

    Raises ConfigurationRefused, which names the line.
    """
    if len(content) > MAX_BYTES:
        raise ConfigurationRefused("the file is larger than 1 MiB")
    sections: dict[str, list[dict[str, Any]]] = {section: [] for section in SECTIONS.values()}
    rows = _rows(content)
    _, header = next(rows, (1, []))
    _check_header(header)
    for line, cells in rows:
        if len(cells) != len(header):
            raise ConfigurationRefused(f"line {line}: {len(cells)} cells, and the header has {len(header)}")
        row = {column: cell for column, cell in zip(header, cells, strict=True) if cell}
        try:
            section, definition = read_cells(row)
        except ConfigurationRefused as refusal:
            raise ConfigurationRefused(f"line {line}: {refusal.detail}") from refusal
        sections[section].append(definition)
    # Through the reader of files: the same limits, the same notation of texts.
    return read_source(json.dumps({"version": 1, **sections}))


def _rows(content: str) -> Iterator[tuple[int, list[str]]]:
    """The records that are not empty, each with the line on which it ends."""
    reader = csv.reader(io.StringIO(content.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise ConfigurationRefused(f"line {reader.line_num}: not readable as CSV") from error


def _check_header(header: Sequence[str]) -> None:
    unknown = [column for column in header if column not in COLUMNS]
    missing = [column for column in NEEDED if column not in header]
    if unknown or missing or len(set(header)) != len(header):
        told = [f"unknown column {shown(column)}" for column in unknown[:5]] + [f"no column {one}" for one in missing]
        raise ConfigurationRefused(f"line 1: {', '.join(told) or 'a column stands twice'}")


def read_cells(cells: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The section of a row that is not empty, and its definition as a document has it. Raises ConfigurationRefused."""
    row = {column: _as_written(cell) for column, cell in cells.items()}
    section = SECTIONS.get(row.get("entity", "").strip().lower())
    if section is None:
        raise ConfigurationRefused(f"entity: must be one of {', '.join(SECTIONS)}")
    given: dict[str, Any] = {key: row[key] for key in ("key", "name") if key in row}
    if "data_type" in row:
        given["type"] = row["data_type"].strip().lower()
    for flag in _FLAGS:
        if flag in row:
            try:
                given[flag] = read_boolean(row[flag])
            except ValueError as error:
                raise ConfigurationRefused(f"{flag}: {error}") from error
    if "selection_values" in row:
        given["values"] = _read_values(row["selection_values"])
    return section, given


def _write_values(values: Sequence[str]) -> str:
    """The values of a selection in one cell: a record of its own, with semicolons, quoted as CSV is."""
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="").writerow(values)
    return out.getvalue()


def _read_values(cell: str) -> list[str]:
    try:
        return next(csv.reader([cell], delimiter=";", strict=True))
    except csv.Error as error:
        raise ConfigurationRefused("selection_values: not readable, separate with semicolons") from error


def _harmless(cell: str) -> str:
    """A cell that a spreadsheet shows and does not run; `_as_written` takes it back, quotes of one's own included."""
    return f"'{cell}" if cell.lstrip("'").startswith(_FORMULA) else cell


def _as_written(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell
