"""Segments: dynamic ones follow the member, frozen ones their snapshot, and each is looked at once."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.rules.compile import compile_rules
from domain.rules.evaluate import evaluate
from domain.rules.facts import Facts, env_of
from domain.rules.model import DEFAULT_SEGMENTS, Configuration
from domain.rules.parse import parse
from domain.rules.segment import fits_snapshot, segments_of
from domain.rules.vocabulary import SEGMENTS
from tests.domain.rules.documents import flat, with_rules
from tests.domain.rules.full import full

AT = datetime(2026, 6, 1, tzinfo=UTC)
FULL = compile_rules(parse(full()))


def facts(*, frozen: Any = (), tier: str | None = None, **member: Any) -> Facts:
    return Facts(transaction={}, member=member, at=AT, tier=tier, frozen_segments=frozenset(frozen))


def test_a_member_is_in_the_dynamic_segments_that_hold_and_the_frozen_ones_given() -> None:
    assert segments_of(FULL, facts(days_since_enrolment=30)) == {"New"}
    assert segments_of(FULL, facts(days_since_enrolment=31)) == frozenset()
    assert segments_of(FULL, facts(days_since_enrolment=1, frozen=["Staff"])) == {"New", "Staff", "New staff"}
    # A frozen segment goes by its snapshot, whatever its condition says now.
    assert segments_of(FULL, facts(tier="Gold")) == frozenset()


def test_the_condition_of_a_frozen_segment_says_who_is_taken_into_a_snapshot() -> None:
    assert fits_snapshot(FULL, "Gold now", facts(tier="Gold"))
    assert not fits_snapshot(FULL, "Gold now", facts(tier="Silver", frozen=["Gold now"]))
    with pytest.raises(KeyError):
        fits_snapshot(FULL, "Staff", facts())


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("contains", "Staff", True),
        ("contains", "New", False),
        ("in", ["New", "Staff"], True),
        ("in", ["New"], False),
        ("not_in", ["New", "Gold now"], True),
        ("not_in", ["Staff"], False),
    ],
)
def test_a_rule_may_ask_for_segments(op: str, value: Any, expected: bool) -> None:
    document = with_rules(flat(1, when={"attribute": "segments", "op": op, "value": value}))
    document["segments"] = [{"name": "Staff", "kind": "frozen"}, full()["segments"][0], full()["segments"][3]]
    document["tiers"] = {"assessment": "manual", "levels": [{"name": "Gold"}]}
    awards = evaluate(compile_rules(parse(document)), facts(frozen=["Staff"], days_since_enrolment=99), {}).awards
    assert bool(awards) is expected


def test_a_segment_is_looked_at_once_and_only_when_it_is_asked_for() -> None:
    class Watched(dict[str, Any]):
        def __init__(self) -> None:
            super().__init__(days_since_enrolment=1)
            self.reads = 0

        def get(self, key: str, default: Any = None) -> Any:
            self.reads += 1
            return super().get(key, default)

    member = Watched()
    env = env_of(FULL, Facts(transaction={}, member=member, at=AT))
    assert member.reads == 0
    assert [env[SEGMENTS].holds("New", env) for _ in range(3)] == [True] * 3
    assert member.reads == 1


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ({"days_since_enrolment": 0, "purchases": 0}, {"New members", "Never purchased"}),
        ({"days_since_enrolment": 30, "purchases": 1, "days_since_last_purchase": 3}, {"New members", "Active buyers"}),
        ({"days_since_enrolment": 400, "purchases": 9, "days_since_last_purchase": 90}, {"Active buyers"}),
        ({"days_since_enrolment": 400, "purchases": 9, "days_since_last_purchase": 91}, {"At risk"}),
        ({"days_since_enrolment": 31, "purchases": 0}, {"Never purchased"}),
    ],
)
def test_the_default_segments(member: dict[str, Any], expected: set[str]) -> None:
    compiled = compile_rules(Configuration(segments=DEFAULT_SEGMENTS))
    assert segments_of(compiled, Facts(transaction={}, member=member, at=AT)) == expected


def test_the_sub_relation_and_the_enrolment_are_inputs() -> None:
    when = {
        "all": [
            {"attribute": "sub_relation.type", "op": "in", "value": ["CARD"]},
            {"attribute": "sub_relation.product_code", "op": "starts_with", "value": "VI"},
            {"attribute": "sub_relation.status", "op": "ne", "value": "blocked"},
            {"attribute": "member.enrolled_at", "op": "lt", "value": "2026-01-01"},
        ]
    }
    compiled = compile_rules(parse(with_rules(flat(1, when=when))))

    def points(**sub_relation: str) -> int:
        given = Facts(
            transaction={}, member={"enrolled_at": datetime(2025, 5, 5, tzinfo=UTC)}, at=AT, sub_relation=sub_relation
        )
        return evaluate(compiled, given, {}).points

    assert points(type="CARD", product_code="VISA", status="active") == 1
    assert points(type="CARD", product_code="VISA", status="blocked") == points() == 0
