"""What the types of files share: which columns there are, and how the values of a row are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from domain.errors import BadRequest
from domain.rules.value import read_date, read_decimal
from resolvers.batch_line import Command

Value = TypeVar("Value")

IDEMPOTENCY_KEY = "_xoxo_api_client_idempotency"
MEMBER = "member_relation_reference"


@dataclass(slots=True)
class Row:
    """The values of a row that are not empty, by the keys of their columns. `source` names file and line."""

    values: Mapping[str, str]
    source: str

    def get(self, key: str) -> str | None:
        """A value as it came; None where it was not given."""
        return self.values.get(key)

    def read(self, key: str, reader: Callable[[str], Value]) -> Value:
        """A value that must be there. Raises BadRequest, which names the column."""
        if key not in self.values:
            raise BadRequest(f"{key}: is missing", field=key)
        try:
            return reader(self.values[key])
        except ValueError as error:
            raise BadRequest(f"{key}: {error}", field=key) from error

    def read_if_given(self, key: str, reader: Callable[[str], Value]) -> Value | None:
        """A value that may be missing. Raises BadRequest, which names the column."""
        return self.read(key, reader) if key in self.values else None

    def require(self, *keys: str) -> None:
        """Refuse a row in which one of these is empty. Raises BadRequest."""
        for key in keys:
            if key not in self.values:
                raise BadRequest(f"{key}: is missing", field=key)


@dataclass(frozen=True, kw_only=True, slots=True)
class FileType:
    """The columns of a type of file, beside the program's own, and what a row becomes.

    A header has all that are `required`, and one at least of `one_of`. `aliases` are other names of columns.
    `command` raises TesseraError for a row that cannot be read.
    """

    columns: frozenset[str]
    required: tuple[str, ...]
    command: Callable[[Row], Command]
    one_of: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)


def exact(text: str) -> Decimal:
    """A number with all its digits. Raises ValueError."""
    return read_decimal(text)


def moment(text: str) -> date | datetime:
    """A day, or an instant on the clocks of the program where no offset is given. Raises ValueError."""
    return read_date(text)


def day(text: str) -> date:
    """A day; a time beside it says nothing. Raises ValueError."""
    found = read_date(text)
    return found.date() if isinstance(found, datetime) else found
