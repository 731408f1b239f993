"""How a program's batch files are written, what becomes of rows that come early, and how long files stay. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Delimiter = Literal["auto", "comma", "pipe"]
Encoding = Literal["utf-8", "latin-1"]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileTerms:
    """What a program says about files. `delimiter` auto: the header of each file shows which.

    `reject_limit_percent`: a file of which a larger share of the rows is rejected is held for an administrator, None
    for never. `park_unknown_members`: rows whose member or card is not known yet wait for it, `park_days` at most.
    `retention_days`: how long files that were taken, and what was written about them, stay.
    """

    delimiter: Delimiter = "auto"
    encoding: Encoding = "utf-8"
    reject_limit_percent: Decimal | None = None
    park_unknown_members: bool = False
    park_days: int = 7
    retention_days: int = 30
    personal_data_in_exports: bool = False
