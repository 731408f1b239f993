"""What a check of `doctor` found."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """`ok`, `note` for what is worth knowing, `wrong` for what stops the work."""

    verdict: Literal["ok", "note", "wrong"]
    text: str
