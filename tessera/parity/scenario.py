"""Scenarios: what is to go through every door, read and checked before anything is started."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import Any, NamedTuple
from unicodedata import normalize
from zoneinfo import ZoneInfo

import orjson

from domain.program_zone import load_zone
from domain.rules.document import load_document
from domain.rules.fixed import FIXED_MEMBER_ATTRIBUTES
from domain.rules.join import join_documents, parse_joined
from domain.rules.model import DEFAULT_SEGMENTS, Configuration
from domain.rules.problem import ConfigurationInvalid, Problem, Problems, child
from domain.rules.render import to_document
from domain.rules.schema import shape_problems
from ingestion.columns.member import ACTION, ACTIONS
from ingestion.columns.types import COLUMNS_OF

EXPECT = "expect"
"""What stands beside the columns of a row: the code that it is expected to have."""

MAX_ROWS = 100_000


class ScenarioRefused(Exception):
    """The scenario does not hold; `problems` has every fault with its path."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class Line(NamedTuple):
    """One row: the columns that have a value, as texts, and the code that is expected, if any."""

    columns: Mapping[str, str]
    expect: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """Rows of one type, which are a file for SFTP and a call each for the others.

    `zone` is that of the program meanwhile, `name` the stem of the file; rows are numbered as lines of it.
    """

    name: str
    type: str
    zone: ZoneInfo
    lines: tuple[Line, ...]

    def place(self, index: int) -> str:
        """What the row at this index is called: its file and its line."""
        return f"{self.name}:{index + 2}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """What happens in each program, in order: bytes are a configuration to apply."""

    name: str
    steps: tuple[Upload | bytes, ...]

    @property
    def uploads(self) -> Iterator[Upload]:
        """The rows, by file."""
        return (step for step in self.steps if isinstance(step, Upload))


def read_scenario(source: bytes) -> Scenario:
    """The scenario of a YAML or JSON file. Raises ScenarioRefused with every fault found."""
    try:
        document: Any = load_document(source)
        found = shape_problems(document, files("tessera.parity").joinpath("scenario.schema.json").read_text("utf-8"))
        if found:
            raise ConfigurationInvalid(found)
        return _Reader().read(document)
    except ConfigurationInvalid as refused:
        raise ScenarioRefused(refused.problems) from None


class _Reader:
    """Reads a document whose shape holds; knows the configuration that is in force at each step."""

    def __init__(self) -> None:
        self._problems = Problems()
        self._in_force: Any = to_document(Configuration(segments=DEFAULT_SEGMENTS))
        self._zone = ZoneInfo("UTC")
        self._own: dict[str, frozenset[str]] = {}
        self._names: list[str] = []

    def read(self, document: dict[str, Any]) -> Scenario:
        """Raises ConfigurationInvalid."""
        steps: list[Upload | bytes] = [self._configuration(document["configuration"], "configuration")]
        for index, step in enumerate(document["files"]):
            path = child("files", index)
            if "configuration" in step:
                if len(step) > 1:
                    self._problems.add(path, "is either a configuration or rows of a type")
                steps.append(self._configuration(step["configuration"], child(path, "configuration")))
            else:
                steps.append(self._upload(step, path, len(self._names) + 1))
        self._problems.distinct(self._names, lambda index: f"the name {self._names[index]}")
        self._problems.raise_if_any()
        return Scenario(name=document["name"], steps=tuple(steps))

    def _configuration(self, given: dict[str, Any], path: str) -> bytes:
        given = {"version": 1, **given}
        if "files" in given:
            self._problems.add(child(path, "files"), "says how files are taken, which no other door knows")
        try:
            configuration = parse_joined(given, self._in_force)
        except ConfigurationInvalid as refused:
            self._problems.extend(
                Problem(f"{path}.{one.path}" if one.path else path, one.message) for one in refused.problems
            )
            return b""
        self._in_force = join_documents(self._in_force, given)
        self._zone = load_zone(configuration.program.time_zone)
        self._own = {
            "CPD": frozenset(one.key for one in configuration.member_attributes),
            "TXN": frozenset(one.key for one in configuration.transaction_attributes),
        }
        return orjson.dumps(given, default=_plain)

    def _upload(self, step: dict[str, Any], path: str, number: int) -> Upload:
        kind, rows = step.get("type", ""), step.get("rows", [])
        for key in ("type", "rows"):
            if key not in step:
                self._problems.add(child(path, key), "is missing")
        lines = tuple(self._line(kind, row, child(child(path, "rows"), at)) for at, row in enumerate(rows))
        # Numbered, so that no two are alike; the type comes last, as in the name of any file.
        name = f"{step.get('name', 'Parity')}_{number}_{kind}"
        self._names.append(name)
        return Upload(name=name, type=kind, zone=self._zone, lines=lines)

    def _line(self, kind: str, row: Mapping[str, Any], path: str) -> Line:
        given = {key: text for key, value in row.items() if (text := _text(value))}
        expect = given.pop(EXPECT, None)
        known = COLUMNS_OF[kind].columns | self._own.get(kind, frozenset()) if kind else frozenset(given)
        for key in sorted(given.keys() - known):
            self._problems.add(child(path, key), f"is no column of {kind}, nor an attribute of the program")
        if not given:
            self._problems.add(path, "has no value")
        self._check_sayable(kind, given, path)
        return Line(given, expect)

    def _check_sayable(self, kind: str, given: Mapping[str, str], path: str) -> None:
        """What only files can say, or what one of the doors has to be told."""
        if kind == "CPD" and given.get(ACTION, "NEW").upper() not in ACTIONS:
            self._problems.add(child(path, ACTION), f"must be one of {', '.join(sorted(ACTIONS))}")
        if (
            kind == "CPD"
            and given.keys() <= {"relation_reference", ACTION}
            and given.get(ACTION, "").upper() == "UPDATE"
        ):
            self._problems.add(path, "changes nothing, for which the API has no call")
        if kind == "CRD" and "sub_relation_type" not in given:
            self._problems.add(child(path, "sub_relation_type"), "is missing: GraphQL needs it")


def _text(value: Any) -> str:
    """A value as a file has it, blanks around it taken off; empty where there is none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return (
        normalize("NFC", value.strip())
        if isinstance(value, str)
        else format(value, "f" if isinstance(value, Decimal) else "d")
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError


FIXED_MEMBER_KEYS = frozenset(one.key for one in FIXED_MEMBER_ATTRIBUTES)
