"""The header of a file against what its type and the program know."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from domain.errors import BatchRefused
from ingestion.columns.types import COLUMNS_OF
from resolvers.batch import FileLayout


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """The accepted header: `keys` by position, None for a column that is ignored."""

    type: str
    keys: tuple[str | None, ...]
    ignored: tuple[str, ...]


def accept_header(header: Sequence[str], layout: FileLayout) -> Columns:
    """The header against what the program knows. Raises BatchRefused, naming the columns at fault."""
    kind = COLUMNS_OF[layout.type]
    known = kind.columns | layout.custom_keys
    named = [kind.aliases.get(column, column) for column in header]
    twice = sorted(column for column, times in Counter(named).items() if times > 1)
    unknown = tuple(column for column in named if column not in known)
    missing = [column for column in kind.required if column not in named]
    if twice:
        raise BatchRefused(f"columns that stand twice: {_told(twice)}")
    if unknown and not layout.ignore_unknown:
        raise BatchRefused(f"unknown columns: {_told(unknown)}")
    if kind.one_of and not set(kind.one_of) & set(named):
        missing.append(kind.one_of[0])
    if missing:
        raise BatchRefused(f"missing columns: {_told(missing)}")
    keys = tuple(column if column in known else None for column in named)
    return Columns(type=layout.type, keys=keys, ignored=unknown)


def _told(columns: Sequence[str]) -> str:
    """The columns for a message, each cut and all of them few: a header may hold anything."""
    shown = [column[:40] if column.isprintable() else ascii(column)[:40] for column in columns[:5]]
    return ", ".join(shown) + (f" and {len(columns) - 5} more" if len(columns) > 5 else "")
