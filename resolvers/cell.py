"""Cells of files that people open in spreadsheets: shown there and never run, and read back as they were."""

import re

# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# A number, or one that is dialled: a spreadsheet may work it out, and that is all.
_HARMLESS = re.compile(r"[-+]?[0-9][0-9 .()/-]*")


def harmless(cell: str, *, keeps_numbers: bool = False) -> str:
    """A cell that a spreadsheet shows and does not run; `as_written` takes it back, quotes of one's own included.

    `keeps_numbers`: for machines that read `-5` and `+49 171` as they are; else what begins so is quoted as well.
    """
    bare = cell.lstrip("'")
    if not bare.startswith(_FORMULA) or (keeps_numbers and bare == cell and _HARMLESS.fullmatch(cell)):
        return cell
    return f"'{cell}"


def as_written(cell: str) -> str:
    """What a cell says, without the quote that `harmless` put before it."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell
