"""Runs the examples that a configuration carries: what `tessera rules test` reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from domain.points import from_minor, to_minor
from domain.program_zone import to_instant
from domain.rules.aggregate import EMPTY, contributions, value_of, with_value
from domain.rules.cap import CapKey, cap_keys
from domain.rules.compile import CompiledRules, compile_rules
from domain.rules.evaluate import Evaluation, Facts, evaluate
from domain.rules.fixed import REFUND
from domain.rules.model import Configuration, Example

EXAMPLE_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""The instant of an example that has no transaction date: fixed, so that a file gives the same every day."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExampleResult:
    """An example's points as expected and as the rules give them, with the explanation of each group."""

    name: str
    expected: Decimal
    got: Decimal
    passed: bool
    explanation: list[dict[str, Any]]


class ExamplesFail(Exception):
    """Examples do not give what they say; `failed` has what they give."""

    def __init__(self, failed: Sequence[ExampleResult]) -> None:
        told = "; ".join(f"{one.name}: expected {one.expected}, got {one.got}" for one in failed[:10])
        super().__init__(f"examples fail: {told}")
        self.failed = tuple(failed)


def run_examples(configuration: Configuration, *, at: datetime = EXAMPLE_AT) -> list[ExampleResult]:
    """Every example through the configuration's own rules; `at` stands in for a missing date."""
    compiled = compile_rules(configuration)
    return [_run(example, compiled, at) for example in configuration.examples]


def _run(example: Example, compiled: CompiledRules, at: datetime) -> ExampleResult:
    given = example.transaction.get("transaction_date")
    earned_at = to_instant(given, compiled.zone) if isinstance(given, date) else at
    # A refund takes points back, it never earns.
    if example.transaction.get("transaction_type") == REFUND:
        evaluation = Evaluation(awards=(), unposted=Decimal(0), counted={})
    else:
        evaluation = evaluate(compiled, _facts(example, compiled, earned_at), _used(example, compiled, earned_at))
    got = from_minor(evaluation.points, compiled.points_decimals)
    return ExampleResult(
        name=example.name,
        expected=example.points,
        got=got,
        passed=got == example.points,
        explanation=[
            {"group": award.group} | award.explanation for award in (*evaluation.awards, *evaluation.fruitless)
        ],
    )


def _facts(example: Example, compiled: CompiledRules, at: datetime) -> Facts:
    facts = Facts(
        transaction=example.transaction,
        at=at,
        member=example.member,
        sub_relation=example.sub_relation,
        tier=example.tier,
        frozen_segments=frozenset(example.segments),
    )
    return replace(facts, aggregates={**_first_values(compiled, facts), **example.aggregates})


def _first_values(compiled: CompiledRules, facts: Facts) -> Mapping[str, Decimal]:
    """The aggregates of a member whose first transaction this is."""
    added = contributions(compiled, facts)
    values = {}
    for one in compiled.aggregates:
        key = one.aggregate.key
        value = value_of(one.aggregate, with_value(EMPTY, one.aggregate, added[key]) if key in added else EMPTY)
        if value is not None:
            values[key] = value
    return values


def _used(example: Example, compiled: CompiledRules, at: datetime) -> dict[CapKey, int]:
    given = {(one.group or "", one.window): to_minor(one.points, compiled.points_decimals) for one in example.used}
    return {key: given.get((key.scope, key.window), 0) for key in cap_keys(compiled, at)}
