"""Parking: lines of a file whose member or card is not known yet wait for it, and those behind them wait as well."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection, Row

from domain.crypto import KeyRing
from domain.errors import MemberNotFound, TesseraError
from domain.store import parked as store
from domain.store.parked import Named
from domain.store.program import ProgramState
from domain.sub_relation import read_pair
from resolvers.beneficiary import value_of
from resolvers.bonus import PostBonus
from resolvers.context import Context
from resolvers.parked_payload import Waiting, dump_command
from resolvers.sub_relation import LinkSubRelation
from resolvers.transaction import SubmitTransaction

TURNS = {LinkSubRelation: 0, SubmitTransaction: 1, PostBonus: 2}
"""The order in which what waited is posted: a transaction may name a card that is linked before it."""

Waiter: TypeAlias = tuple[int, Waiting, bytes]
"""A line with its command and its bytes as they came."""


@dataclass(frozen=True, slots=True)
class Parking:
    """Parks lines of one locked batch."""

    tx: Connection
    keys: KeyRing
    state: ProgramState
    batch: Row[object]
    now: datetime

    def behind(self, waiters: Sequence[Waiter]) -> set[int]:
        """The lines that name whom other lines wait for already: to be posted after those."""
        named = {line: self._named(command) for line, command, _ in waiters}
        known = [one for one in named.values() if one is not None]
        if not known:
            return set()
        references, cards, identifiers = store.waited_for(self.tx, self.state.id, known)
        return {
            line
            for line, one in named.items()
            if one is not None
            and (one.reference in references or one.card_hash in cards or one.identifier in identifiers)
        }

    def park(self, waiters: Sequence[Waiter]) -> None:
        """Let lines wait."""
        rows = [self._row(*waiter) for waiter in waiters]
        if rows:
            store.insert_parked(self.tx, self.state.id, self.batch.id, rows)

    def _row(self, line: int, command: Waiting, raw: bytes) -> dict[str, object]:
        named = self._named(command) or Named(None, None, None)
        return {
            "line": line,
            "turn": TURNS[type(command)],
            "member_reference": named.reference,
            "card_hash": named.card_hash,
            "sub_relation_identifier": named.identifier,
            "payload": self.keys.seal_queued(dump_command(command)),
            "raw": self.keys.seal_queued(raw.decode("latin-1")),
            "parked_at": self.now,
        }

    def _named(self, command: Waiting) -> Named | None:
        """Whom a line names; None where that cannot be read, which posting refuses."""
        if isinstance(command, LinkSubRelation | PostBonus):
            return Named(command.relation_reference, None, None) if command.relation_reference else None
        if command.member_relation_reference:
            return Named(command.member_relation_reference, None, None)
        try:
            pair = read_pair(command.card_number, command.sub_relation_identifier)
        except TesseraError:
            return None
        return None if pair is None else Named(None, *value_of(self.keys, self.state.id, pair))


def parking_of(tx: Connection, ctx: Context, state: ProgramState, batch: Row[object]) -> Parking | None:
    """What parks the lines of a locked batch; None where the program lets them be rejected."""
    if not state.configuration.files.park_unknown_members:
        return None
    return Parking(tx, ctx.services.keys, state, batch, ctx.services.clock())


def is_to_wait(outcome: object) -> bool:
    """Whether a line was refused because its member or card is not known."""
    return isinstance(outcome, MemberNotFound)


def raw_of(keys: KeyRing, sealed: bytes) -> bytes:
    """The bytes of a line that waited."""
    return keys.open_queued(sealed).encode("latin-1")
