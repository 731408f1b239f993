"""Objects of the schema whose values are made when a field asks for them: most queries ask for a few of many."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar, cast

Made = TypeVar("Made")
Row = TypeVar("Row")
Beside = TypeVar("Beside")

Make: TypeAlias = Callable[[Row, Beside], Any]


class _Value:
    """Makes a value at the first look; from then on the object's own attribute is found first."""

    def __init__(self, name: str, make: Callable[[Any, Any], Any]) -> None:
        self._name, self._make = name, make

    def __get__(self, one: Any, owner: type | None = None) -> Any:
        value = one.__dict__[self._name] = self._make(one._row, one._beside)
        return value


def lazily(kind: type[Made], values: Mapping[str, Make[Row, Beside]]) -> Callable[[Row, Beside], Made]:
    """Makes objects of a Strawberry type out of a row and what stands beside it, with a value for every attribute."""
    if missing := {one.name for one in fields(cast(Any, kind)) if one.init} ^ values.keys():
        raise TypeError(f"{kind.__name__}: {sorted(missing)}")

    def keep(self: Any, row: Any, beside: Any) -> None:
        self._row, self._beside = row, beside

    members = {name: _Value(name, make) for name, make in values.items()}
    return type(kind.__name__, (kind,), {"__init__": keep, "__module__": kind.__module__, **members})


def as_it_is(*names: str, of: str | None = None) -> dict[str, Callable[[Any, Any], Any]]:
    """Values that the row has under the same names, or one of its own does."""
    return {name: _reader(f"{of}.{name}" if of else name) for name in names}


def _reader(path: str) -> Callable[[Any, Any], Any]:
    read = attrgetter(path)
    return lambda row, _: read(row)
