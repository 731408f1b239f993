"""The kinds of items that have a form: which fields each has, and what its fields may choose from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.rules.fixed import FIXED_MEMBER_ATTRIBUTES, FIXED_TRANSACTION_ATTRIBUTES
from domain.rules.model import AttributeDefinition, Configuration
from tessera.portal.configuring.schema_form import CHOICE, NUMBER, Field, form_of

Options = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """Items of a list. `path` is that of its form; `roots` are what its condition may ask of, None: it has none.

    `options` make texts of the document choices; `tidy` takes away what the other fields make meaningless.
    """

    section: str
    area: str
    path: str
    title: str
    lead: str
    fields: Sequence[str]
    new: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    roots: Sequence[str] | None = None
    options: Callable[[Configuration], Mapping[str, Options]] = lambda _: {}
    beside: Callable[[Mapping[str, Any]], Sequence[Field]] = lambda _: ()
    tidy: Callable[[dict[str, Any]], None] = lambda _: None
    fixed: Sequence[AttributeDefinition] = ()

    def find_fixed(self, key: str) -> Mapping[str, Any] | None:
        """A fixed attribute, which the document may say more about."""
        found = next((one for one in self.fixed if one.key == key), None)
        if found is None:
            return None
        values = {"values": list(found.values)} if found.values else {}
        return {"key": key, "name": found.name, "type": found.type, "pi": found.pi, "unique": found.unique} | values

    def form(
        self,
        item: Mapping[str, Any],
        configuration: Configuration,
        suggestions: Mapping[str, Sequence[str]] | None = None,
    ) -> list[Field]:
        """The fields with what the item says."""
        options = self.options(configuration)
        fields = form_of(self.section, item, self.fields, labels=self.labels, options=options, suggestions=suggestions)
        return [*fields, *self.beside(item)]


def _campaign_award(item: Mapping[str, Any]) -> Sequence[Field]:
    award = item.get("award") or {}
    kinds = (("flat", "A fixed number of points for each purchase"), ("multiplier", "Multiply what rules give"))
    return (
        Field(path="award.type", label="Gives", kind=CHOICE, options=kinds, value=award.get("type", "flat")),
        Field(path="award.points", label="Points", kind=NUMBER, value=award.get("points", "")),
        Field(path="award.factor", label="Factor", kind=NUMBER, value=award.get("factor", "")),
    )


def _tidy_award(item: dict[str, Any]) -> None:
    unwanted = "factor" if item["award"].get("type") == "flat" else "points"
    item["award"].pop(unwanted, None)


def _tidy_attribute(item: dict[str, Any]) -> None:
    # Only selections have values.
    if item.get("type") != "selection" and not item.get("values"):
        item.pop("values", None)


def _numbers(configuration: Configuration) -> Options:
    own = [(one.key, one.name) for one in configuration.transaction_attributes if one.type in {"int", "decimal"}]
    return [("", "Nothing: it counts purchases"), ("amount", "Amount"), *(one for one in own if one[0] != "amount")]


def _orderers(configuration: Configuration) -> Mapping[str, Options]:
    """Who may order: of the tiers and segments there are, if there are any."""
    names = {
        "tiers": [one.name for one in configuration.tiers.levels],
        "segments": [one.name for one in configuration.segments],
    }
    return {key: [(one, one) for one in found] for key, found in names.items() if found}


_ATTRIBUTE_FIELDS = (
    "key", "name", "type", "values", "mandatory", "unique", "pi", "max_length", "hidden_on_profile",
)  # fmt: skip
_ATTRIBUTE_LABELS = {
    "pi": "Personal information",
    "values": "Values of a selection",
    "max_length": "Longest text",
    "hidden_on_profile": "Hidden on profiles",
}
_ATTRIBUTE_NEW = {"key": "", "name": "", "type": "string"}

CAMPAIGN = Kind(
    section="campaigns",
    area="campaigns",
    path="campaigns/edit",
    title="Campaign",
    lead="A bonus for a limited time, for everybody or for one segment.",
    fields=("name", "starts", "ends", "segment", "message"),
    labels={"segment": "For", "message": "Message to the member"},
    new={"name": "", "starts": "", "ends": "", "award": {"type": "flat"}},
    options=lambda one: {"segment": [("", "Everybody"), *((each.name, each.name) for each in one.segments)]},
    beside=_campaign_award,
    tidy=_tidy_award,
)
SEGMENT = Kind(
    section="segments",
    area="segments",
    path="segments/edit",
    title="Segment",
    lead="A group of members with something in common, for rules and campaigns.",
    fields=("name", "kind"),
    new={"name": "", "kind": "dynamic"},
    roots=("member", "sub_relation", "aggregate", "tier", "segments", "date"),
)
LEVEL = Kind(
    section="levels",
    area="tiers",
    path="tiers/level",
    title="Tier",
    lead="What it takes to reach this tier, and what it gives.",
    fields=("name", "from", "from_aggregate", "multiplier", "upgrade_bonus"),
    labels={
        "from": "From points",
        "from_aggregate": "From the running figure",
        "multiplier": "Points are multiplied by",
        "upgrade_bonus": "Bonus for reaching it",
    },
    new={"name": ""},
)
TRANSACTION_ATTRIBUTE = Kind(
    section="transaction_attributes",
    area="attributes",
    path="attributes/transaction",
    title="Purchase attribute",
    lead="Data that a purchase can carry besides the built-in attributes.",
    fields=_ATTRIBUTE_FIELDS,
    labels=_ATTRIBUTE_LABELS,
    new=_ATTRIBUTE_NEW,
    tidy=_tidy_attribute,
    fixed=FIXED_TRANSACTION_ATTRIBUTES,
)
MEMBER_ATTRIBUTE = Kind(
    section="member_attributes",
    area="attributes",
    path="attributes/member",
    title="Member attribute",
    lead="Data that a member’s profile can hold besides the built-in attributes.",
    fields=_ATTRIBUTE_FIELDS,
    labels=_ATTRIBUTE_LABELS,
    new=_ATTRIBUTE_NEW,
    tidy=_tidy_attribute,
    fixed=FIXED_MEMBER_ATTRIBUTES,
)
PRODUCT_CODE = Kind(
    section="product_codes",
    area="attributes",
    path="attributes/product",
    title="Product code",
    lead="Once there is one, purchases with other codes are refused.",
    fields=("code", "sub_codes"),
    labels={"sub_codes": "Sub product codes"},
    new={"code": ""},
)
AGGREGATE = Kind(
    section="aggregates",
    area="attributes",
    path="attributes/figure",
    title="Running figure",
    lead="What a member’s purchases add up to, for conditions, tiers and rules that count.",
    fields=("key", "function", "of", "period"),
    new={"key": "", "function": "sum", "period": "lifetime"},
    roots=("transaction",),
    options=lambda one: {"of": _numbers(one)},
)
MESSAGE = Kind(
    section="messages",
    area="settings",
    path="settings/message",
    title="Message",
    lead="What members are sent. {code}, {link} and {minutes} are filled in.",
    fields=("name", "event", "channel", "language", "subject", "body"),
    labels={"body": "Text"},
    new={"name": "", "event": "OTP", "channel": "email"},
)
EXAMPLE = Kind(
    section="examples",
    area="settings",
    path="settings/example",
    title="Example",
    lead="A purchase with the points that it must give. A change that breaks one is refused.",
    fields=(),
    new={"name": "New example", "transaction": {"amount": 100}, "points": 100},
)
CATALOG_ITEM = Kind(
    section="catalog",
    area="catalog",
    path="catalog/edit",
    title="Item",
    lead="Something that members order for points: at a price in points, or in money at the redemption rate.",
    fields=(
        "code",
        "name",
        "description",
        "kind",
        "points",
        "money",
        "fulfilment",
        "pool",
        "partner",
        "stock",
        "low_stock",
        "limit",
        "limit_period",
        "valid_from",
        "valid_to",
        "tiers",
        "segments",
        "answer_days",
        "enabled",
    ),
    labels={
        "points": "Price in points",
        "money": "Or worth in money",
        "fulfilment": "Fulfilled by",
        "low_stock": "Low stock from",
        "limit": "Most per member",
        "limit_period": "Per",
        "answer_days": "Days to fulfil",
        "enabled": "On offer",
    },
    new={"code": "", "name": "", "kind": "voucher", "fulfilment": "manual", "enabled": True},
    options=_orderers,
)
KINDS: Sequence[Kind] = (
    CAMPAIGN,
    CATALOG_ITEM,
    SEGMENT,
    LEVEL,
    TRANSACTION_ATTRIBUTE,
    MEMBER_ATTRIBUTE,
    PRODUCT_CODE,
    AGGREGATE,
    MESSAGE,
    EXAMPLE,
)
"""Every list whose items have a form."""
