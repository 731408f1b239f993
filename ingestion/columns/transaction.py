"""TXN: transactions."""

from datetime import datetime, time

from domain.errors import BadRequest
from domain.rules.fixed import FIXED_TRANSACTION_ATTRIBUTES
from ingestion.columns.row import IDEMPOTENCY_KEY, MEMBER, FileType, Row, exact, moment
from resolvers.transaction import SubmitTransaction

_NAMES_MEMBER = (MEMBER, "card_number", "sub_relation_identifier")
"""The columns that say whose a transaction is: a row has at least one of them."""


def _transaction(row: Row) -> SubmitTransaction:
    row.require(*TRANSACTIONS.required)
    if MEMBER not in row.values and not any(key in row.values for key in _NAMES_MEMBER):
        others = " and ".join(_NAMES_MEMBER[1:])
        raise BadRequest(f"{MEMBER}: is missing, and so are {others}", field=MEMBER)
    return SubmitTransaction(
        transaction_id=row.values["transaction_id"],
        transaction_type=row.values["transaction_type"],
        amount=row.read("amount", exact),
        transaction_date=row.read("transaction_date", _instant),
        member_relation_reference=row.get(MEMBER),
        card_number=row.get("card_number"),
        sub_relation_identifier=row.get("sub_relation_identifier"),
        product_code=row.get("product_code"),
        sub_product_code=row.get("sub_product_code"),
        attributes={key: value for key, value in row.values.items() if key not in TRANSACTIONS.columns},
        idempotency_key=row.get(IDEMPOTENCY_KEY),
        source=row.source,
    )


def _instant(text: str) -> datetime:
    found = moment(text)
    return found if isinstance(found, datetime) else datetime.combine(found, time.min)


TRANSACTIONS = FileType(
    columns=frozenset(definition.key for definition in FIXED_TRANSACTION_ATTRIBUTES)
    | {IDEMPOTENCY_KEY, *_NAMES_MEMBER},
    required=("transaction_id", "amount", "transaction_date", "transaction_type"),
    one_of=_NAMES_MEMBER,
    command=_transaction,
)
