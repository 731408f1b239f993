"""What the doors said to the same rows, and what their ledgers have: equal, or where not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from domain.store.digest import digest_of
from tessera.parity.door import Answer
from tessera.parity.scenario import Line, Scenario

DOORS = ("rest", "graphql", "sftp")


@dataclass(frozen=True, kw_only=True, slots=True)
class Equivalent:
    """A code that a door has for what the use case, and so a file, refuses with another one.

    Of rows of these types, where what the file is told names one of these columns.
    """

    doors: frozenset[str]
    types: frozenset[str]
    columns: frozenset[str]
    code: str
    in_file: str
    reason: str


_GRAPHQL = frozenset({"graphql"})
# Bonuses go by GraphQL at the door of REST as well.
_BONUS_DOORS = frozenset({"rest", "graphql"})
_BY_TYPE = "GraphQL checks a value against the type of its input, before any use case runs"

EQUIVALENTS = (
    Equivalent(
        doors=_GRAPHQL,
        types=frozenset({"CPD"}),
        columns=frozenset({"status", "dob"}),
        code="999",
        in_file="106",
        reason=_BY_TYPE,
    ),
    Equivalent(
        doors=_GRAPHQL,
        types=frozenset({"CRD", "TXN"}),
        columns=frozenset({"sub_relation_type", "transaction_type"}),
        code="999",
        in_file="998",
        reason=_BY_TYPE,
    ),
    Equivalent(
        doors=_BONUS_DOORS,
        types=frozenset({"BNS"}),
        columns=frozenset({"bonus_type"}),
        code="999",
        in_file="998",
        reason=_BY_TYPE,
    ),
    Equivalent(
        doors=frozenset({"rest"}),
        types=frozenset({"TXN", "CRD"}),
        columns=frozenset({"amount", "transaction_date", "expiry_date"}),
        code="998",
        in_file="999",
        reason="v1 can read what is out of range, and says that it is not allowed",
    ),
)
"""As few as there can be: what is not here has to be equal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A row that the doors did not answer alike, or not as expected."""

    place: str
    type: str
    expected: str | None
    answers: Mapping[str, Answer]


@dataclass(frozen=True, kw_only=True, slots=True)
class PostingDifference:
    """A posting that not all ledgers have, or not equally often."""

    posting: Sequence[Any]
    times: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What came of a scenario. `equivalent`: rows equal only by the table of equivalents."""

    name: str
    rows: int
    equivalent: int
    codes: Mapping[str, int]
    digests: Mapping[str, str]
    postings: Mapping[str, int]
    differences: Sequence[Difference]
    posting_differences: Sequence[PostingDifference]

    @property
    def is_equal(self) -> bool:
        """Whether every row and every ledger is equal."""
        return not self.differences and len(set(self.digests.values())) == 1


def compare(
    scenario: Scenario, answers: Mapping[str, Sequence[Answer]], ledgers: Mapping[str, Sequence[bytes]]
) -> Comparison:
    """Compare what each door answered, row by row in their order, and the sorted lines of its ledger."""
    places = [
        (upload.place(index), upload.type, line)
        for upload in scenario.uploads
        for index, line in enumerate(upload.lines)
    ]
    rows = [{door: answers[door][at] for door in DOORS} for at in range(len(places))]
    differences, equivalent = [], 0
    for (place, kind, line), row in zip(places, rows, strict=True):
        if not _agree(kind, line, row):
            differences.append(Difference(place=place, type=kind, expected=line.expect, answers=row))
        elif len({answer.code for answer in row.values()}) > 1:
            equivalent += 1
    return Comparison(
        name=scenario.name,
        rows=len(rows),
        equivalent=equivalent,
        codes=dict(sorted(Counter(row["sftp"].code for row in rows).items())),
        digests={door: digest_of(ledgers[door]) for door in DOORS},
        postings={door: len(ledgers[door]) for door in DOORS},
        differences=differences,
        posting_differences=_posting_differences(ledgers),
    )


def _agree(kind: str, line: Line, row: Mapping[str, Answer]) -> bool:
    in_file = row["sftp"]
    if line.expect not in {None, in_file.code}:
        return False
    return all(
        answer.code == in_file.code or _is_equivalent(door, kind, answer, in_file) for door, answer in row.items()
    )


def _is_equivalent(door: str, kind: str, answer: Answer, in_file: Answer) -> bool:
    return any(
        door in one.doors
        and kind in one.types
        and (one.code, one.in_file) == (answer.code, in_file.code)
        and any(f"({column}: " in in_file.message for column in one.columns)
        for one in EQUIVALENTS
    )


def _posting_differences(ledgers: Mapping[str, Sequence[bytes]]) -> list[PostingDifference]:
    counts = {door: Counter(lines) for door, lines in ledgers.items()}
    every = sorted(set().union(*ledgers.values()))
    times = ((line, {door: counts[door][line] for door in DOORS}) for line in every)
    return [
        PostingDifference(posting=orjson.loads(line), times=found)
        for line, found in times
        if len(set(found.values())) > 1
    ]
