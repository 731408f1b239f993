"""From a plain document to a configuration: every fault is found and told with its path."""

from dataclasses import replace
from typing import Any

from domain.rules.document import load_document
from domain.rules.fixed import FIXED_MEMBER_ATTRIBUTES, FIXED_TRANSACTION_ATTRIBUTES
from domain.rules.model import Configuration
from domain.rules.parse_aggregate import read_aggregates
from domain.rules.parse_attribute import read_definitions, read_products
from domain.rules.parse_catalog import read_catalog
from domain.rules.parse_example import read_examples
from domain.rules.parse_files import read_files
from domain.rules.parse_fraud import read_fraud
from domain.rules.parse_message import read_messages
from domain.rules.parse_program import read_expiry, read_program
from domain.rules.parse_rule import RuleWords, read_groups
from domain.rules.parse_segment import read_campaigns, read_segment_conditions, read_segment_names
from domain.rules.parse_tier import read_referrals, read_tiers
from domain.rules.problem import ConfigurationInvalid, Problems
from domain.rules.schema import shape_problems
from domain.rules.size import size_problems
from domain.rules.vocabulary import vocabulary_of

__all__ = ["ConfigurationInvalid", "parse", "parse_file", "parse_stored"]


def parse_file(data: bytes | str) -> Configuration:
    """The configuration of a YAML or JSON file. `ConfigurationInvalid` with every fault found."""
    return parse(load_document(data))


def parse(document: Any) -> Configuration:
    """The configuration of a plain document, defaults filled in.

    `ConfigurationInvalid` with every fault found: first sizes, then shape, then meaning (unknown attributes,
    operators and values that do not fit, duplicates). What a rule uses and the document does not have is
    unknown: nothing that is in use can be taken away.
    """
    problems = Problems()
    if isinstance(document, dict):
        problems.extend(size_problems(document))
        problems.raise_if_any()
    problems.extend(shape_problems(document))
    problems.raise_if_any()
    return _read_whole(document, problems)


def parse_stored(document: dict[str, Any]) -> Configuration:
    """The same of a document that went through `parse`: without its shape, whose check takes most of the time."""
    return _read_whole(document, Problems())


def _read_whole(document: dict[str, Any], problems: Problems) -> Configuration:
    configuration = _read(document, problems)
    problems.raise_if_any()
    return configuration


def _read(document: dict[str, Any], problems: Problems) -> Configuration:
    # What others speak of comes first: rules, campaigns and examples are read against it.
    base = _read_members(document, _read_attributes(document, problems), problems)
    counts = frozenset(aggregate.key for aggregate in base.aggregates if aggregate.function == "count")
    words = RuleWords(words=vocabulary_of(base), counts=counts)
    base = replace(
        base,
        rule_groups=read_groups(document.get("rule_groups", []), words, problems),
        campaigns=read_campaigns(document.get("campaigns") or [], base.segments, problems),
        referrals=read_referrals(document.get("referrals") or {}),
        messages=read_messages(document.get("messages") or [], problems),
        fraud=read_fraud(
            document.get("fraud") or {},
            {one.code for one in base.product_codes},
            base.program.points_decimals,
            problems,
        ),
        files=read_files(document.get("files") or {}, problems),
        catalog=read_catalog(document.get("catalog") or [], base, problems),
    )
    return replace(base, examples=read_examples(document.get("examples", []), base, problems))


def _read_attributes(document: dict[str, Any], problems: Problems) -> Configuration:
    return Configuration(
        program=read_program(document.get("program", {}), problems),
        expiry=read_expiry(document.get("expiry", {}), problems),
        product_codes=read_products(document.get("product_codes", []), problems),
        transaction_attributes=read_definitions(
            document, "transaction_attributes", FIXED_TRANSACTION_ATTRIBUTES, problems
        ),
        member_attributes=read_definitions(document, "member_attributes", FIXED_MEMBER_ATTRIBUTES, problems),
    )


def _read_members(document: dict[str, Any], base: Configuration, problems: Problems) -> Configuration:
    """Aggregates, tiers and segments: what tells members apart."""
    aggregates = read_aggregates(document.get("aggregates") or [], vocabulary_of(base), problems)
    given = document.get("segments") or []
    base = replace(
        base,
        aggregates=aggregates,
        tiers=read_tiers(document.get("tiers") or {}, aggregates, problems),
        segments=read_segment_names(given, problems),
    )
    return replace(base, segments=read_segment_conditions(given, base.segments, vocabulary_of(base), problems))
