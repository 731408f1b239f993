"""The name of a batch file: what is accepted, and what it says about the content."""

import re
from dataclasses import dataclass

from domain.errors import BatchRefused

FILE_TYPES = ("CPD", "CRD", "TXN", "BNS", "ATT")
"""Members, sub-relations, transactions, bonus points, attribute definitions."""

MAX_STEM = 50

_NAME = re.compile(r"(?P<stem>[A-Za-z0-9_-]+)(?P<suffix>\.csv|\.txt|\.csv\.gz)", re.IGNORECASE | re.ASCII)
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, kw_only=True, slots=True)
class FileName:
    """An accepted name: its part before the suffix, the type of the content, and whether it is packed."""

    name: str
    stem: str
    type: str
    is_gzip: bool


def parse_file_name(name: str, file_type: str | None = None) -> FileName:
    """What the name of a file says. `file_type` names the type where the stem does not.

    Raises BatchRefused.
    """
    match = _NAME.fullmatch(name)
    if match is None or len(match["stem"]) > MAX_STEM:
        raise BatchRefused(
            f"a file name is letters, digits, hyphens and underscores, at most {MAX_STEM}, then .csv, .txt or .csv.gz",
            field="name",
        )
    return FileName(
        name=name,
        stem=match["stem"],
        type=_type_at_end(match["stem"]) if file_type is None else _known(file_type),
        is_gzip=match["suffix"].lower().endswith(".gz"),
    )


def type_of(name: str, file_type: str | None = None) -> str:
    """The type of a file that may be misnamed; empty where nothing tells it."""
    try:
        return parse_file_name(name, file_type).type
    except BatchRefused:
        return file_type if file_type in FILE_TYPES else ""


def safe_stem(name: str) -> str:
    """A stem for the handback of a refused file: its own name, without what could lead elsewhere."""
    return _UNSAFE.sub("_", name.split(".", 1)[0])[:MAX_STEM] or "unnamed"


def _known(file_type: str) -> str:
    if file_type not in FILE_TYPES:
        raise BatchRefused(f"a type is one of {', '.join(FILE_TYPES)}", field="type")
    return file_type


def _type_at_end(stem: str) -> str:
    for file_type in FILE_TYPES:
        if stem.upper().endswith(file_type):
            return file_type
    raise BatchRefused(f"the name before the suffix must end in its type: {', '.join(FILE_TYPES)}", field="name")
