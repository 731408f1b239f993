"""From rules, awards and conditions back to their documents."""

from datetime import date
from decimal import Decimal
from typing import Any

from domain.points import plain_text
from domain.rules.model import (
    AllOf,
    AnyOf,
    Award,
    Comparison,
    Condition,
    EveryNth,
    ExpiryOverride,
    Flat,
    GroupCaps,
    Multiplier,
    Not,
    Percent,
    PerUnit,
    Rule,
    RuleGroup,
    Scalar,
)


def group_document(group: RuleGroup) -> dict[str, Any]:
    """A group with its rules."""
    return {
        "name": group.name,
        "enabled": group.enabled,
        "category": group.category,
        "stop_at_first": group.stop_at_first,
        "caps": {window: getattr(group.caps, window) for window in GroupCaps.__dataclass_fields__},
        "rules": [_rule(rule) for rule in group.rules],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    document = {
        "name": rule.name,
        "enabled": rule.enabled,
        "valid_from": day_text(rule.valid_from),
        "valid_to": day_text(rule.valid_to),
        "award": award_document(rule.award)
        | {"expires": _override(rule.expires), "release_after_days": rule.release_after_days},
        "cap": rule.cap,
    }
    if rule.when is not None:
        document["when"] = condition_document(rule.when)
    return document


def award_document(award: Award) -> dict[str, Any]:
    """An award without its own expiry and release."""
    match award:
        case Flat():
            return {"type": "flat", "points": plain_scalar(award.points)}
        case Multiplier():
            return {"type": "multiplier", "factor": plain_scalar(award.factor)}
        case EveryNth():
            return {"type": "every_nth", "count": award.count, "n": award.n, "points": plain_scalar(award.points)}
        case Percent():
            return {"type": "percent", "of": award.of, "percent": plain_scalar(award.percent)}
        case PerUnit():
            return {
                "type": "per_unit",
                "of": award.of,
                "points": plain_scalar(award.points),
                "per": plain_scalar(award.per),
            }


def _override(override: ExpiryOverride | None) -> dict[str, Any] | None:
    if override is None:
        return None
    if override.last_day is not None:
        return {"date": override.last_day.isoformat()}
    return {"months": override.months}


def condition_document(condition: Condition) -> dict[str, Any]:
    """A tree of conditions."""
    match condition:
        case AllOf():
            return {"all": [condition_document(part) for part in condition.parts]}
        case AnyOf():
            return {"any": [condition_document(part) for part in condition.parts]}
        case Not():
            return {"not": condition_document(condition.part)}
        case Comparison():
            return _comparison(condition)


def _comparison(comparison: Comparison) -> dict[str, Any]:
    document: dict[str, Any] = {"attribute": comparison.attribute, "op": comparison.op}
    if comparison.attribute_value is not None:
        document["attribute_value"] = comparison.attribute_value
    elif isinstance(comparison.value, tuple):
        document["value"] = [plain_scalar(value) for value in comparison.value]
    elif comparison.value is not None:
        document["value"] = plain_scalar(comparison.value)
    return document


def plain_scalar(value: Scalar) -> str | int | bool:
    """A value as JSON has it; an exact number stands as a text where it is not whole."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else plain_text(value)
    return value.isoformat() if isinstance(value, date) else value


def day_text(value: date | None) -> str | None:
    """A date or time in ISO form."""
    return None if value is None else value.isoformat()
