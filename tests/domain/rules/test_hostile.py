"""Documents that mean harm: each is refused with a path and a sentence, before it costs anything."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from domain.rules.document import MAX_BYTES, MAX_DEPTH, MAX_VALUES
from domain.rules.parse import parse, parse_file
from domain.rules.problem import ConfigurationInvalid
from tests.domain.rules.documents import problems_of
from tests.domain.rules.full import full

LEAF = {"attribute": "member.club", "op": "eq", "value": "jazz"}


def deep(depth: int) -> dict[str, Any]:
    condition: dict[str, Any] = LEAF
    for _ in range(depth - 1):
        condition = {"not": condition}
    return condition


def nested_lists(depth: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(depth - 1):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        (lambda d: d["segments"][0].update(when=deep(17)), "segments[0].when", "deeper than 16"),
        (lambda d: d["segments"][0].update(when=deep(5000)), "segments[0].when", "deeper than 16"),
        (lambda d: d["segments"][0].update(when={"any": [LEAF] * 200}), "segments[0].when", "more than 200"),
        (lambda d: d["aggregates"][1].update(when=deep(99)), "aggregates[1].when", "deeper than 16"),
        (lambda d: d["rule_groups"][0]["rules"][2].update(when=deep(17)), "rule_groups[0].rules[2].when", "deeper"),
        (lambda d: d.update(segments=d["segments"] * 60), "segments", "no more than 200"),
        (lambda d: d.update(aggregates=d["aggregates"] * 20), "aggregates", "no more than 50"),
        (lambda d: d.update(campaigns=d["campaigns"] * 300), "campaigns", "no more than 500"),
        (lambda d: d["tiers"].update(levels=d["tiers"]["levels"] * 30), "tiers.levels", "no more than 50"),
        (lambda d: d.update(product_codes=nested_lists(MAX_DEPTH + 1)), "", "nested deeper"),
        (lambda d: d.update(product_codes=nested_lists(100_000)), "", "nested deeper"),
        (lambda d: d.update(product_codes=[0] * (MAX_VALUES + 1)), "", "more than 100000 values"),
        (lambda d: d["segments"].append("x"), "segments[4]", "must be an object"),
        (lambda d: d.update(tiers=[]), "tiers", "must be an object"),
        (lambda d: d["aggregates"][0].update(key={"a": 1}), "aggregates[0].key", "must be a string"),
        (lambda d: d["campaigns"][0].update(award=None), "campaigns[0].award", "must be an object"),
    ],
)
def test_a_hostile_part_is_refused_with_its_path(
    change: Callable[[dict[str, Any]], Any], path: str, message: str
) -> None:
    document = full()
    change(document)
    assert message in problems_of(document)[path]


def test_shared_parts_of_a_document_in_memory_are_counted_as_often_as_they_stand() -> None:
    shared: list[Any] = ["x"]
    for _ in range(25):
        shared = [shared] * 9
    document: dict[str, Any] = {"product_codes": shared}
    assert "more than" in problems_of(document)[""]


@pytest.mark.parametrize(
    "data",
    [
        b"x: " + b"a" * (10 * 1024 * 1024),
        b"a: &a [x, x]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (98 + n, 98 + n, 97 + n, 97 + n) for n in range(20)),
        b"[" * (MAX_BYTES - 1),
        b'{"a":' * (MAX_BYTES // 5),
    ],
    ids=["ten megabytes", "aliases", "lists", "objects"],
)
def test_a_bomb_costs_little_memory(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ConfigurationInvalid) as caught:
            parse_file(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 1000
    assert peak < 64 * 1024 * 1024


def test_faults_do_not_repeat_what_is_long() -> None:
    document = full()
    document["campaigns"][0]["segment"] = "y" * 100
    document["program"]["refund_policy"] = "z" * 100_000
    assert all(len(message) < 400 for message in problems_of(document).values())
    document = full()
    document["k" * 100_000] = 1
    assert all(len(path) < 200 for path in problems_of(document))


def test_a_document_with_as_many_parts_as_may_be_is_read() -> None:
    document = full()
    document["segments"] += [{"name": str(number), "when": {"all": [LEAF] * 20}} for number in range(196)]
    assert len(parse(document).segments) == 200
