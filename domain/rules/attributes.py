"""Attributes of incoming records, against the program's definitions."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from domain.rules.model import AttributeDefinition, AttributeType, ProductCode, Scalar
from domain.rules.problem import shown
from domain.rules.value import read_boolean, read_date, read_decimal, read_int, read_text, to_plain

_MOST_TOLD = 10
"""How many values of a selection a refusal lists."""


class AttributeInvalid(ValueError):
    """A value does not fit its definition, or nobody defined the key. Never repeats the value."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key
        self.message = message


class AttributeMissing(ValueError):
    """A mandatory attribute was not given."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key}: is missing")
        self.key = key


def by_key(definitions: Iterable[AttributeDefinition]) -> dict[str, AttributeDefinition]:
    """Definitions as `validate_attributes` wants them: made once for many records."""
    return {definition.key: definition for definition in definitions}


def validate_attributes(
    definitions: Mapping[str, AttributeDefinition],
    given: Mapping[str, Any],
    *,
    ignore_unknown: bool,
    require_mandatory: bool = True,
) -> tuple[dict[str, Scalar], list[str]]:
    """The typed values by key, and the unknown keys that were ignored.

    None and the empty text mean "not given": a CSV row cannot tell them apart. `AttributeInvalid`,
    first for unknown keys and then in the order of the definitions, before `AttributeMissing`.
    `require_mandatory=False` is for updates, which name only what changes.
    """
    ignored = [key for key in given if key not in definitions]
    if ignored and not ignore_unknown:
        raise AttributeInvalid(_safe(ignored[0]), "unknown attribute")
    values: dict[str, Scalar] = {}
    key = ""
    try:
        # Read in place: one call more for each attribute takes as long as to read it.
        for key, definition in definitions.items():
            value = given.get(key)
            if value is None or value == "":
                continue
            # Most are texts that `read_text` would give back as they are.
            is_plain = type(value) is str and value.isascii() and value.isprintable()
            if is_plain and definition.type == "string" and len(value) <= definition.max_length:
                values[key] = value
            else:
                values[key] = _READERS[definition.type](definition, value)
    except ValueError as error:
        raise AttributeInvalid(key, str(error)) from error
    if require_mandatory:
        check_mandatory(definitions.values(), values)
    return values, ignored


def check_mandatory(definitions: Iterable[AttributeDefinition], values: Mapping[str, Any]) -> None:
    """`AttributeMissing` for the first attribute without a value that has to have one."""
    for definition in definitions:
        if definition.mandatory and definition.key not in values:
            raise AttributeMissing(definition.key)


def read_attribute(definition: AttributeDefinition, given: Any) -> Scalar:
    """One typed value: str (NFC), int, Decimal, bool, date or datetime. `AttributeInvalid` otherwise."""
    try:
        return _READERS[definition.type](definition, given)
    except ValueError as error:
        raise AttributeInvalid(definition.key, str(error)) from error


def storable(values: Mapping[str, Scalar]) -> dict[str, str | int | bool]:
    """The JSON-able form of typed values; `typed` reads it back."""
    return {key: to_plain(value) for key, value in values.items()}


def typed(definitions: Iterable[AttributeDefinition], stored: Mapping[str, Any]) -> dict[str, Scalar]:
    """The typed values of what `storable` gave; a stored value that no longer fits is left out.

    Definitions change after records were stored, and an old record must not stop a rule.
    """
    values: dict[str, Scalar] = {}
    for definition in definitions:
        given = stored.get(definition.key)
        if _is_absent(given):
            continue
        try:
            values[definition.key] = _READERS[definition.type](definition, given)
        except ValueError:
            continue
    return values


def index_products(products: Iterable[ProductCode]) -> dict[str, frozenset[str]]:
    """The sub codes of each product code, for `is_product`."""
    return {product.code: frozenset(product.sub_codes) for product in products}


def is_product(index: Mapping[str, frozenset[str]], code: str | None, sub_code: str | None) -> bool:
    """Whether the codes are on the program's list; a program without a list accepts every code."""
    if not index:
        return True
    if code is None:
        return sub_code is None
    return code in index and (sub_code is None or sub_code in index[code])


def _one_of(values: tuple[str, ...], text: str) -> str:
    if text not in values:
        few = len(values) <= _MOST_TOLD
        raise ValueError(f"must be one of {', '.join(values)}" if few else "not one of the values of the selection")
    return text


def _is_absent(given: Any) -> bool:
    return given is None or given == ""


def _safe(key: str) -> str:
    return key if key.isidentifier() and key.isascii() and len(key) <= 100 else shown(key)


_READERS: Mapping[AttributeType, Callable[[AttributeDefinition, Any], Scalar]] = {
    "string": lambda definition, given: read_text(given, definition.max_length),
    "selection": lambda definition, given: _one_of(definition.values, read_text(given, definition.max_length)),
    "int": lambda _, given: read_int(given),
    "decimal": lambda _, given: read_decimal(given),
    "date": lambda _, given: read_date(given),
    "boolean": lambda _, given: read_boolean(given),
}
"""What reads a value of each type. Raises ValueError."""
