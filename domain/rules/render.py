"""From a configuration back to its document: plain, JSON-able, complete and stable.

Defaults are written out, so that a later version with other defaults reads the same configuration.
Exact numbers stand as texts where they are not whole.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from domain.points import plain_text
from domain.rules.model import (
    AllOf,
    AnyOf,
    AttributeDefinition,
    Award,
    Comparison,
    Condition,
    Configuration,
    Example,
    ExpiryOverride,
    ExpiryTerms,
    Flat,
    Not,
    Percent,
    ProgramTerms,
    Rule,
    RuleGroup,
    Scalar,
)


def to_document(configuration: Configuration) -> dict[str, Any]:
    """The document that `parse` reads back to an equal configuration."""
    return {
        "version": configuration.version,
        "program": _program(configuration.program),
        "expiry": _expiry(configuration.expiry),
        "product_codes": [
            {"code": product.code, "sub_codes": list(product.sub_codes)} for product in configuration.product_codes
        ],
        "transaction_attributes": [_definition(item) for item in configuration.transaction_attributes],
        "member_attributes": [_definition(item) for item in configuration.member_attributes],
        "rule_groups": [_group(group) for group in configuration.rule_groups],
        "examples": [_example(example) for example in configuration.examples],
    }


def _program(terms: ProgramTerms) -> dict[str, Any]:
    document = {name: getattr(terms, name) for name in ProgramTerms.__dataclass_fields__}
    document["redemption_rate"] = _scalar(terms.redemption_rate)
    document["redemption_minimum"] = _scalar(terms.redemption_minimum)
    document["redemption_types"] = {str(number): name for number, name in sorted(terms.redemption_types.items())}
    return document


def _expiry(terms: ExpiryTerms) -> dict[str, Any]:
    return {
        "policy": terms.policy,
        "months": terms.months,
        "period_end": terms.period_end,
        "date": _day(terms.last_day),
    }


def _definition(definition: AttributeDefinition) -> dict[str, Any]:
    document: dict[str, Any] = {name: getattr(definition, name) for name in AttributeDefinition.__dataclass_fields__}
    if not definition.values:
        del document["values"]
    else:
        document["values"] = list(definition.values)
    return document


def _group(group: RuleGroup) -> dict[str, Any]:
    return {
        "name": group.name,
        "enabled": group.enabled,
        "category": group.category,
        "stop_at_first": group.stop_at_first,
        "caps": {"transaction": group.caps.transaction},
        "rules": [_rule(rule) for rule in group.rules],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    document = {
        "name": rule.name,
        "enabled": rule.enabled,
        "valid_from": _day(rule.valid_from),
        "valid_to": _day(rule.valid_to),
        "award": _award(rule.award) | {"expires": _override(rule.expires)},
        "cap": rule.cap,
    }
    if rule.when is not None:
        document["when"] = _condition(rule.when)
    return document


def _award(award: Award) -> dict[str, Any]:
    match award:
        case Flat():
            return {"type": "flat", "points": _scalar(award.points)}
        case Percent():
            return {"type": "percent", "of": award.of, "percent": _scalar(award.percent)}
        case _:
            return {
                "type": "per_unit",
                "of": award.of,
                "points": _scalar(award.points),
                "per": _scalar(award.per),
            }


def _override(override: ExpiryOverride | None) -> dict[str, Any] | None:
    if override is None:
        return None
    if override.last_day is not None:
        return {"date": override.last_day.isoformat()}
    return {"months": override.months}


def _condition(condition: Condition) -> dict[str, Any]:
    match condition:
        case AllOf():
            return {"all": [_condition(part) for part in condition.parts]}
        case AnyOf():
            return {"any": [_condition(part) for part in condition.parts]}
        case Not():
            return {"not": _condition(condition.part)}
        case Comparison():
            return _comparison(condition)


def _comparison(comparison: Comparison) -> dict[str, Any]:
    document: dict[str, Any] = {"attribute": comparison.attribute, "op": comparison.op}
    if comparison.attribute_value is not None:
        document["attribute_value"] = comparison.attribute_value
    elif isinstance(comparison.value, tuple):
        document["value"] = [_scalar(value) for value in comparison.value]
    elif comparison.value is not None:
        document["value"] = _scalar(comparison.value)
    return document


def _example(example: Example) -> dict[str, Any]:
    return {
        "name": example.name,
        "transaction": {key: _scalar(value) for key, value in sorted(example.transaction.items())},
        "member": {key: _scalar(value) for key, value in sorted(example.member.items())},
        "points": _scalar(example.points),
    }


def _scalar(value: Scalar) -> str | int | bool:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else plain_text(value)
    return value.isoformat() if isinstance(value, date) else value


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
