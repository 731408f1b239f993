"""The words of conditions: which attributes there are, of which kind, and what may be asked of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from domain.rules.fixed import member_definitions, transaction_definitions
from domain.rules.model import AttributeDefinition, AttributeType, Configuration
from domain.rules.unsupported import INPUTS, NOT_YET

Kind = Literal["text", "number", "date", "boolean"]

ORDER = frozenset({"gt", "gte", "lt", "lte"})
LISTS = frozenset({"in", "not_in"})
_EVERY_KIND = frozenset({"eq", "ne", "is_set"})

OPERATORS: Mapping[Kind, frozenset[str]] = {
    "text": _EVERY_KIND | LISTS | {"contains", "starts_with"},
    "number": _EVERY_KIND | LISTS | ORDER | {"between", "multiple_of"},
    "date": _EVERY_KIND | LISTS | ORDER | {"between", "birthday"},
    "boolean": _EVERY_KIND,
}

# Those that cannot be asked of a second attribute: they need a list, or a word of their own.
CONSTANT_ONLY = LISTS | {"between", "is_set", "birthday"}

DATE_PARTS: Mapping[str, tuple[int, int]] = {
    "month": (1, 12),
    "day": (1, 31),
    "weekday": (1, 7),
    "hour": (0, 23),
}
"""Parts of the transaction date on the program's clocks, and their bounds; weekday 1 is Monday."""

TRANSACTION, MEMBER, MOMENT = 0, 1, 2
"""Where a fact stands in what the compiled conditions are handed."""

_KINDS: Mapping[AttributeType, Kind] = {
    "string": "text",
    "selection": "text",
    "int": "number",
    "decimal": "number",
    "date": "date",
    "boolean": "boolean",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """An attribute path: its kind, where its value stands, and what bounds its constants.

    `choices` is empty where every value goes, `bounds` None where every number goes.
    """

    path: str
    kind: Kind
    slot: int
    key: str
    definition: AttributeDefinition | None = None
    choices: frozenset[str] = frozenset()
    bounds: tuple[int, int] | None = None


class Vocabulary(dict[str, Word]):
    """Every attribute path of a configuration."""

    def missing(self, path: str) -> str:
        """Why a path is not a word, for a message."""
        if path.partition(".")[0] in INPUTS:
            return f"{path.partition('.')[0]} inputs are {NOT_YET}"
        return "unknown attribute"


def vocabulary_of(configuration: Configuration) -> Vocabulary:
    """The words that the configuration's own definitions and product codes give to its conditions."""
    words = Vocabulary()
    products = frozenset(product.code for product in configuration.product_codes)
    sub_codes = frozenset(code for product in configuration.product_codes for code in product.sub_codes)
    lists = {"transaction.product_code": products, "transaction.sub_product_code": sub_codes}
    for root, slot, definitions in (
        ("transaction", TRANSACTION, transaction_definitions(configuration)),
        ("member", MEMBER, member_definitions(configuration)),
    ):
        for definition in definitions:
            path = f"{root}.{definition.key}"
            words[path] = Word(
                path=path,
                kind=_KINDS[definition.type],
                # The date of the transaction is the one that the evaluation goes by, on local clocks.
                slot=MOMENT if path == "transaction.transaction_date" else slot,
                key=definition.key,
                definition=definition,
                choices=lists.get(path, frozenset(definition.values)),
            )
    for part, bounds in DATE_PARTS.items():
        path = f"date.{part}"
        words[path] = Word(path=path, kind="number", slot=MOMENT, key=part, bounds=bounds)
    return words
