"""What is wrong with a configuration, and where: paths like `rule_groups[0].rules[1].award.points`."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

MAX_PROBLEMS = 50
"""A document with more faults is refused with the first of them."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault; an empty path is the document itself."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ConfigurationInvalid(ValueError):
    """The configuration does not hold; `problems` has every fault that was found, at most fifty."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        # A fault that two checks found is told once.
        self.problems = tuple(dict.fromkeys(problems))[:MAX_PROBLEMS]
        super().__init__("; ".join(map(str, self.problems)))


class Problems:
    """Collects faults while a document is read, so that all of them can be told at once."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, path: str, message: str) -> None:
        """Notes a fault; those beyond the limit are counted by nobody."""
        if len(self._found) < MAX_PROBLEMS:
            self._found.append(Problem(path, message))

    def extend(self, problems: Iterable[Problem]) -> None:
        """Notes several faults."""
        for problem in problems:
            self.add(problem.path, problem.message)

    def check(self, read: Callable[[], T], path: str, instead: T) -> T:
        """What `read` gives; where it raises ValueError, its message is noted and `instead` stands in."""
        try:
            return read()
        except ValueError as error:
            self.add(path, str(error))
            return instead

    def distinct(self, given: Iterable[str], path: Callable[[int], str]) -> None:
        """Notes every item that stood there before; `path` gives the place of the item at an index."""
        seen: set[str] = set()
        for index, item in enumerate(given):
            if item in seen:
                self.add(path(index), "is a duplicate")
            seen.add(item)

    def raise_if_any(self) -> None:
        """`ConfigurationInvalid` with what was noted so far."""
        if self._found:
            raise ConfigurationInvalid(self._found)


def refuse(path: str, message: str) -> ConfigurationInvalid:
    """The error for a single fault."""
    return ConfigurationInvalid([Problem(path, message)])


def child(path: str, key: str | int) -> str:
    """The path of an element of a list or of a key of an object."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if not _PLAIN_KEY.fullmatch(key):
        # Keys come from the outside: quoted and cut, they cannot disturb a log or an answer.
        return f"{path}[{shown(key)}]"
    return f"{path}.{key}" if path else key


def shown(value: object, length: int = 60) -> str:
    """A value from the outside for a message: quoted, escaped and cut."""
    text = ascii(value) if isinstance(value, str) else ascii(str(value))
    return text if len(text) <= length else f"{text[: length - 3]}..."
