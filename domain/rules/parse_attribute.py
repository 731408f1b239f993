"""Reads product codes and attribute definitions, whose shape the schema has checked."""

from typing import Any

from domain.rules.fixed import DERIVED_MEMBER_ATTRIBUTES, RESERVED_KEYS
from domain.rules.model import AttributeDefinition, ProductCode
from domain.rules.parse_program import settled
from domain.rules.problem import Problems, child
from domain.rules.value import read_text


def read_products(given: list[dict[str, Any]], problems: Problems) -> tuple[ProductCode, ...]:
    """The product codes; notes duplicates."""
    problems.distinct((item["code"] for item in given), lambda index: f"product_codes[{index}].code")
    return tuple(_read_product(item, child("product_codes", index), problems) for index, item in enumerate(given))


def read_definitions(
    document: dict[str, Any],
    section: str,
    fixed: tuple[AttributeDefinition, ...],
    problems: Problems,
) -> tuple[AttributeDefinition, ...]:
    """The definitions of a section; notes duplicate keys and fixed attributes of another type."""
    given = document.get(section, [])
    types = {definition.key: definition.type for definition in fixed}
    derived = DERIVED_MEMBER_ATTRIBUTES if section == "member_attributes" else ()
    reserved = RESERVED_KEYS | {definition.key for definition in derived}
    problems.distinct((item["key"] for item in given), lambda index: f"{section}[{index}].key")
    return tuple(
        _read_definition(item, child(section, index), types.get(item["key"]), reserved, problems)
        for index, item in enumerate(given)
    )


def _read_product(given: dict[str, Any], path: str, problems: Problems) -> ProductCode:
    return ProductCode(
        code=read_name(given["code"], f"{path}.code", problems),
        sub_codes=_read_names(given.get("sub_codes", []), f"{path}.sub_codes", problems),
    )


def _read_definition(
    given: dict[str, Any], path: str, fixed_type: str | None, reserved: frozenset[str], problems: Problems
) -> AttributeDefinition:
    kind, values = given["type"], given.get("values", [])
    if given["key"] in reserved:
        problems.add(f"{path}.key", "is reserved")
    if fixed_type not in (None, kind):
        problems.add(f"{path}.type", f"the fixed attribute is of type {fixed_type}")
    if values and (kind != "selection" or fixed_type is not None):
        problems.add(f"{path}.values", "have a meaning for a selection of the program's own only")
    if not values and kind == "selection" and fixed_type is None:
        problems.add(f"{path}.values", "is missing for a selection")
    kept = {key: settled(value) for key, value in given.items() if key not in ("values", "name")}
    return AttributeDefinition(
        **kept,
        name=read_name(given["name"], f"{path}.name", problems),
        values=_read_names(values, f"{path}.values", problems),
    )


def _read_names(given: list[str], path: str, problems: Problems) -> tuple[str, ...]:
    names = tuple(read_name(item, child(path, index), problems) for index, item in enumerate(given))
    problems.distinct(names, lambda index: child(path, index))
    return names


def read_name(given: str, path: str, problems: Problems) -> str:
    """A name or code in NFC, as those of records are."""
    return problems.check(lambda: read_text(given), path, given)
