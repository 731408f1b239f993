"""Reads the examples of a configuration, whose shape the schema has checked."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from domain.points import to_minor
from domain.rules.attributes import AttributeInvalid, index_products, is_product, read_attribute
from domain.rules.fixed import (
    DERIVED_MEMBER_ATTRIBUTES,
    SUB_RELATION_ATTRIBUTES,
    member_definitions,
    transaction_definitions,
)
from domain.rules.model import AttributeDefinition, Configuration, Example, Scalar, UsedCap
from domain.rules.parse_attribute import read_name
from domain.rules.parse_program import read_amount
from domain.rules.problem import Problems, child, shown


def read_examples(given: list[dict[str, Any]], configuration: Configuration, problems: Problems) -> tuple[Example, ...]:
    """The examples; notes unknown attributes, tiers, segments and caps, and values that do not fit.

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
        member=_read_record(
            given.get("member", {}),
            f"{path}.member",
            (*member_definitions(configuration), *DERIVED_MEMBER_ATTRIBUTES),
            problems,
        ),
        sub_relation=_read_record(
            given.get("sub_relation", {}), f"{path}.sub_relation", SUB_RELATION_ATTRIBUTES, problems
        ),
        aggregates=_read_aggregates(given.get("aggregates", {}), f"{path}.aggregates", configuration, problems),
        tier=_read_tier(given.get("tier"), f"{path}.tier", configuration, problems),
        segments=_read_segments(given.get("segments", []), f"{path}.segments", configuration, problems),
        used=tuple(
            _read_used(item, f"{path}.used[{index}]", configuration, problems)
            for index, item in enumerate(given.get("used", []))
        ),
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


def _read_aggregates(
    given: dict[str, Any], path: str, configuration: Configuration, problems: Problems
) -> dict[str, Decimal]:
    known = {aggregate.key for aggregate in configuration.aggregates}
    for key in given.keys() - known:
        problems.add(child(path, key), "unknown aggregate")
    return {key: read_amount(value, child(path, key), problems) for key, value in given.items() if key in known}


def _read_tier(given: str | None, path: str, configuration: Configuration, problems: Problems) -> str | None:
    if given is not None and given not in {level.name for level in configuration.tiers.levels}:
        problems.add(path, f"unknown tier: {shown(given)}")
    return given


def _read_segments(given: list[str], path: str, configuration: Configuration, problems: Problems) -> tuple[str, ...]:
    kinds = {segment.name: segment.kind for segment in configuration.segments}
    for index, name in enumerate(given):
        if name not in kinds:
            problems.add(child(path, index), f"unknown segment: {shown(name)}")
        elif kinds[name] == "dynamic":
            problems.add(child(path, index), "is dynamic: it follows from the member")
    return tuple(given)


def _read_used(given: dict[str, Any], path: str, configuration: Configuration, problems: Problems) -> UsedCap:
    name, window = given.get("group"), given["window"]
    groups = {group.name: group.caps for group in configuration.rule_groups}
    if name is not None and name not in groups:
        problems.add(f"{path}.group", f"unknown group: {shown(name)}")
    elif name is not None and getattr(groups[name], window) is None:
        problems.add(f"{path}.window", f"the group has no cap per {window}")
    elif name is None and (window != "month" or configuration.program.accrual_cap_per_month is None):
        problems.add(f"{path}.window", f"the program has no cap per {window}")
    points = read_amount(given["points"], f"{path}.points", problems)
    problems.check(lambda: to_minor(points, configuration.program.points_decimals), f"{path}.points", 0)
    return UsedCap(group=name, window=window, points=points)
