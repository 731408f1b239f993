"""Field tables: the one description of a request that reads it and documents it.

Names are matched exactly first, then without regard to case, then by alias.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from domain.errors import BadRequest, InvalidRequest
from rest_compat.value import Kind


class Need(Enum):
    """Whether a field must be there."""

    OPTIONAL = "optional"
    REQUIRED = "required"
    UNLESS_BOUND = "required, but for a token that is bound to a member"
    UNLESS_BASIC = "required, but with HTTP Basic, whose values stand in for it"


# What Basic says is among the values by then.
_ALWAYS = frozenset({Need.REQUIRED, Need.UNLESS_BASIC})


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field of a request; null and the empty text mean that it was not given."""

    name: str
    kind: Kind
    description: str
    need: Need = Need.OPTIONAL
    aliases: tuple[str, ...] = ()
    default: Any = None
    example: Any = None


@dataclass(slots=True)
class Reading:
    """What a table made of a request.

    `extra` are the keys that no field claims, `aliased` the fields that came under an alias, and
    `refusal` the first value that parses and is not allowed: what is forbidden comes before it.
    """

    values: dict[str, Any]
    extra: dict[str, Any] = field(default_factory=dict)
    aliased: set[str] = field(default_factory=set)
    refusal: InvalidRequest | None = None


class FieldTable:
    """The fields of one request, ready to read it.

    Of the fields named in `one_of` at least one must be there; with `unless_bound` a caller whose token names the
    member may leave out all of them.
    """

    def __init__(self, *fields: Field, one_of: tuple[str, ...] = (), unless_bound: bool = False) -> None:
        self.fields = fields
        self.one_of = one_of
        self.unless_bound = unless_bound
        self.names = frozenset(entry.name for entry in fields)
        self._absent = {entry.name: None for entry in fields}
        self._folded = {entry.name.lower(): entry.name for entry in fields}
        self._aliases = {alias.lower(): entry.name for entry in fields for alias in entry.aliases}

    def match(self, given: Mapping[str, Any]) -> Reading:
        """The raw values by field name. Raises BadRequest where two spellings claim one field."""
        reading = Reading(values=dict(self._absent))
        for key, value in given.items():
            claimed = reading.values if key in self._absent else reading.extra
            claimed[key] = value
        if reading.extra:
            self._claim(reading, self._folded)
            reading.aliased = self._claim(reading, self._aliases)
        return reading

    def fill(self, reading: Reading, *, bound: bool = False) -> Reading:
        """Turn the raw values into typed ones; `bound`: the caller's token names the member.

        Raises BadRequest for the first field that is missing, cannot be parsed or has the wrong type.
        """
        values = reading.values
        refused = set()
        for entry in self.fields:
            raw = values[entry.name]
            if raw is None or raw == "":
                if entry.need in _ALWAYS or (entry.need is Need.UNLESS_BOUND and not bound):
                    raise BadRequest(f"{entry.name}: is missing", field=entry.name)
                values[entry.name] = entry.default
                continue
            try:
                values[entry.name] = entry.kind.read(entry.name, raw)
            except InvalidRequest as error:
                reading.refusal = reading.refusal or error
                refused.add(entry.name)
                values[entry.name] = None
        is_excused = bound and self.unless_bound
        if self.one_of and not is_excused and all(values[name] is None and name not in refused for name in self.one_of):
            raise BadRequest(f"one of {', '.join(self.one_of)} is needed", field=self.one_of[0])
        return reading

    def _claim(self, reading: Reading, names: Mapping[str, str]) -> set[str]:
        """Move the extra keys that `names` knows to their fields, unless those have a value already."""
        claimed: set[str] = set()
        for key in list(reading.extra):
            name = names.get(key.lower())
            if name is None or (reading.values[name] is not None and name not in claimed):
                continue
            if name in claimed:
                raise BadRequest(f"{name}: is given twice", field=name)
            reading.values[name] = reading.extra.pop(key)
            claimed.add(name)
        return claimed
