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
from resolvers.cell import as_written, harmless
from resolvers.configuration import read_source

SECTIONS: Mapping[str, str] = {"transaction": "transaction_attributes", "member": "member_attributes"}
"""What an attribute belongs to, with the section that defines it."""

COLUMNS = ("entity", "key", "name", "data_type", "mandatory", "unique", "pi", "selection_values")
NEEDED = COLUMNS[:4]
_FLAGS = ("mandatory", "unique", "pi")


def write_json(document: Mapping[str, Any]) -> str:
    """The definitions, whole, as a configuration document that has nothing else."""
    sections = {section: document.get(section, []) for section in SECTIONS.values()}
    return json.dumps({"version": 1, **sections}, indent=2, ensure_ascii=False) + "\n"


def write_csv(document: Mapping[str, Any]) -> str:
    """A line for each definition; lengths and what profiles hide stand in JSON only."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([harmless(cell) for cell in cells] for cells in list_cells(document))
    return out.getvalue()


def list_cells(document: Mapping[str, Any]) -> list[list[str]]:
    """The cells of each definition, in the order of `COLUMNS`."""
    found = []
    for entity, section in SECTIONS.items():
        for one in document.get(section) or []:
            flags = [str(one.get(flag, False)).lower() for flag in _FLAGS]
            found.append([entity, one["key"], one["name"], one["type"], *flags, _write_values(one.get("values", []))])
    return found


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
        row = {column: as_written(cell) for column, cell in zip(header, cells, strict=True) if cell}
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
    section = SECTIONS.get(cells.get("entity", "").strip().lower())
    if section is None:
        raise ConfigurationRefused(f"entity: must be one of {', '.join(SECTIONS)}")
    given: dict[str, Any] = {key: cells[key] for key in ("key", "name") if key in cells}
    if "data_type" in cells:
        given["type"] = cells["data_type"].strip().lower()
    for flag in _FLAGS:
        if flag in cells:
            try:
                given[flag] = read_boolean(cells[flag])
            except ValueError as error:
                raise ConfigurationRefused(f"{flag}: {error}") from error
    if "selection_values" in cells:
        given["values"] = _read_values(cells["selection_values"])
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
