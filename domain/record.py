"""Values that nobody changes: mypy refuses it, and at run time they cost no more to make than any object."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

Record = TypeVar("Record")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def record(cls: type[Record]) -> type[Record]:
    """A dataclass with slots and keywords, for what is made many times in a transaction.

    `frozen=True` would check each assignment at run time as well, also those of the constructor, which then takes
    three times as long.
    """
    return dataclass(kw_only=True, slots=True)(cls)
