"""The keys that sign access tokens, by name: each belongs to one environment, and to one algorithm for good."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

Algorithm = Literal["HS512", "EdDSA"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
"""What tokens may be signed with, the usual one first; both give the same bytes for the same claims."""

LONGEST_LIFE = timedelta(minutes=1440)
"""The longest life that a program may give its tokens."""
SKEW_S = 30
"""How far the clocks of two processes may be apart."""

_SUFFIX: dict[Algorithm, str] = {"HS512": "", "EdDSA": "-ed25519"}
_KID = re.compile(r"(sandbox|live)-([1-9][0-9]{0,3})(-ed25519)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyName:
    """A signing key. Its algorithm is part of its name, so that no token can choose another one for it."""

    environment: str
    number: int
    algorithm: Algorithm

    @property
    def kid(self) -> str:
        """The name as it stands in the header of a token."""
        return f"{self.environment}-{self.number}{_SUFFIX[self.algorithm]}"


def read_kid(kid: object) -> KeyName | None:
    """The key that a header names; None for what is no name of a key."""
    found = _KID.fullmatch(kid) if isinstance(kid, str) else None
    return found and KeyName(found[1], int(found[2]), "EdDSA" if found[3] else "HS512")


@dataclass(frozen=True, slots=True)
class Rotation:
    """The history of an environment's keys. `starts` are the instants at which keys 2, 3, … came into force."""

    starts: tuple[datetime, ...] = ()

    @property
    def number(self) -> int:
        """The key in force: the first one until there was a rotation."""
        return len(self.starts) + 1

    def good_until(self, number: int) -> datetime | None:
        """When a retired key stops being accepted: no token that it signed can live longer. None while in force."""
        if number >= self.number:
            return None
        return self.starts[number - 1] + LONGEST_LIFE + timedelta(seconds=SKEW_S)
