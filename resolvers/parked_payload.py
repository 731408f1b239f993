"""A line that waits, as a text from which the very same command is made again."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from resolvers.bonus import CarriedTerms, PostBonus
from resolvers.sub_relation import LinkSubRelation
from resolvers.transaction import SubmitTransaction

Waiting = LinkSubRelation | SubmitTransaction | PostBonus

_COMMANDS: Mapping[str, type[Waiting]] = {one.__name__: one for one in (LinkSubRelation, SubmitTransaction, PostBonus)}
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "carried": lambda items: CarriedTerms(**{key: _load(value) for key, value in items.items()}),
    "map": lambda items: {key: _load(value) for key, value in items.items()},
    "plain": lambda value: value,
}


def dump_command(command: Waiting) -> str:
    """The command as a text."""
    given = {one.name: _dump(getattr(command, one.name)) for one in fields(command)}
    return json.dumps({"command": type(command).__name__, "given": given}, ensure_ascii=False)


def load_command(text: str) -> Waiting:
    """The command that `dump_command` was given."""
    document = json.loads(text)
    given = {name: _load(value) for name, value in document["given"].items()}
    return _COMMANDS[document["command"]](**given)


def _dump(value: Any) -> list[Any]:
    """A value with what it is: JSON has one kind of number, and no dates."""
    match value:
        case Decimal():
            return ["decimal", str(value)]
        case datetime():
            return ["datetime", value.isoformat()]
        case date():
            return ["date", value.isoformat()]
        case CarriedTerms():
            return ["carried", {one.name: _dump(getattr(value, one.name)) for one in fields(value)}]
        case Mapping():
            return ["map", {key: _dump(one) for key, one in value.items()}]
        case _:
            return ["plain", value]


def _load(tagged: list[Any]) -> Any:
    kind, value = tagged
    return _READERS[kind](value)
