"""Members and transactions as rules, segments and aggregates see them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from domain.member import Member
from domain.program_zone import local_date
from domain.rules.attributes import typed
from domain.rules.fixed import member_definitions, transaction_definitions
from domain.rules.model import Configuration
from domain.store.program import ProgramState
from domain.store.transaction import StoredTransaction

Purchases = tuple[int, datetime | None]
"""How much somebody bought, and when last."""


@dataclass(slots=True)
class Counted:
    """What a transaction added beside points: to give it back when it is refunded. `day` is on the program's clocks.

    Nobody changes one.
    """

    at: datetime
    day: date
    added: Mapping[str, Decimal]


def transaction_facts(configuration: Configuration, stored: StoredTransaction, reference: str) -> dict[str, Any]:
    """A stored transaction as rules and aggregates see it; `reference` is that of its member."""
    return {
        **typed(transaction_definitions(configuration), stored.attributes),
        "transaction_id": stored.transaction_id,
        "transaction_date": stored.transaction_date,
        "amount": stored.amount,
        "product_code": stored.product_code,
        "sub_product_code": stored.sub_product_code,
        "member_relation_reference": reference,
        "transaction_type": stored.type,
    }


def person_facts(state: ProgramState, member: Member) -> dict[str, Any]:
    """What is the same of a member at every instant."""
    return {
        **(typed(member_definitions(state.configuration), member.attributes) if member.attributes else {}),
        "relation_reference": member.relation_reference,
        "full_name": member.full_name,
        "email_id": member.email_id,
        "mobile_number": member.mobile_number,
        "address": member.address,
        "gender": member.gender,
        "dob": member.dob,
        "status": member.status,
        "preferred_language": member.preferred_language,
        "enrolled_at": member.enrolled_at,
    }


def member_facts(
    state: ProgramState, person: Mapping[str, Any], at: datetime, bought: Purchases | None
) -> dict[str, Any]:
    """A member at an instant, from its `person_facts`; `bought` may be None where no condition asks for it."""
    zone = state.zone
    since_enrolment = local_date(at, zone) - local_date(person["enrolled_at"], zone)
    facts: dict[str, Any] = {**person, "days_since_enrolment": since_enrolment.days}
    if bought is not None:
        number, last = bought
        facts["purchases"] = number
        facts["days_since_last_purchase"] = (
            None if last is None else (local_date(at, zone) - local_date(last, zone)).days
        )
    return facts
