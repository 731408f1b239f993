"""Use cases of proposed attribute definitions: partners propose by file, an administrator puts them in force or not."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from domain.access import Permission
from domain.errors import ConfigurationRefused, RedemptionNotFound, TesseraError
from domain.store import attribute_proposal as store
from domain.store import audit
from domain.store.program import ProgramState
from resolvers.attribute import with_definitions
from resolvers.attribute_file import SECTIONS, read_cells
from resolvers.configuration import AppliedConfiguration, make_current, read_configuration, read_source
from resolvers.context import Context

ENTITIES: Mapping[str, str] = {section: entity for entity, section in SECTIONS.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposeAttribute:
    """A row of a file of attribute definitions: its cells by column, the empty ones left out."""

    cells: Mapping[str, str]
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposed:
    """What became of a row. `waits` False: the program has this definition already."""

    waits: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AttributeProposal:
    """A definition that waits for an administrator. `entity` is `transaction` or `member`, `source` says who sent it.

    `definition` is the whole item as it would stand in the document; `changes` whether it changes one that stands.
    """

    id: int
    entity: str
    definition: Mapping[str, Any]
    changes: bool
    source: str
    proposed_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyProposals:
    """Put proposals in force, all or none."""

    ids: Sequence[int]
    expected_version: int | None = None


Given = tuple[str, dict[str, Any]]
"""A section, and a definition of it."""


def propose_attributes(
    tx: Connection, ctx: Context, state: ProgramState, commands: Sequence[ProposeAttribute]
) -> list[Proposed | TesseraError]:
    """Propose definitions in this database transaction: what became of each, or its refusal, in order.

    Each is checked as if it were applied to the configuration in force. Raises Forbidden.
    """
    ctx.principal.require(Permission.BATCH_WRITE)
    return _Proposals(tx, state, ctx.services.clock()).propose(commands)


@dataclass(slots=True)
class _Proposals:
    """Takes the rows of one run, in order."""

    tx: Connection
    state: ProgramState
    now: datetime
    _pending: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    _instead: dict[tuple[str, str], int] = field(default_factory=dict)
    _fresh: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def propose(self, commands: Sequence[ProposeAttribute]) -> list[Proposed | TesseraError]:
        read = [_read(command) for command in commands]
        given = [one for one in read if not isinstance(one, TesseraError)]
        for row in store.pending_proposals(self.tx, self.state.id, keys={one["key"] for _, one in given}):
            self._pending[row.section, row.key] = {"definition": row.definition, "source": row.source}
            self._instead[row.section, row.key] = row.id
        # One by one only where they do not hold together: to read a large document takes a while.
        hold_together = _holds(self.state.document, given) is None
        outcomes = [
            one if isinstance(one, TesseraError) else self._take(one, command.source, hold_together)
            for one, command in zip(read, commands, strict=True)
        ]
        replaced = [self._instead[place] for place in self._fresh if place in self._instead]
        store.replace_proposals(self.tx, self.state.id, list(self._fresh.values()), replaced, self.now)
        return outcomes

    def _take(self, given: Given, source: str, is_checked: bool) -> Proposed | TesseraError:
        section, definition = given
        place = section, definition["key"]
        if _stands(self.state.document, given):
            return Proposed(waits=False)
        before = self._pending.get(place)
        if before is not None and before["definition"] == definition:
            return Proposed(waits=True)
        if before is not None and _file_of(before["source"]) == _file_of(source):
            line = before["source"].rpartition(":")[2]
            return ConfigurationRefused(f"key: line {line} of the file defines it in another way")
        if not is_checked and (refusal := _holds(self.state.document, [given])) is not None:
            return refusal
        self._fresh[place] = self._pending[place] = {
            "section": section,
            "key": definition["key"],
            "definition": definition,
            "source": source,
        }
        return Proposed(waits=True)


def _read(command: ProposeAttribute) -> Given | TesseraError:
    """The definition of a row, in the notation of a document, and good by itself."""
    try:
        section, definition = read_cells(command.cells)
        # Through the reader of files: the same limits, the same notation of texts.
        [definition] = read_source(json.dumps({section: [definition]}))[section]
        read_configuration({"version": 1, section: [definition]})
    except ConfigurationRefused as refusal:
        return refusal
    return section, definition


def _holds(document: Mapping[str, Any], given: Iterable[Given]) -> ConfigurationRefused | None:
    """Why the document does not hold with these definitions; None where it does."""
    try:
        read_configuration(_with(document, given))
    except ConfigurationRefused as refusal:
        return refusal
    return None


def _with(document: Mapping[str, Any], given: Iterable[Given]) -> dict[str, Any]:
    by_section: dict[str, list[dict[str, Any]]] = {}
    for section, definition in given:
        by_section.setdefault(section, []).append(definition)
    return with_definitions(document, by_section)


def _standing(document: Mapping[str, Any], section: str, key: str) -> Mapping[str, Any] | None:
    return next((one for one in document.get(section) or [] if one["key"] == key), None)


def _stands(document: Mapping[str, Any], given: Given) -> bool:
    """Whether nothing would change with this definition."""
    standing = _standing(document, given[0], given[1]["key"])
    return standing is not None and all(standing.get(name) == value for name, value in given[1].items())


def _file_of(source: str) -> str:
    return source.rpartition(":")[0]


async def list_attribute_proposals(ctx: Context, *, first: int, after_id: int = 0) -> list[AttributeProposal]:
    """A page of the definitions that wait for a decision, oldest first. Raises Forbidden."""
    ctx.principal.require(Permission.CONFIGURATION_READ)

    def body(tx: Connection) -> list[AttributeProposal]:
        document = ctx.program(tx).document
        found = store.pending_proposals(tx, ctx.principal.program, first=first, after_id=after_id)
        return [_proposal(row, document) for row in found]

    return await ctx.read(body)


async def apply_attribute_proposals(ctx: Context, command: ApplyProposals) -> AppliedConfiguration:
    """Put proposed definitions in force, whole or not at all.

    Raises Forbidden, RedemptionNotFound (one of them waits no longer), ConfigurationChanged, ConfigurationRefused.
    """
    ctx.principal.require(Permission.CONFIGURATION_WRITE)
    rows = await ctx.read(lambda tx: _pending(tx, ctx, command.ids))
    given = [(row.section, row.definition) for row in rows]
    return await make_current(
        ctx,
        lambda stored: read_configuration(_with(stored, given)),
        expected_version=command.expected_version,
        change={"action": "apply proposals", "proposals": [[row.key, row.source] for row in rows]},
        along=lambda tx: _decide(tx, ctx, command.ids, store.APPLIED),
    )


async def dismiss_attribute_proposals(ctx: Context, ids: Sequence[int]) -> None:
    """Let proposals be. Raises Forbidden, RedemptionNotFound (one of them waits no longer)."""
    ctx.principal.require(Permission.CONFIGURATION_WRITE)

    def body(tx: Connection) -> None:
        keys = [row.key for row in _decide(tx, ctx, ids, store.DISMISSED)]
        audit.record(
            tx,
            ctx.principal.program,
            now=ctx.services.clock(),
            actor=ctx.principal,
            action="attribute_proposal.dismiss",
            subject="configuration",
            before={"keys": keys, "status": store.PENDING},
            after={"keys": keys, "status": store.DISMISSED},
        )

    await ctx.write(body)


def _pending(tx: Connection, ctx: Context, ids: Collection[int], *, lock: bool = False) -> Sequence[Row[Any]]:
    rows = store.pending_proposals(tx, ctx.principal.program, ids=set(ids), lock=lock)
    if len(rows) != len(set(ids)) or not rows:
        raise RedemptionNotFound("no such proposal waits", field="proposal_ids")
    return rows


def _decide(tx: Connection, ctx: Context, ids: Collection[int], status: str) -> Sequence[Row[Any]]:
    rows = _pending(tx, ctx, ids, lock=True)
    store.decide_proposals(
        tx, ctx.principal.program, set(ids), status=status, actor=ctx.principal.actor, now=ctx.services.clock()
    )
    return rows


def _proposal(row: Row[Any], document: Mapping[str, Any]) -> AttributeProposal:
    return AttributeProposal(
        id=row.id,
        entity=ENTITIES[row.section],
        definition=row.definition,
        changes=_standing(document, row.section, row.key) is not None,
        source=row.source,
        proposed_at=row.proposed_at,
    )
