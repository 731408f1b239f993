"""From a configuration back to its document: plain, JSON-able, complete and stable.

Defaults are written out, so that a later version with other defaults reads the same configuration.
Exact numbers stand as texts where they are not whole.
"""

from typing import Any

from domain.catalog_terms import CatalogItem
from domain.file_terms import FileTerms, ScheduledExport
from domain.fraud_terms import FraudTerms
from domain.message import MessageTemplate
from domain.rules.model import (
    Aggregate,
    AttributeDefinition,
    Campaign,
    Configuration,
    Example,
    ExpiryTerms,
    ProgramTerms,
    ReferralTerms,
    Segment,
    TierLevel,
    TierTerms,
)
from domain.rules.render_rule import award_document, condition_document, day_text, group_document, plain_scalar


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
        "aggregates": [_aggregate(aggregate) for aggregate in configuration.aggregates],
        "rule_groups": [group_document(group) for group in configuration.rule_groups],
        "tiers": _tiers(configuration.tiers),
        "segments": [_segment(segment) for segment in configuration.segments],
        "campaigns": [_campaign(campaign) for campaign in configuration.campaigns],
        "referrals": {name: getattr(configuration.referrals, name) for name in ReferralTerms.__dataclass_fields__},
        "messages": [_message(template) for template in configuration.messages],
        "fraud": _fraud(configuration.fraud),
        "files": _files(configuration.files),
        "catalog": [_item(item) for item in configuration.catalog],
        "examples": [_example(example) for example in configuration.examples],
    }


def _program(terms: ProgramTerms) -> dict[str, Any]:
    document = {name: getattr(terms, name) for name in ProgramTerms.__dataclass_fields__}
    document["redemption_rate"] = plain_scalar(terms.redemption_rate)
    document["redemption_minimum"] = plain_scalar(terms.redemption_minimum)
    if terms.adjustment_approval_from is not None:
        document["adjustment_approval_from"] = plain_scalar(terms.adjustment_approval_from)
    document["allowed_origins"] = list(terms.allowed_origins)
    document["approvals"] = list(terms.approvals)
    document["redemption_types"] = {str(number): name for number, name in sorted(terms.redemption_types.items())}
    return document


def _expiry(terms: ExpiryTerms) -> dict[str, Any]:
    return {
        "policy": terms.policy,
        "months": terms.months,
        "period_end": terms.period_end,
        "date": day_text(terms.last_day),
    }


def _definition(definition: AttributeDefinition) -> dict[str, Any]:
    document: dict[str, Any] = {name: getattr(definition, name) for name in AttributeDefinition.__dataclass_fields__}
    if not definition.values:
        del document["values"]
    else:
        document["values"] = list(definition.values)
    return document


def _aggregate(aggregate: Aggregate) -> dict[str, Any]:
    document: dict[str, Any] = {name: getattr(aggregate, name) for name in ("key", "of", "function", "period")}
    if aggregate.when is not None:
        document["when"] = condition_document(aggregate.when)
    return document


def _tiers(tiers: TierTerms) -> dict[str, Any]:
    document: dict[str, Any] = {name: getattr(tiers, name) for name in TierTerms.__dataclass_fields__}
    document["levels"] = [_level(level) for level in tiers.levels]
    return document


def _level(level: TierLevel) -> dict[str, Any]:
    return {
        "name": level.name,
        "from": level.from_points,
        "from_aggregate": None if level.from_aggregate is None else plain_scalar(level.from_aggregate),
        "multiplier": plain_scalar(level.multiplier),
        "upgrade_bonus": level.upgrade_bonus,
    }


def _segment(segment: Segment) -> dict[str, Any]:
    document: dict[str, Any] = {"name": segment.name, "kind": segment.kind}
    if segment.when is not None:
        document["when"] = condition_document(segment.when)
    return document


def _campaign(campaign: Campaign) -> dict[str, Any]:
    return {
        "name": campaign.name,
        "starts": day_text(campaign.starts),
        "ends": day_text(campaign.ends),
        "segment": campaign.segment,
        "award": award_document(campaign.award),
        "message": campaign.message,
    }


def _message(template: MessageTemplate) -> dict[str, Any]:
    return {name: getattr(template, name) for name in MessageTemplate.__dataclass_fields__}


def _fraud(terms: FraudTerms) -> dict[str, Any]:
    return {
        "earning": [
            {
                "product_code": one.product_code,
                "max_points": None if one.max_points is None else plain_scalar(one.max_points),
                "max_transactions": one.max_transactions,
                "per": one.per,
                "action": one.action,
            }
            for one in terms.earning
        ],
        "redemption": {
            "max_points": None if terms.redemption.max_points is None else plain_scalar(terms.redemption.max_points),
            "max_per_day": terms.redemption.max_per_day,
        },
    }


def _files(terms: FileTerms) -> dict[str, Any]:
    document = {name: getattr(terms, name) for name in FileTerms.__dataclass_fields__}
    if terms.reject_limit_percent is not None:
        document["reject_limit_percent"] = plain_scalar(terms.reject_limit_percent)
    document["exports"] = [
        {name: getattr(one, name) for name in ScheduledExport.__dataclass_fields__} | {"at": f"{one.at:%H:%M}"}
        for one in terms.exports
    ]
    return document


def _item(item: CatalogItem) -> dict[str, Any]:
    document = {name: getattr(item, name) for name in CatalogItem.__dataclass_fields__}
    for key in ("points", "money"):
        document[key] = None if document[key] is None else plain_scalar(document[key])
    for key in ("valid_from", "valid_to"):
        document[key] = day_text(document[key])
    return document | {"tiers": list(item.tiers), "segments": list(item.segments)}


def _example(example: Example) -> dict[str, Any]:
    return {
        "name": example.name,
        "transaction": {key: plain_scalar(value) for key, value in sorted(example.transaction.items())},
        "member": {key: plain_scalar(value) for key, value in sorted(example.member.items())},
        "sub_relation": {key: plain_scalar(value) for key, value in sorted(example.sub_relation.items())},
        "aggregates": {key: plain_scalar(value) for key, value in sorted(example.aggregates.items())},
        "tier": example.tier,
        "segments": list(example.segments),
        "used": [
            {"group": used.group, "window": used.window, "points": plain_scalar(used.points)} for used in example.used
        ],
        "points": plain_scalar(example.points),
    }
