"""From a plain document to a configuration: every fault is found and told with its path."""

from dataclasses import replace
from typing import Any

from domain.rules.document import load_document
from domain.rules.fixed import FIXED_MEMBER_ATTRIBUTES, FIXED_TRANSACTION_ATTRIBUTES
from domain.rules.model import Configuration
from domain.rules.parse_attribute import read_definitions, read_products
from domain.rules.parse_example import read_examples
from domain.rules.parse_program import read_expiry, read_program
from domain.rules.parse_rule import read_groups
from domain.rules.problem import ConfigurationInvalid, Problems
from domain.rules.schema import shape_problems
from domain.rules.unsupported import size_problems, unsupported_problems
from domain.rules.vocabulary import vocabulary_of

__all__ = ["ConfigurationInvalid", "parse", "parse_file"]


def parse_file(data: bytes | str) -> Configuration:
    """The configuration of a YAML or JSON file. `ConfigurationInvalid` with every fault found."""
    return parse(load_document(data))


def parse(document: Any) -> Configuration:
    """The configuration of a plain document, defaults filled in.

    `ConfigurationInvalid` with every fault found: first sizes, then shape and what is not supported
    yet, then meaning (unknown attributes, operators and values that do not fit, duplicates).
    """
    problems = Problems()
    if isinstance(document, dict):
        problems.extend(size_problems(document))
        problems.raise_if_any()
        problems.extend(unsupported_problems(document))
    problems.extend(shape_problems(document))
    problems.raise_if_any()
    configuration = _read(document, problems)
    problems.raise_if_any()
    return configuration


def _read(document: dict[str, Any], problems: Problems) -> Configuration:
    # The attributes come first: rules and examples are read against them.
    base = Configuration(
        program=read_program(document.get("program", {}), problems),
        expiry=read_expiry(document.get("expiry", {}), problems),
        product_codes=read_products(document.get("product_codes", []), problems),
        transaction_attributes=read_definitions(
            document, "transaction_attributes", FIXED_TRANSACTION_ATTRIBUTES, problems
        ),
        member_attributes=read_definitions(document, "member_attributes", FIXED_MEMBER_ATTRIBUTES, problems),
    )
    return replace(
        base,
        rule_groups=read_groups(document.get("rule_groups", []), vocabulary_of(base), problems),
        examples=read_examples(document.get("examples", []), base, problems),
    )
