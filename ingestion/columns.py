"""From the columns of a file to commands: the same keys and the same readings as the API."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import TypeVar

from domain.errors import BadRequest, BatchRefused, TesseraError
from domain.rules.fixed import FIXED_MEMBER_ATTRIBUTES, FIXED_TRANSACTION_ATTRIBUTES
from domain.rules.value import read_date, read_decimal
from resolvers.batch import BatchLine, FileLayout
from resolvers.member import ImportMember
from resolvers.transaction import SubmitTransaction

Value = TypeVar("Value")

IDEMPOTENCY_KEY = "_xoxo_api_client_idempotency"
ACTION = "action"
ACTIONS = frozenset({"NEW", "UPDATE", "SUSPEND", "CLOSE", "REACTIVATE"})

_NAMES_MEMBER = ("member_relation_reference", "card_number", "sub_relation_identifier")
"""The columns that say whose a transaction is: a row has at least one of them."""

_FIXED = {
    "CPD": frozenset(definition.key for definition in FIXED_MEMBER_ATTRIBUTES) | {ACTION},
    "TXN": frozenset(definition.key for definition in FIXED_TRANSACTION_ATTRIBUTES) | {IDEMPOTENCY_KEY, *_NAMES_MEMBER},
}
_REQUIRED = {
    "CPD": ("relation_reference",),
    "TXN": (
        "transaction_id",
        "amount",
        "transaction_date",
        "transaction_type",
    ),
}

Translate = Callable[[int, Sequence[str]], BatchLine]
"""From the number of a line and its fields to what is posted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """The accepted header: `keys` by position, None for a column that is ignored."""

    type: str
    keys: tuple[str | None, ...]
    ignored: tuple[str, ...]


def accept_header(header: Sequence[str], layout: FileLayout) -> Columns:
    """The header against what the program knows. Raises BatchRefused, naming the columns at fault."""
    known = _FIXED[layout.type] | layout.custom_keys
    twice = sorted({column for column in header if header.count(column) > 1})
    unknown = tuple(column for column in header if column not in known)
    missing = [column for column in _REQUIRED[layout.type] if column not in header]
    if twice:
        raise BatchRefused(f"columns that stand twice: {_named(twice)}")
    if unknown and not layout.ignore_unknown:
        raise BatchRefused(f"unknown columns: {_named(unknown)}")
    if layout.type == "TXN" and not set(_NAMES_MEMBER) & set(header):
        missing.append(_NAMES_MEMBER[0])
    if missing:
        raise BatchRefused(f"missing columns: {_named(missing)}")
    keys = tuple(column if column in known else None for column in header)
    return Columns(type=layout.type, keys=keys, ignored=unknown)


def translator(columns: Columns, file_name: str) -> Translate:
    """The translation of the lines of one file."""
    command = _member if columns.type == "CPD" else _transaction

    def translate(line: int, fields: Sequence[str]) -> BatchLine:
        # A blank around a value is how the file was made, not what was meant.
        named = zip(columns.keys, map(str.strip, fields), strict=True)
        values = {key: field for key, field in named if key and field}
        try:
            return BatchLine(line=line, command=command(values, f"file:{file_name}:{line}"))
        except TesseraError as refusal:
            return BatchLine(line=line, command=refusal)

    return translate


def _member(values: Mapping[str, str], _source: str) -> ImportMember:
    action = values.get(ACTION)
    if action is not None and action.upper() not in ACTIONS:
        raise BadRequest(f"{ACTION}: one of {', '.join(sorted(ACTIONS))}", field=ACTION)
    _require(values, "CPD")
    return ImportMember(
        values={key: value for key, value in values.items() if key != ACTION},
        action=None if action is None else action.upper(),
    )


def _transaction(values: Mapping[str, str], source: str) -> SubmitTransaction:
    _require(values, "TXN")
    if not any(key in values for key in _NAMES_MEMBER):
        others = " and ".join(_NAMES_MEMBER[1:])
        raise BadRequest(f"{_NAMES_MEMBER[0]}: is missing, and so are {others}", field=_NAMES_MEMBER[0])
    return SubmitTransaction(
        transaction_id=values["transaction_id"],
        transaction_type=values["transaction_type"],
        amount=_read("amount", values, read_decimal),
        transaction_date=_read("transaction_date", values, _moment),
        member_relation_reference=values.get("member_relation_reference"),
        card_number=values.get("card_number"),
        sub_relation_identifier=values.get("sub_relation_identifier"),
        product_code=values.get("product_code"),
        sub_product_code=values.get("sub_product_code"),
        attributes={key: value for key, value in values.items() if key not in _FIXED["TXN"]},
        idempotency_key=values.get(IDEMPOTENCY_KEY),
        source=source,
    )


def _require(values: Mapping[str, str], file_type: str) -> None:
    for key in _REQUIRED[file_type]:
        if key not in values:
            raise BadRequest(f"{key}: is missing", field=key)


def _read(key: str, values: Mapping[str, str], reader: Callable[[str], Value]) -> Value:
    try:
        return reader(values[key])
    except ValueError as error:
        raise BadRequest(f"{key}: {error}", field=key) from error


def _moment(text: str) -> datetime:
    moment = read_date(text)
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time.min)


def _named(columns: Sequence[str]) -> str:
    """The columns for a message, each cut and all of them few: a header may hold anything."""
    shown = [column[:40] if column.isprintable() else ascii(column)[:40] for column in columns[:5]]
    return ", ".join(shown) + (f" and {len(columns) - 5} more" if len(columns) > 5 else "")
