"""The order to submit a transaction, and by what a repetition of it is known again."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.points import plain
from domain.record import record
from domain.store.idempotency import fingerprint_of
from domain.store.program import ProgramState
from resolvers.beneficiary import Value


@record
class SubmitTransaction:
    """Submit one transaction of the member with this reference; else of whom the card or identifier is linked to.

    `transaction_date` without a zone is local time of the program. `attributes` are the custom ones,
    raw; they are checked against the program's definitions. `source` overrides the context's
    (a file names its line).
    """

    transaction_id: str
    transaction_type: str
    amount: Decimal
    transaction_date: datetime
    member_relation_reference: str | None = None
    card_number: str | None = field(default=None, repr=False)
    sub_relation_identifier: str | None = None
    product_code: str | None = None
    sub_product_code: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    ignore_unknown: bool | None = None
    idempotency_key: str | None = None
    source: str | None = None


def fingerprint_of_order(command: SubmitTransaction, at: datetime, value: Value | None, state: ProgramState) -> bytes:
    """What a repetition under the same key must have in common."""
    attributes = _given(command, state)
    return fingerprint_of(
        command.transaction_id,
        command.transaction_type.upper(),
        plain(command.amount),
        at,
        command.member_relation_reference,
        command.product_code,
        command.sub_product_code,
        *(part for key in sorted(attributes) for part in (key, attributes[key])),
        *_named_by(value),
    )


def ignores_unknown(command: SubmitTransaction, state: ProgramState) -> bool:
    """Whether attributes that nobody defined are left out, where else they refuse the transaction."""
    return state.terms.ignore_unknown_attributes if command.ignore_unknown is None else command.ignore_unknown


def _named_by(value: Value | None) -> tuple[object, ...]:
    """What a fingerprint says of card and identifier: nothing where there are none, and the card by its keyed hash."""
    return () if value is None else ("\x1fcard", value[0] and value[0].hex(), value[1])


def _given(command: SubmitTransaction, state: ProgramState) -> dict[str, Any]:
    """The custom attributes that count: none that is ignored, none that is empty."""
    known = {one.key for one in state.configuration.transaction_attributes}
    ignores = ignores_unknown(command, state)
    return {
        key: value
        for key, value in command.attributes.items()
        if value is not None and value != "" and (key in known or not ignores)
    }
