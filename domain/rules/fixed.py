"""The fixed attributes that every program has, and how a program's own are added to them."""

from collections.abc import Iterable
from dataclasses import replace

from domain.rules.model import AttributeDefinition, AttributeType, Configuration

EARN, REFUND = "DR", "CR"
"""Transaction types: the member spent, or was paid back."""

RESERVED_KEYS = frozenset(
    {"action", "points", "rules", "balance", "id", "program_id", "card_number", "sub_relation_identifier"}
)
"""Keys that the published files and APIs use for other things."""


def _fixed(
    key: str, name: str, kind: AttributeType = "string", *, length: int = 100, values: tuple[str, ...] = ()
) -> AttributeDefinition:
    return AttributeDefinition(key=key, name=name, type=kind, max_length=length, values=values)


FIXED_TRANSACTION_ATTRIBUTES: tuple[AttributeDefinition, ...] = (
    _fixed("transaction_id", "Transaction id"),
    _fixed("transaction_date", "Transaction date", "date"),
    _fixed("amount", "Amount", "decimal"),
    _fixed("product_code", "Product code"),
    _fixed("sub_product_code", "Sub product code"),
    _fixed("member_relation_reference", "Member reference"),
    _fixed("transaction_type", "Transaction type", "selection", values=(EARN, REFUND)),
)

FIXED_MEMBER_ATTRIBUTES: tuple[AttributeDefinition, ...] = (
    replace(_fixed("relation_reference", "Member reference"), unique=True),
    replace(_fixed("full_name", "Full name", length=200), pi=True),
    replace(_fixed("email_id", "E-mail", length=254), pi=True, unique=True),
    replace(_fixed("mobile_number", "Mobile number", length=30), pi=True, unique=True),
    replace(_fixed("address", "Address", length=500), pi=True),
    _fixed("gender", "Gender", "selection", values=("M", "F", "O")),
    replace(_fixed("dob", "Date of birth", "date"), pi=True),
    _fixed("status", "Status", "int"),
    _fixed("preferred_language", "Preferred language"),
)

DERIVED_MEMBER_ATTRIBUTES: tuple[AttributeDefinition, ...] = (
    _fixed("enrolled_at", "Enrolled at", "date"),
    _fixed("days_since_enrolment", "Days since enrolment", "int"),
    _fixed("days_since_last_purchase", "Days since the last purchase", "int"),
    _fixed("purchases", "Purchases", "int"),
)
"""What conditions know of a member beyond the profile; nobody sends it. Purchases are those before the transaction."""

SUB_RELATION_ATTRIBUTES: tuple[AttributeDefinition, ...] = (
    _fixed("type", "Type"),
    _fixed("product_code", "Product code"),
    _fixed("status", "Status"),
)
"""What conditions know of the sub-relation that a transaction came by."""


def transaction_definitions(configuration: Configuration) -> tuple[AttributeDefinition, ...]:
    """The fixed transaction attributes, then the program's own."""
    return _merged(FIXED_TRANSACTION_ATTRIBUTES, configuration.transaction_attributes)


def member_definitions(configuration: Configuration) -> tuple[AttributeDefinition, ...]:
    """The fixed member attributes, then the program's own."""
    return _merged(FIXED_MEMBER_ATTRIBUTES, configuration.member_attributes)


def _merged(
    fixed: Iterable[AttributeDefinition], own: Iterable[AttributeDefinition]
) -> tuple[AttributeDefinition, ...]:
    """A program may declare a fixed attribute again to say that it is mandatory, hidden or PI."""
    by_key = {definition.key: definition for definition in fixed}
    for definition in own:
        before = by_key.get(definition.key)
        by_key[definition.key] = (
            definition
            if before is None
            else replace(
                before,
                mandatory=definition.mandatory,
                hidden_on_profile=definition.hidden_on_profile,
                pi=before.pi or definition.pi,
            )
        )
    return tuple(by_key.values())
