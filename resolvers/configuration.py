"""Use cases of a program's configuration: one document, versioned, applied whole or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import ConfigurationRefused
from domain.rules.document import load_document
from domain.rules.examples import run_examples
from domain.rules.model import Configuration
from domain.rules.parse import ConfigurationInvalid, parse
from domain.rules.render import to_document
from domain.store import audit
from domain.store.program import (
    ProgramState,
    digest_of,
    has_postings,
    insert_configuration,
    lock_program,
    set_configuration_version,
)
from resolvers.context import Context

_NAMED = {
    "product_codes": "code",
    "transaction_attributes": "key",
    "member_attributes": "key",
    "aggregates": "key",
    "rule_groups": "name",
    "rules": "name",
    "segments": "name",
    "campaigns": "name",
    "examples": "name",
}
"""The lists of a document, with what tells their items apart when two documents are joined."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedConfiguration:
    """The configuration now in force; `changed` False where the file said nothing new."""

    version: int
    document: Mapping[str, Any]
    changed: bool


async def apply_configuration(ctx: Context, source: bytes, *, prune: bool = False) -> AppliedConfiguration:
    """Apply a configuration file (YAML or JSON); what it leaves out stays unless `prune`.

    Raises Forbidden, ConfigurationRefused (every fault with its path, or an example that fails).
    """
    ctx.principal.require(Permission.CONFIGURATION_WRITE)
    given = _load(source)

    def body(tx: Connection) -> AppliedConfiguration:
        lock_program(tx, ctx.principal.program)
        state = ctx.program(tx)
        configuration = _configuration(given, {} if prune else state.document)
        _check(tx, state, configuration)
        return _store(tx, ctx, state, to_document(configuration))

    return await ctx.write(body)


async def get_configuration(ctx: Context) -> AppliedConfiguration:
    """The configuration in force. Raises Forbidden."""
    ctx.principal.require(Permission.CONFIGURATION_READ)

    def body(tx: Connection) -> AppliedConfiguration:
        state = ctx.program(tx)
        return AppliedConfiguration(version=state.config_version, document=state.document, changed=False)

    return await ctx.read(body)


def _load(source: bytes) -> dict[str, Any]:
    try:
        return load_document(source)
    except ConfigurationInvalid as error:
        raise ConfigurationRefused(str(error)) from error


def _configuration(given: Mapping[str, Any], stored: Mapping[str, Any]) -> Configuration:
    """The file joined with what stands; faults are told with the file's own paths where it has them."""
    try:
        return parse(join_documents(stored, given))
    except ConfigurationInvalid as joined:
        try:
            parse(given)
        except ConfigurationInvalid as own:
            raise ConfigurationRefused(str(own)) from own
        raise ConfigurationRefused(str(joined)) from joined


def join_documents(stored: Any, given: Any, name: str = "") -> Any:
    """`given` over `stored`: objects by key, named lists by name, everything else replaced."""
    if isinstance(stored, Mapping) and isinstance(given, Mapping):
        if name in {"expiry", "award", "when"}:
            return given
        return {
            **stored,
            **{key: join_documents(stored.get(key), value, key) for key, value in given.items()},
        }
    by = _NAMED.get(name)
    if by is None or not isinstance(stored, list) or not isinstance(given, list):
        return given
    if not all(isinstance(one, Mapping) and isinstance(one.get(by), str) for one in given):
        return given
    items = {one.get(by): one for one in stored}
    repeated = len({str(one.get(by)) for one in given}) != len(given)
    for one in given:
        items[one.get(by)] = join_documents(items.get(one.get(by)), one)
    return given if repeated else list(items.values())


def _check(tx: Connection, state: ProgramState, configuration: Configuration) -> None:
    if configuration.program.points_decimals != state.places and has_postings(tx, state.id):
        raise ConfigurationRefused("program.points_decimals: cannot change once points were posted")
    failed = [one for one in run_examples(configuration) if not one.passed]
    if failed:
        told = "; ".join(f"{one.name}: expected {one.expected}, got {one.got}" for one in failed[:10])
        raise ConfigurationRefused(f"examples fail: {told}")


def _store(tx: Connection, ctx: Context, state: ProgramState, document: dict[str, Any]) -> AppliedConfiguration:
    if digest_of(document) == digest_of(state.document):
        return AppliedConfiguration(version=state.config_version, document=document, changed=False)
    version, now, actor = state.config_version + 1, ctx.services.clock(), ctx.principal.actor
    insert_configuration(tx, state.id, version, document, digest_of(document), now, actor)
    set_configuration_version(tx, state.id, version)
    audit.record(
        tx,
        state.id,
        now=now,
        actor=actor,
        action="configuration.apply",
        subject=f"configuration:{version}",
        before={"version": state.config_version, "digest": digest_of(state.document)},
        after={"version": version, "digest": digest_of(document)},
    )
    return AppliedConfiguration(version=version, document=document, changed=True)
