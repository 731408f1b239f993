"""The configuration of a program as the rules see it: plain frozen values, no behaviour.

Figures that the file writes in points stay in points here (`Decimal`); smallest units begin with
the evaluation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from domain.catalog_terms import CatalogItem
from domain.expiry_terms import ExpiryOverride, ExpiryTerms
from domain.file_terms import FileTerms
from domain.fraud_terms import FraudTerms
from domain.message import MessageTemplate
from domain.rules.condition import AllOf, AnyOf, Comparison, Condition, Not, Scalar
from domain.rules.terms import REDEMPTION_TYPES, ProgramTerms, ReferralTerms, ReversalOfExpired
from domain.tier_terms import TierLevel, TierTerms

__all__ = [
    "DEFAULT_SEGMENTS",
    "REDEMPTION_TYPES",
    "Aggregate",
    "AllOf",
    "AnyOf",
    "AttributeDefinition",
    "AttributeType",
    "Award",
    "Campaign",
    "CampaignAward",
    "CapWindow",
    "CatalogItem",
    "Category",
    "Comparison",
    "Condition",
    "Configuration",
    "EveryNth",
    "Example",
    "ExpiryOverride",
    "ExpiryTerms",
    "Flat",
    "FileTerms",
    "FraudTerms",
    "GroupCaps",
    "Multiplier",
    "Not",
    "PerUnit",
    "Percent",
    "ProductCode",
    "ProgramTerms",
    "ReferralTerms",
    "ReversalOfExpired",
    "Rule",
    "RuleGroup",
    "Scalar",
    "Segment",
    "TierLevel",
    "TierTerms",
    "UsedCap",
]

AttributeType = Literal["string", "int", "decimal", "selection", "date", "boolean"]
Category = Literal["spend", "bonus"]
AggregateFunction = Literal["sum", "count", "min", "max", "average"]
Period = Literal["lifetime", "mtd", "qtd", "ytd", "rolling_365"]
CapWindow = Literal["day", "month", "lifetime"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductCode:
    """A product code with the sub product codes that may stand with it."""

    code: str
    sub_codes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AttributeDefinition:
    """A transaction or member attribute. `values` are those of a selection, `max_length` in characters."""

    key: str
    name: str
    type: AttributeType
    values: tuple[str, ...] = ()
    mandatory: bool = False
    unique: bool = False
    pi: bool = False
    max_length: int = 500
    hidden_on_profile: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Aggregate:
    """A running figure of a member over transactions for which `when` holds.

    `of` is the key of a transaction attribute; None counts transactions.
    """

    key: str
    function: AggregateFunction
    period: Period
    of: str | None = None
    when: Condition | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Flat:
    """A fixed number of points."""

    points: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class PerUnit:
    """`points` for every `per` of the attribute `of`, in proportion: nothing is dropped before the sum."""

    of: str
    points: Decimal
    per: Decimal = Decimal(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Percent:
    """`percent` hundredths of the attribute `of`, as points."""

    of: str
    percent: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Multiplier:
    """`factor` times what the other rules of the group gave."""

    factor: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class EveryNth:
    """`points` for a transaction that brings the aggregate `count` to a multiple of `n`."""

    count: str
    n: int
    points: Decimal


Award = Flat | PerUnit | Percent | Multiplier | EveryNth
CampaignAward = Flat | Multiplier


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """IF `when` THEN `award`, at most `cap` points a transaction.

    `valid_from` and `valid_to` are inclusive: a date means the whole day, a time without an offset
    is on the program's clocks.
    """

    name: str
    award: Award
    when: Condition | None = None
    cap: int | None = None
    enabled: bool = True
    valid_from: date | datetime | None = None
    valid_to: date | datetime | None = None
    expires: ExpiryOverride | None = None
    release_after_days: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupCaps:
    """The limits of a group, in whole points; None for no limit."""

    transaction: int | None = None
    day: int | None = None
    month: int | None = None
    lifetime: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleGroup:
    """Rules whose gifts are summed, capped, rounded and posted together, in their sequence."""

    name: str
    enabled: bool = True
    category: Category = "spend"
    stop_at_first: bool = False
    caps: GroupCaps = field(default_factory=GroupCaps)
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """Members for whom `when` holds: dynamic ones at the time of a transaction, frozen ones when they were taken.

    Only a frozen one may be without a condition.
    """

    name: str
    kind: Literal["dynamic", "frozen"] = "dynamic"
    when: Condition | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Campaign:
    """A flat bonus or a multiplier for the members of a segment, or for all; bounds as those of a rule."""

    name: str
    starts: date | datetime
    ends: date | datetime
    award: CampaignAward
    segment: str | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UsedCap:
    """Points that a cap has counted before an example; the group None is the program."""

    window: CapWindow
    points: Decimal
    group: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A sample transaction of a sample member, and the points that all groups together must give it.

    `aggregates` include the transaction; those left out have what it alone gives. `segments` are frozen ones.
    """

    name: str
    transaction: Mapping[str, Scalar]
    points: Decimal
    member: Mapping[str, Scalar] = field(default_factory=dict)
    sub_relation: Mapping[str, Scalar] = field(default_factory=dict)
    aggregates: Mapping[str, Decimal] = field(default_factory=dict)
    tier: str | None = None
    segments: tuple[str, ...] = ()
    used: tuple[UsedCap, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """One program's whole configuration document; the order of groups and rules is their sequence."""

    version: int = 1
    program: ProgramTerms = field(default_factory=ProgramTerms)
    expiry: ExpiryTerms = field(default_factory=ExpiryTerms)
    product_codes: tuple[ProductCode, ...] = ()
    transaction_attributes: tuple[AttributeDefinition, ...] = ()
    member_attributes: tuple[AttributeDefinition, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    rule_groups: tuple[RuleGroup, ...] = ()
    tiers: TierTerms = field(default_factory=TierTerms)
    segments: tuple[Segment, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    referrals: ReferralTerms = field(default_factory=ReferralTerms)
    messages: tuple[MessageTemplate, ...] = ()
    fraud: FraudTerms = field(default_factory=FraudTerms)
    files: FileTerms = field(default_factory=FileTerms)
    catalog: tuple[CatalogItem, ...] = ()
    examples: tuple[Example, ...] = ()


def _segment(name: str, attribute: str, op: str, value: int) -> Segment:
    return Segment(name=name, when=Comparison(attribute=f"member.{attribute}", op=op, value=value))


DEFAULT_SEGMENTS: tuple[Segment, ...] = (
    _segment("New members", "days_since_enrolment", "lte", 30),
    _segment("At risk", "days_since_last_purchase", "gt", 90),
    _segment("Active buyers", "days_since_last_purchase", "lte", 90),
    _segment("Never purchased", "purchases", "eq", 0),
)
"""The segments that each new program begins with."""
