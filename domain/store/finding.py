"""What verification finds, and how a row that cannot even be read is found among many."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Key = TypeVar("Key", int, str)

_UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What broken JSON, or a text where SQLite should hold a number, raises while a row is decoded or added up."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold: where (account, entry, lot), and what."""

    program_id: int
    where: str
    what: str

    def __str__(self) -> str:
        return f"program {self.program_id}, {self.where}: {self.what}"


def check_each(
    program_id: int, check: Callable[[Sequence[Key]], list[Finding]], keys: Sequence[Key], where: str
) -> list[Finding]:
    """What `check` finds on these rows; where they cannot be read, one by one, so that it names which.

    `where` is the name of one row, with braces in the place of its key.
    """
    try:
        return check(keys)
    except _UNREADABLE as error:
        if len(keys) == 1:
            # The kind of error only: its message may quote what is stored.
            return [Finding(program_id, where.format(keys[0]), f"cannot be read ({type(error).__name__})")]
    return [finding for key in keys for finding in check_each(program_id, check, [key], where)]
