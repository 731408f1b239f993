"""Use cases of a program's configuration: one document, versioned, applied whole or not at all.

Every change goes the same way, whoever makes it: `make_current` checks and compiles the next document, runs its
examples, locks, compares the version, stores and audits. `resolvers.configuration_item` and `resolvers.attribute`
come through it too.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Connection

from domain.access import Permission
from domain.change_request import CONFIGURATION
from domain.errors import ConfigurationChanged, ConfigurationRefused
from domain.models.types import to_json
from domain.rules.difference import ListChange, compare
from domain.rules.document import load_document
from domain.rules.examples import ExampleResult, run_examples
from domain.rules.join import parse_joined
from domain.rules.model import Configuration
from domain.rules.parse import ConfigurationInvalid, parse
from domain.rules.render import to_document
from domain.rules.segment import frozen_segments
from domain.store import audit
from domain.store.origin import replace_origins
from domain.store.program import (
    ProgramState,
    digest_of,
    insert_configuration,
    lock_program,
    set_configuration_version,
    under,
)
from domain.store.segment import forget_snapshots
from resolvers.approving import needs_approval, propose, require_approval
from resolvers.configuration_check import check_change
from resolvers.context import Context
from resolvers.recount import recount_aggregates

NextConfiguration: TypeAlias = Callable[[Mapping[str, Any]], Configuration]
"""Makes the next configuration of the document in force. Raises ConfigurationRefused."""

CONFIGURATION_APPLY = "configuration.apply"
"""How the audit trail calls a change, whose `before` and `after` have the versions and their digests."""

ROUNDS = 5
"""How often another change may overtake what is made beside the database."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedConfiguration:
    """A configuration with its version; `changed` False where nothing new was said.

    `changes` are those from the version before, kept items included, where it was just applied or previewed.
    `request_id`: it waits for a second administrator under this id, and nothing is changed.
    """

    version: int
    document: Mapping[str, Any]
    changed: bool
    changes: Sequence[ListChange] = ()
    request_id: int | None = None


async def apply_configuration(
    ctx: Context, source: bytes, *, prune: bool = False, expected_version: int | None = None
) -> AppliedConfiguration:
    """Apply a configuration file (YAML or JSON); what it leaves out stays unless `prune`.

    Raises Forbidden, ConfigurationRefused (a file that cannot be read), ConfigurationChanged (another version
    than `expected_version` is in force), ConfigurationRefused (every fault with its path, a last day that
    is past and was not in force before, an example that fails, or a level that is gone and that members have).
    """
    ctx.principal.require(Permission.CONFIGURATION_WRITE)
    given = await asyncio.to_thread(read_source, source)
    return await make_current(
        ctx,
        lambda stored: joined(given, {} if prune else stored),
        expected_version=expected_version,
        change={"prune": prune},
    )


async def preview_configuration(ctx: Context, source: bytes, *, prune: bool = False) -> AppliedConfiguration:
    """What applying a file would change, checked as far as applying it; nothing is written.

    `version` stays the one in force. Raises as `apply_configuration` does.
    """
    ctx.principal.require(Permission.CONFIGURATION_WRITE)
    given = await asyncio.to_thread(read_source, source)
    state = await ctx.read(ctx.program)
    following = await asyncio.to_thread(_follow, state, lambda stored: joined(given, {} if prune else stored))
    await ctx.read(lambda tx: _check(tx, ctx, following))
    return AppliedConfiguration(
        version=state.config_version,
        document=following.after.document,
        changed=following.changed,
        changes=following.changes,
    )


async def get_configuration(ctx: Context) -> AppliedConfiguration:
    """The configuration in force. Raises Forbidden."""
    ctx.principal.require(Permission.CONFIGURATION_READ)

    def body(tx: Connection) -> AppliedConfiguration:
        state = ctx.program(tx)
        return AppliedConfiguration(version=state.config_version, document=state.document, changed=False)

    return await ctx.read(body)


def read_source(source: bytes | str) -> dict[str, Any]:
    """The plain document of a text from outside. Raises ConfigurationRefused."""
    try:
        return load_document(source)
    except ConfigurationInvalid as error:
        raise ConfigurationRefused(str(error)) from error


def source_of(document: Any) -> str:
    """A document that came as plain values, in the notation of a file."""
    return json.dumps(document, default=_exact)


def _exact(value: object) -> int | str:
    """A number that is not whole as a text with the same digits, which every reader of numbers accepts."""
    if isinstance(value, Decimal) and abs(value.adjusted()) < 20 and value == value.to_integral_value():
        return int(value)
    return str(value)


def read_configuration(document: Mapping[str, Any]) -> Configuration:
    """The configuration of a whole document. Raises ConfigurationRefused with every fault and its path."""
    try:
        return parse(document)
    except ConfigurationInvalid as error:
        raise ConfigurationRefused(str(error)) from error


