"""Reads aggregates, whose shape the schema has checked."""

from typing import Any

from domain.rules.model import Aggregate
from domain.rules.parse_condition import read_condition
from domain.rules.problem import Problems, child, shown
from domain.rules.vocabulary import TRANSACTION, Vocabulary


def read_aggregates(given: list[dict[str, Any]], words: Vocabulary, problems: Problems) -> tuple[Aggregate, ...]:
    """The aggregates; notes duplicate keys, and attributes and filters that do not fit.

    `words` are those of the attributes; a filter may ask of the transaction only.
    """
    problems.distinct((item["key"] for item in given), lambda index: f"aggregates[{index}].key")
    asked = words.within("transaction")
    return tuple(_read_aggregate(item, child("aggregates", index), asked, problems) for index, item in enumerate(given))


def _read_aggregate(given: dict[str, Any], path: str, words: Vocabulary, problems: Problems) -> Aggregate:
    of, when = given.get("of"), given.get("when")
    if of is None and given["function"] != "count":
        problems.add(f"{path}.of", f"is missing for a {given['function']}")
    if of is not None:
        word = words.get(f"transaction.{of}")
        if word is None:
            problems.add(f"{path}.of", f"unknown attribute: {shown(of)}")
        elif word.kind != "number" or word.slot != TRANSACTION:
            problems.add(f"{path}.of", "must be a transaction attribute of type int or decimal")
    return Aggregate(
        key=given["key"],
        function=given["function"],
        period=given["period"],
        of=of,
        when=None if when is None else read_condition(when, f"{path}.when", words, problems),
    )
