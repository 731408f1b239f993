"""What the rules are told of a transaction and of its member."""

from typing import Any

from domain.member import Member
from domain.rules.attributes import typed
from domain.rules.evaluate import Facts
from domain.rules.fixed import EARN, member_definitions
from domain.store.program import ProgramState
from resolvers.submission import Submission


def facts_of(state: ProgramState, one: Submission, member: Member) -> Facts:
    """The facts of a purchase, by attribute key."""
    command = one.command
    transaction: dict[str, Any] = {
        **one.values,
        "transaction_id": command.transaction_id,
        "transaction_date": one.at,
        "amount": command.amount,
        "product_code": command.product_code,
        "sub_product_code": command.sub_product_code,
        "member_relation_reference": command.member_relation_reference,
        "transaction_type": EARN,
    }
    return Facts(transaction=transaction, at=one.at, member=_member_facts(state, member))


def _member_facts(state: ProgramState, member: Member) -> dict[str, Any]:
    fixed = {
        "relation_reference": member.relation_reference,
        "full_name": member.full_name,
        "email_id": member.email_id,
        "mobile_number": member.mobile_number,
        "address": member.address,
        "gender": member.gender,
        "dob": member.dob,
        "status": member.status,
        "preferred_language": member.preferred_language,
    }
    return {**typed(member_definitions(state.configuration), member.attributes), **fixed}