async def make_current(
    ctx: Context,
    next_configuration: NextConfiguration,
    *,
    expected_version: int | None,
    change: Mapping[str, Any],
    along: Callable[[Connection], object] = lambda _: None,
) -> AppliedConfiguration:
    """Put in force what `next_configuration` makes of the document that is; `change` is told in the audit trail.

    `along` goes with it in the same database transaction.

    Raises ProgramNotFound, ConfigurationChanged, ApprovalNeeded (unless the call proposes it), and
    ConfigurationRefused as `apply_configuration` does.
    """
    for rounds_left in reversed(range(ROUNDS)):
        found = await ctx.read(ctx.program)
        _require_version(found, expected_version)
        # A large document takes seconds, in which the database has no other writer and the process serves nobody.
        following = await asyncio.to_thread(_follow, found, next_configuration)

        def body(
            tx: Connection, following: _Following = following, is_last: bool = rounds_left == 0
        ) -> AppliedConfiguration | None:
            lock_program(tx, ctx.principal.program)
            state = ctx.program(tx)
            _require_version(state, expected_version)
            if state.config_version != following.before.config_version:
                if not is_last:
                    return None
                # Others were faster each time: nobody is while the program is locked.
                following = _follow(state, next_configuration)
            if following.changed and needs_approval(ctx, state, CONFIGURATION, to=following.after.terms):
                return _propose(tx, ctx, state, following)
            along(tx)
            return _put_in_force(tx, ctx, following, change)

        applied = await ctx.write(body)
        if applied is not None:
            if applied.version == found.config_version + 1 and applied.changed:
                ctx.services.programs.keep(following.compiled(applied.version))
            return applied
    raise AssertionError("the last round has an outcome")


def _propose(tx: Connection, ctx: Context, state: ProgramState, following: "_Following") -> AppliedConfiguration:
    """Write down what is to follow, for a second administrator. Raises ApprovalNeeded, ConfigurationRefused."""
    if ctx.proposal is None:
        require_approval(ctx, state, CONFIGURATION, to=following.after.terms)
    _check(tx, ctx, following)
    number = propose(
        tx,
        ctx,
        CONFIGURATION,
        f"configuration:{state.config_version + 1}",
        payload=following.after.document,
        difference=[asdict(one) for one in following.changes if one.is_change],
        base_version=state.config_version,
    )
    return AppliedConfiguration(
        version=state.config_version,
        document=state.document,
        changed=False,
        changes=following.changes,
        request_id=number,
    )


def _require_version(state: ProgramState, expected: int | None) -> None:
    if expected not in (None, state.config_version):
        raise ConfigurationChanged(f"version {state.config_version} is in force", field="expected_version")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Following:
    """What is to follow the configuration in force, as far as it can be told without the database."""

    before: ProgramState
    after: ProgramState
    changes: Sequence[ListChange]
    failed: Sequence[ExampleResult]

    @property
    def changed(self) -> bool:
        return digest_of(self.after.document) != digest_of(self.before.document)

    def compiled(self, version: int) -> ProgramState:
        """The program with it in force under this version, as it would be read from the database."""
        return replace(self.after, config_version=version, document=orjson.loads(to_json(self.after.document)))


def _follow(before: ProgramState, next_configuration: NextConfiguration) -> _Following:
    configuration = next_configuration(before.document)
    document = to_document(configuration)
    return _Following(
        before=before,
        after=under(before, configuration, document),
        changes=compare(before.document, document),
        failed=[one for one in run_examples(configuration) if not one.passed],
    )


def joined(given: Mapping[str, Any], stored: Mapping[str, Any]) -> Configuration:
    """The file joined with what stands. Raises ConfigurationRefused, with the file's own paths where it has them."""
    try:
        return parse_joined(given, stored)
    except ConfigurationInvalid as error:
        raise ConfigurationRefused(str(error)) from error


def _check(tx: Connection, ctx: Context, following: _Following) -> None:
    check_change(tx, following.before, following.after.configuration, failed=following.failed, now=ctx.services.clock())


def _put_in_force(
    tx: Connection, ctx: Context, following: _Following, change: Mapping[str, Any]
) -> AppliedConfiguration:
    _check(tx, ctx, following)
    state, document = following.before, following.after.document
    before, after = state.configuration, following.after.configuration
    recount_aggregates(tx, state.id, before, after)
    # A segment that gets the name later begins with nobody.
    forget_snapshots(tx, state.id, set(frozen_segments(before)) - set(frozen_segments(after)))
    version = state.config_version
    if following.changed:
        version += 1
        _store(tx, ctx, state, document, change)
    return AppliedConfiguration(
        version=version, document=document, changed=following.changed, changes=following.changes
    )


def _store(
    tx: Connection, ctx: Context, state: ProgramState, document: Mapping[str, Any], change: Mapping[str, Any]
) -> None:
    version, now, actor = state.config_version + 1, ctx.services.clock(), ctx.principal.actor
    insert_configuration(tx, state.id, version, document, digest_of(document), now, actor)
    set_configuration_version(tx, state.id, version)
    replace_origins(tx, state.id, document["program"]["allowed_origins"])
    audit.record(
        tx,
        state.id,
        now=now,
        actor=ctx.principal,
        action=CONFIGURATION_APPLY,
        subject=f"configuration:{version}",
        before={"version": state.config_version, "digest": digest_of(state.document)},
        after={"version": version, "digest": digest_of(document), "change": change},
    )
