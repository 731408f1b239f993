"""Rules of every kind."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, get_args

from domain.rules.model import AggregateFunction, Period
from domain.rules.vocabulary import DATE_PARTS

Row = dict[str, Any]
Day = Callable[[int], str]
"""The day so many days ago; in the future for less than none."""

PRODUCTS: Mapping[str, tuple[str, ...]] = {"MUSIC": ("CD", "VINYL"), "BOOK": (), "GAME": (), "HELD": (), "EXCESS": ()}


def rules_of(day: Day) -> dict[str, Any]:
    """The configuration that the programs begin with."""
    return {
        "program": {
            "time_zone": "America/New_York",
            "points_decimals": 1,
            "accrual_cap_per_month": 600,
            "pending_validity": "release",
        },
        "expiry": {"policy": "months", "months": 24, "period_end": "quarter"},
        "product_codes": [{"code": code, "sub_codes": list(subs)} for code, subs in PRODUCTS.items()],
        "transaction_attributes": _TRANSACTION_ATTRIBUTES,
        "member_attributes": _MEMBER_ATTRIBUTES,
        "aggregates": [
            {"key": "music", "function": "count", "period": "lifetime", "when": _MUSIC},
            *({"key": f"{function}_{period}", "function": function, "period": period, "of": "amount"}
            for function, period in product(get_args(AggregateFunction), get_args(Period))),
        ],
        "segments": [
            {"name": "Jazz", "when": {"attribute": "member.genre", "op": "eq", "value": "jazz"}},
            {"name": "Press", "kind": "frozen"},
        ],
        "rule_groups": [
            {"name": "Operators", "rules": list(_operators(day))},
            {"name": "Aggregates", "category": "bonus", "rules": list(_aggregate_rules())},
            *_AWARDS,
            *_CAPPED,
            _terms(day),
        ],
        "tiers": _TIERS,
        "campaigns": [
            {"name": "Jazz days", "starts": day(45), "ends": day(-60), "segment": "Jazz", "message": "Good to see you",
             "award": {"type": "flat", "points": 3}},
            {"name": "Spring", "starts": day(30), "ends": day(10),
             "award": {"type": "multiplier", "factor": 1.25}},
        ],
        "fraud": _FRAUD,
    }  # fmt: skip


def _operators(day: Day) -> Iterator[Row]:
    """A rule for each operator of each kind, part of a date, and root of attributes."""
    asked = [
        *_text_questions(), *_number_questions(), *_date_questions(day), *_BOOLEAN_QUESTIONS, *_SET_QUESTIONS,
        *({"attribute": f"date.{part}", "op": "in", "value": _HALF[part]} for part in DATE_PARTS),
        *_OTHER_QUESTIONS,
    ]  # fmt: skip
    for number, question in enumerate(asked, start=1):
        points = f"0.{number % 9 + 1}"
        yield {"name": f"Question {number}", "when": question, "award": {"type": "flat", "points": points}}


def _date_questions(day: Day) -> Iterator[Row]:
    delivered = "transaction.delivered"
    near, far = day(15), day(40)
    for op in ("eq", "ne", "gt", "gte", "lt", "lte"):
        yield {"attribute": delivered, "op": op, "value": near}
    yield {"attribute": delivered, "op": "in", "value": [near, far]}
    yield {"attribute": delivered, "op": "not_in", "value": [near, far]}
    yield {"attribute": delivered, "op": "between", "value": [far, near]}
    yield {"attribute": delivered, "op": "is_set", "value": True}
    yield {"attribute": "member.dob", "op": "birthday", "value": "day"}
    yield {"attribute": "member.dob", "op": "birthday", "value": "month"}


def _terms(day: Day) -> Row:
    """Rules with terms of their own."""
    flat = {"type": "flat", "points": 2}
    return {
        "name": "Terms",
        "rules": [
            {"name": "For months", "award": {**flat, "expires": {"months": 3}}},
            {"name": "Until a day", "award": {**flat, "expires": {"date": day(-400)}}},
            {"name": "Later", "award": {**flat, "release_after_days": 90}},
            {"name": "Capped", "award": {"type": "per_unit", "of": "transaction.amount", "points": 1}, "cap": 5},
            {"name": "In time", "award": flat, "valid_from": day(40), "valid_to": day(15)},
            {"name": "Off", "award": flat, "enabled": False},
        ],
    }


def _text_questions() -> Iterator[Row]:
    for op, value in (("eq", "web"), ("ne", "web"), ("in", ["web", "shop"]), ("not_in", ["shop"])):
        yield {"attribute": "transaction.channel", "op": op, "value": value}
    yield {"attribute": "transaction.note", "op": "is_set", "value": False}
    yield {"attribute": "transaction.note", "op": "contains", "value": "gift"}
    yield {"attribute": "transaction.note", "op": "starts_with", "value": "A"}


def _number_questions() -> Iterator[Row]:
    for op in ("eq", "ne", "gt", "gte", "lt", "lte"):
        yield {"attribute": "transaction.quantity", "op": op, "value": 5}
    yield {"attribute": "transaction.quantity", "op": "in", "value": [1, 3]}
    yield {"attribute": "transaction.quantity", "op": "not_in", "value": [1, 3]}
    yield {"attribute": "transaction.quantity", "op": "multiple_of", "value": 4}
    yield {"attribute": "transaction.amount", "op": "between", "value": ["25.50", 75]}
    yield {"attribute": "transaction.weight", "op": "is_set", "value": True}


_BOOLEAN_QUESTIONS: list[Row] = [
    {"attribute": "transaction.gift", "op": "eq", "value": True},
    {"attribute": "member.vip", "op": "ne", "value": True},
    {"attribute": "transaction.gift", "op": "is_set", "value": True},
]
_SET_QUESTIONS: list[Row] = [
    {"attribute": "segments", "op": "in", "value": ["Jazz", "Press"]},
    {"attribute": "segments", "op": "not_in", "value": ["Press"]},
    {"attribute": "segments", "op": "contains", "value": "Active buyers"},
]
_HALF = {
    "month": [1, 3, 5, 7, 8, 9, 10, 11, 12],
    # A night has purchases of five days: both kinds of days on whichever day it is made.
    "day": list(range(1, 32, 2)),
    "weekday": [1, 2, 6],
    "hour": list(range(12)),
}
_OTHER_QUESTIONS: list[Row] = [
    {"attribute": "transaction.amount", "op": "gt", "attribute_value": "member.visits"},
    {"attribute": "sub_relation.type", "op": "eq", "value": "ACCOUNT"},
    {"attribute": "sub_relation.product_code", "op": "eq", "value": "GOLD"},
    {"attribute": "sub_relation.status", "op": "is_set", "value": True},
    {"attribute": "tier", "op": "in", "value": ["Gold", "Top"]},
    {"attribute": "member.purchases", "op": "gte", "value": 3},
    {"attribute": "member.days_since_last_purchase", "op": "lte", "value": 5},
    {"attribute": "member.days_since_enrolment", "op": "lte", "value": 3},
    {"attribute": "member.enrolled_at", "op": "gt", "value": "2020-01-01"},
    {
        "any": [
            {"not": {"attribute": "member.genre", "op": "eq", "value": "rock"}},
            {
                "all": [
                    {"attribute": "transaction.product_code", "op": "eq", "value": "MUSIC"},
                    {"attribute": "transaction.sub_product_code", "op": "eq", "value": "CD"},
                ]
            },
        ]
    },
]


def _aggregate_rules() -> Iterator[Row]:
    least = {"sum": 150, "count": 3, "min": 10, "max": 80, "average": 40}
    for function, period in product(get_args(AggregateFunction), get_args(Period)):
        question = {"attribute": f"aggregate.{function}_{period}", "op": "gte", "value": least.get(function, 1)}
        yield {"name": f"{function} {period}", "when": question, "award": {"type": "flat", "points": "0.3"}}


_PER_UNIT: Row = {"type": "per_unit", "of": "transaction.amount", "points": 1, "per": 3}
_MUSIC: Row = {"attribute": "transaction.product_code", "op": "eq", "value": "MUSIC"}
_AWARDS: list[Row] = [
    {
        "name": "Base",
        "rules": [
            {"name": "A third", "award": _PER_UNIT},
            {"name": "Percent", "award": {"type": "percent", "of": "transaction.amount", "percent": "2.5"}},
            {"name": "Double", "when": _MUSIC, "award": {"type": "multiplier", "factor": "1.5"}},
        ],
    },
    {
        "name": "Third purchase",
        "category": "bonus",
        "rules": [
            {"name": "Third", "award": {"type": "every_nth", "count": "music", "n": 3, "points": 7}},
        ],
    },
    {
        "name": "First match",
        "stop_at_first": True,
        "rules": [
            {"name": "First", "when": _MUSIC, "award": {"type": "flat", "points": 1}},
            {"name": "Second", "award": {"type": "flat", "points": 2}},
        ],
    },
    {"name": "Closed", "enabled": False, "rules": [{"name": "Closed", "award": {"type": "flat", "points": 99}}]},
]
_CAPPED: list[Row] = [
    {"name": f"By {window}", "caps": {window: cap}, "rules": [{"name": f"By {window}", "award": _PER_UNIT}]}
    for window, cap in {"transaction": 20, "day": 30, "month": 55, "lifetime": 90}.items()
]
_LEVELS: list[Row] = [
    {"name": "Silver", "from": 0, "multiplier": 1},
    {"name": "Gold", "from": 150, "multiplier": "1.5", "upgrade_bonus": 20},
    {"name": "Top", "from": 400, "multiplier": 2, "upgrade_bonus": 50},
]
_TIERS: Row = {
    "assessment": "automatic", "basis": "points", "window": "rolling_365", "retention_days": 365, "levels": _LEVELS,
}  # fmt: skip
OTHER_TIERS: Row = {
    "basis": "both",
    "window": "lifetime",
    "aggregate": "sum_lifetime",
    "levels": [{**level, "from_aggregate": level["from"]} for level in _LEVELS],
}
LAST_TIERS: Row = {
    "assessment": "off",
    "basis": "aggregate",
    "levels": [{**level, "from": None, "from_aggregate": level["from"]} for level in _LEVELS],
}
_TRANSACTION_ATTRIBUTES: list[Row] = [
    {"key": "quantity", "name": "Quantity", "type": "int"},
    {"key": "weight", "name": "Weight", "type": "decimal"},
    {"key": "channel", "name": "Channel", "type": "selection", "values": ["web", "shop"]},
    {"key": "gift", "name": "Gift", "type": "boolean"},
    {"key": "note", "name": "Note", "type": "string", "max_length": 20},
    {"key": "delivered", "name": "Delivered", "type": "date"},
]
_MEMBER_ATTRIBUTES: list[Row] = [
    {"key": "genre", "name": "Genre", "type": "selection", "values": ["jazz", "rock"]},
    {"key": "visits", "name": "Visits", "type": "int"},
    {"key": "vip", "name": "VIP", "type": "boolean", "pi": True},
    {"key": "city", "name": "City", "type": "string", "mandatory": True, "hidden_on_profile": True},
    {"key": "club_id", "name": "Club", "type": "string", "unique": True},
]
_FRAUD: Row = {
    "earning": [
        {"product_code": "HELD", "max_points": 10, "action": "hold"},
        {"product_code": "EXCESS", "max_points": 25, "action": "hold_excess"},
        {"max_transactions": 8, "per": "day", "action": "hold"},
        {"max_transactions": 60, "per": "month"},
    ]
}
