"""The configuration of a program as the rules see it: plain frozen values, no behaviour.

Figures that the file writes in points stay in points here (`Decimal`); smallest units begin with
the evaluation. Fields of what is not supported yet are not here: `domain.rules.unsupported` refuses them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from domain.expiry_terms import ExpiryOverride, ExpiryTerms
from domain.points import to_minor

__all__ = [
    "REDEMPTION_TYPES",
    "AllOf",
    "AnyOf",
    "AttributeDefinition",
    "AttributeType",
    "Award",
    "Category",
    "Comparison",
    "Condition",
    "Configuration",
    "Example",
    "ExpiryOverride",
    "ExpiryTerms",
    "Flat",
    "GroupCaps",
    "Not",
    "PerUnit",
    "Percent",
    "ProductCode",
    "ProgramTerms",
    "ReversalOfExpired",
    "Rule",
    "RuleGroup",
    "Scalar",
]

AttributeType = Literal["string", "int", "decimal", "selection", "date", "boolean"]
Category = Literal["spend", "bonus"]
ReversalOfExpired = Literal["extend", "forfeit", "original"]
Scalar = str | int | Decimal | bool | date | datetime

REDEMPTION_TYPES: Mapping[int, str] = {
    4: "points transfer",
    5: "hotel",
    6: "air",
    19: "charity",
    30: "gift card",
}
"""The published redemption types; a program's own are added to them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgramTerms:
    """What a program says about itself. `redemption_minimum` in points, 0 for none."""

    time_zone: str = "UTC"
    currency: str = "DEFAULT"
    points_decimals: int = 0
    rounding: Literal["half_up"] = "half_up"
    redemption_rate: Decimal = Decimal(100)
    redemption_minimum: Decimal = Decimal(0)
    token_minutes: int = 30
    token_renewal_margin_s: int = 30
    require_key: bool = False
    duplicate_window_s: int = 0
    unique_transaction_id: bool = True
    accrue_cancelled: bool = False
    ignore_unknown_attributes: bool = False
    ignore_unknown_attributes_lbms: bool = True
    lbms_http_200_for_business_errors: bool = False
    default_merchant: str = "Tessera"
    default_loyalty_txn_type: int = 30
    redemption_types: Mapping[int, str] = field(default_factory=lambda: dict(REDEMPTION_TYPES))
    reversal_of_expired: ReversalOfExpired = "extend"
    reversal_grace_days: int = 30

    @property
    def redemption_minimum_minor(self) -> int:
        """The minimum in smallest units."""
        return to_minor(self.redemption_minimum, self.points_decimals)


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
class Comparison:
    """An attribute against a constant (`value`) or another attribute (`attribute_value`).

    `value` has the attribute's own type; a tuple for `in`, `not_in` and `between`.
    """

    attribute: str
    op: str
    value: Scalar | tuple[Scalar, ...] | None = None
    attribute_value: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AllOf:
    """Every part holds; without parts: always."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, kw_only=True, slots=True)
class AnyOf:
    """At least one part holds; without parts: never."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Condition"


Condition = Comparison | AllOf | AnyOf | Not


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


Award = Flat | PerUnit | Percent


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


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupCaps:
    """The limits of a group, in whole points; None for no limit."""

    transaction: int | None = None


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
class Example:
    """A sample transaction, and the points that all groups together must give it."""

    name: str
    transaction: Mapping[str, Scalar]
    points: Decimal
    member: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """One program's whole configuration document; the order of groups and rules is their sequence."""

    version: int = 1
    program: ProgramTerms = field(default_factory=ProgramTerms)
    expiry: ExpiryTerms = field(default_factory=ExpiryTerms)
    product_codes: tuple[ProductCode, ...] = ()
    transaction_attributes: tuple[AttributeDefinition, ...] = ()
    member_attributes: tuple[AttributeDefinition, ...] = ()
    rule_groups: tuple[RuleGroup, ...] = ()
    examples: tuple[Example, ...] = ()
