"""B3, its pure part: what the rules alone cost a transaction, without any database."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import cycle, islice
from random import Random
from typing import Any

from bench.measure import Measured, percentile
from bench.report import Line
from bench.scale import Scale
from domain.rules.aggregate import contributions
from domain.rules.cap import cap_keys
from domain.rules.compile import compile_rules
from domain.rules.compiled import CompiledRules
from domain.rules.evaluate import Facts, evaluate
from domain.rules.parse import parse

RULES, TRANSACTIONS = 20, 1000
PRODUCTS = ("MUSIC", "BOOK", "FILM")
_START = datetime(2026, 1, 1, tzinfo=UTC)


def measure_rules(scale: Scale) -> list[Line]:
    """20 rules in two groups, 3 counted caps and 5 aggregates, for transactions that match a part of the rules."""
    compiled = compile_rules(parse(configuration()))
    facts = transactions(Random(3))
    _round(compiled, facts, scale.warm_up_s)
    rounds = [_round(compiled, facts, scale.seconds) for _ in range(scale.rounds)]
    return [Line("b3-rules", f"rules of a transaction: {RULES} rules, 3 caps, 5 aggregates", rounds)]


def configuration(*, aggregates: int = 5) -> dict[str, Any]:
    """Conditions over attributes, dates, the tier, a segment and aggregates, as programs have them."""
    rules = [_rule(number) for number in range(RULES)]
    return {
        "program": {"time_zone": "Europe/Berlin", "accrual_cap_per_month": 10**9},
        "product_codes": [{"code": code} for code in PRODUCTS],
        "transaction_attributes": [{"key": "quantity", "name": "Quantity", "type": "int"}],
        "aggregates": [
            {"key": f"figure_{number}", "of": "amount", "function": function, "period": period}
            for number, (function, period) in enumerate(islice(cycle(_AGGREGATES), aggregates))
        ],
        "tiers": {
            "assessment": "automatic",
            "levels": [{"name": "Silver", "from": 0}, {"name": "Gold", "from": 500, "multiplier": "1.5"}],
        },
        "segments": [
            {"name": "New", "when": {"attribute": "member.days_since_enrolment", "op": "lte", "value": 30}},
        ],
        "rule_groups": [
            {"name": "Base", "caps": {"day": 10**9}, "rules": rules[: RULES // 2]},
            {"name": "Bonus", "category": "bonus", "caps": {"month": 10**9}, "rules": rules[RULES // 2 :]},
        ],
    }


_AGGREGATES = (("sum", "mtd"), ("count", "lifetime"), ("max", "ytd"), ("average", "qtd"), ("sum", "rolling_365"))


def transactions(random: Random) -> list[Facts]:
    """Different purchases of a member, over a year."""
    return [
        Facts(
            transaction={
                "amount": Decimal(random.randrange(1, 50_000)).scaleb(-2),
                "product_code": random.choice(PRODUCTS),
                "quantity": random.randrange(1, 9),
            },
            at=_START + timedelta(minutes=random.randrange(500_000)),
            member={"days_since_enrolment": random.randrange(100), "gender": "F"},
            aggregates={f"figure_{number}": Decimal(random.randrange(2000)) for number in range(5)},
            tier=random.choice(["Silver", "Gold"]),
        )
        for _ in range(TRANSACTIONS)
    ]


def _rule(number: int) -> dict[str, Any]:
    conditions: list[dict[str, Any]] = [
        {"attribute": "transaction.product_code", "op": "eq", "value": PRODUCTS[number % 3]},
        {"attribute": "transaction.quantity", "op": "gte", "value": number % 7},
        {"attribute": f"aggregate.figure_{number % 5}", "op": "gt", "value": 100 * number},
        {"attribute": "tier", "op": "eq", "value": "Gold"},
        {"attribute": "segments", "op": "contains", "value": "New"},
        {"attribute": "date.weekday", "op": "in", "value": [6, 7]},
    ]
    per_unit = {"type": "per_unit", "of": "transaction.amount", "points": 1, "per": 1 + number % 4}
    return {
        "name": f"rule {number}",
        "when": {"all": [conditions[number % 6], conditions[(number + 1) % 6]]},
        "award": per_unit if number % 2 else {"type": "flat", "points": number + 1},
    }


def _round(compiled: CompiledRules, facts: list[Facts], seconds: float) -> Measured:
    """All that the rules do for a transaction: the counters to read, what to aggregate, the awards."""
    spent: list[int] = []
    cpu, started = time.process_time(), time.perf_counter()
    while time.perf_counter() - started < seconds:
        for one in facts:
            before = time.perf_counter_ns()
            used = dict.fromkeys(cap_keys(compiled, one.at), 0)
            contributions(compiled, one)
            evaluate(compiled, one, used)
            spent.append(time.perf_counter_ns() - before)
    elapsed, cpu = time.perf_counter() - started, time.process_time() - cpu
    spent.sort()
    return Measured(
        operations=len(spent),
        seconds=elapsed,
        p50_ms=percentile(spent, 0.5) / 1e6,
        p99_ms=percentile(spent, 0.99) / 1e6,
        cpu_us=cpu / len(spent) * 1e6,
    )
