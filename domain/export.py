"""Kinds of export: what a file tells, and which events make a member part of what is told since the last one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "members", "sub-relations", "postings", "lots", "balances", "expiry-schedule", "attributes", "liability", "files"
]

POSTINGS: tuple[str, ...] = ("points.", "redemption.")
"""How the topics of postings begin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportKind:
    """`file_type` is how a program reads the file in, None: not at all.

    `prefixes` are how the topics begin of events that change what the kind tells of a member, or, for the postings,
    that are told; None: the kind has nothing to do with events, and is always whole.
    """

    file_type: str | None
    prefixes: tuple[str, ...] | None


KINDS: Mapping[Kind, ExportKind] = {
    "members": ExportKind(file_type="CPD", prefixes=("member.",)),
    "sub-relations": ExportKind(file_type="CRD", prefixes=("sub_relation.", "member.")),
    "postings": ExportKind(file_type=None, prefixes=POSTINGS),
    "lots": ExportKind(file_type="BNS", prefixes=(*POSTINGS, "member.")),
    "balances": ExportKind(file_type=None, prefixes=(*POSTINGS, "member.")),
    "expiry-schedule": ExportKind(file_type=None, prefixes=(*POSTINGS, "member.")),
    "attributes": ExportKind(file_type="ATT", prefixes=None),
    "liability": ExportKind(file_type=None, prefixes=None),
    "files": ExportKind(file_type=None, prefixes=("batch.",)),
}
"""In the order in which an empty program reads them in, but for the attributes, which come first."""
