"""Reads the examples of a configuration, whose shape the schema has checked."""

from collections.abc import Iterable
from typing import Any

from domain.points import to_minor
from domain.rules.attributes import AttributeInvalid, index_products, is_product, read_attribute
from domain.rules.fixed import member_definitions, transaction_definitions
from domain.rules.model import AttributeDefinition, Configuration, Example, Scalar
from domain.rules.parse_attribute import read_name
from domain.rules.parse_program import read_amount
from domain.rules.problem import Problems, child


def read_examples(given: list[dict[str, Any]], configuration: Configuration, problems: Problems) -> tuple[Example, ...]:
    """The examples; notes unknown attributes, values that do not fit, and unknown product codes.

    Mandatory attributes may be left out: an example names what matters to it.
    """
    problems.distinct((item["name"] for item in given), lambda index: f"examples[{index}].name")
    return tuple(
        _read_example(item, child("examples", index), configuration, problems) for index, item in enumerate(given)
    )


def _read_example(given: dict[str, Any], path: str, configuration: Configuration, problems: Problems) -> Example:
    transaction = _read_record(
        given["transaction"], f"{path}.transaction", transaction_definitions(configuration), problems
    )
    code, sub_code = (transaction.get(key) for key in ("product_code", "sub_product_code"))
    if not is_product(index_products(configuration.product_codes), _text(code), _text(sub_code)):
        problems.add(f"{path}.transaction.product_code", "is not one of the product codes")
    points = read_amount(given["points"], f"{path}.points", problems)
    problems.check(lambda: to_minor(points, configuration.program.points_decimals), f"{path}.points", 0)
    return Example(
        name=read_name(given["name"], f"{path}.name", problems),
        transaction=transaction,
        member=_read_record(given.get("member", {}), f"{path}.member", member_definitions(configuration), problems),
        points=points,
    )


def _read_record(
    given: dict[str, Any], path: str, definitions: Iterable[AttributeDefinition], problems: Problems
) -> dict[str, Scalar]:
    known = {definition.key: definition for definition in definitions}
    record: dict[str, Scalar] = {}
    for key, value in given.items():
        if key not in known:
            problems.add(child(path, key), "unknown attribute")
        elif value is not None and value != "":
            try:
                record[key] = read_attribute(known[key], value)
            except AttributeInvalid as error:
                problems.add(child(path, key), error.message)
    return record


def _text(value: Scalar | None) -> str | None:
    return None if value is None else str(value)
