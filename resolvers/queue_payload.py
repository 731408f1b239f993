"""A transaction that waits, as a text from which the very same command is made again."""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from resolvers.submission_order import SubmitTransaction

_PLAIN = tuple(
    one.name for one in fields(SubmitTransaction) if one.name not in {"amount", "transaction_date", "attributes"}
)


def dump_command(command: SubmitTransaction) -> str:
    """The command as a text."""
    document = {
        **{name: getattr(command, name) for name in _PLAIN},
        "amount": str(command.amount),
        "transaction_date": command.transaction_date.isoformat(),
        "attributes": {key: _dump(value) for key, value in command.attributes.items()},
    }
    return json.dumps(document, ensure_ascii=False, default=str)


def load_command(text: str) -> SubmitTransaction:
    """The command that `dump_command` was given."""
    document = json.loads(text)
    attributes: Mapping[str, Any] = document["attributes"]
    return SubmitTransaction(
        **{name: document[name] for name in _PLAIN},
        amount=Decimal(document["amount"]),
        transaction_date=datetime.fromisoformat(document["transaction_date"]),
        attributes={key: _load(value) for key, value in attributes.items()},
    )


def _dump(value: Any) -> list[Any]:
    # JSON has one kind of number; the digits of an exact one are part of the request.
    return ["decimal", str(value)] if isinstance(value, Decimal) else ["plain", value]


def _load(tagged: list[Any]) -> Any:
    kind, value = tagged
    return Decimal(value) if kind == "decimal" else value
