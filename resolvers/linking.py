"""Links of cards and accounts to members, one or a thousand, in one database transaction: a few statements.

A refused link leaves the others untouched. Within a run later links see earlier ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from domain.errors import BadRequest, MemberNotFound, TesseraError
from domain.member_status import Operation, refusal_by_status
from domain.models import outbox
from domain.models import sub_relation as table
from domain.models.types import to_json
from domain.store.bulk import Bulk
from domain.store.idempotency import fingerprint_of
from domain.store.ids import Ids
from domain.store.member import Stored, find_members
from domain.store.outbox import insert_events
from domain.store.program import ProgramState
from domain.store.sub_relation import find_on_members, insert_sub_relations, update_sub_relations
from domain.sub_relation import CARD, Pair, SubRelation, check_link, find_link, read_pair, read_word
from resolvers.beneficiary import card_hash
from resolvers.context import Context

_WORDS = ("last_six_digits", "product_code", "status")


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkSubRelation:
    """Link a card number, an identifier, or the pair of both to a member; a known pair has the rest changed.

    What is None, empty or (of the pair) zero is not given: a known pair keeps what it has. A new pair without
    a `type` is a card.
    """

    relation_reference: str
    type: str | None = None
    card_number: str | None = None
    sub_relation_identifier: str | None = None
    last_six_digits: str | None = None
    product_code: str | None = None
    expiry_date: date | None = None
    status: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A link whose static checks hold. `changes` are what was given beside the pair."""

    reference: str
    pair: Pair
    digest: bytes | None
    changes: Mapping[str, Any]

    @property
    def fingerprint(self) -> bytes:
        """What its idempotency key stands for."""
        names = sorted(self.changes)
        return fingerprint_of(
            self.reference,
            None if self.digest is None else self.digest.hex(),
            self.pair.identifier,
            *(part for name in names for part in (name, self.changes[name])),
        )


def read_link(command: LinkSubRelation) -> tuple[Pair, Mapping[str, Any]]:
    """The pair, and what is given beside it. Raises BadRequest."""
    if not command.relation_reference:
        raise BadRequest("relation_reference: is missing", field="relation_reference")
    pair = read_pair(command.card_number, command.sub_relation_identifier)
    if pair is None:
        raise BadRequest("card_number or sub_relation_identifier is needed", field="card_number")
    words = {name: read_word(getattr(command, name), name) for name in _WORDS}
    given = {"type": command.type, "expiry_date": command.expiry_date, **words}
    return pair, {name: value for name, value in given.items() if value is not None}


def check_changes(pair: Pair, changes: Mapping[str, Any]) -> None:
    """Refuse a type that is none, and a card number where it would stand in clear. Raises InvalidRequest."""
    check_link(pair, changes.get("type", CARD), changes.get("last_six_digits"))


@dataclass(slots=True)
class Linking:
    """Links in order: `load` what they are about, `link` each, `store`; once per database transaction."""

    tx: Connection
    ctx: Context
    state: ProgramState
    now: datetime
    _members: dict[str, Stored] = field(default_factory=dict)
    _held: dict[int, dict[int, SubRelation]] = field(default_factory=dict)
    _fresh: dict[int, SubRelation] = field(default_factory=dict)
    _changed: dict[int, SubRelation] = field(default_factory=dict)
    _free_ids: list[int] = field(default_factory=list)
    _told: list[SubRelation] = field(default_factory=list)

    def link_all(self, commands: Sequence[LinkSubRelation]) -> list[SubRelation | TesseraError]:
        """The sub-relation as stored, or the refusal, of each command, in order."""
        prepared = [self._prepare(command) for command in commands]
        self.load([one for one in prepared if isinstance(one, Link)])
        outcomes = [one if isinstance(one, TesseraError) else self._try(one) for one in prepared]
        self.store()
        return outcomes

    def prepared(self, command: LinkSubRelation) -> Link:
        """A command that was checked."""
        pair, changes = read_link(command)
        digest = card_hash(self.ctx.services.keys, self.state.id, pair.card_number)
        return Link(command.relation_reference, pair, digest, changes)

    def _prepare(self, command: LinkSubRelation) -> Link | TesseraError:
        try:
            check_changes(*read_link(command))
            return self.prepared(command)
        except TesseraError as error:
            return error

    def _try(self, one: Link) -> SubRelation | TesseraError:
        try:
            return self.link(one)
        except TesseraError as error:
            return error

    def load(self, links: Sequence[Link]) -> None:
        """Lock the members that these links name, and read what they have of them."""
        references = sorted({one.reference for one in links})
        keys, program_id = self.ctx.services.keys, self.state.id
        for stored in find_members(self.tx, keys, program_id, references=references, lock=True) if links else ():
            self._members[stored.asked_for or stored.member.relation_reference] = stored
        cards = sorted({one.digest for one in links if one.digest is not None})
        identifiers = sorted({one.pair.identifier for one in links if one.pair.identifier is not None})
        ids = sorted({stored.member.id for stored in self._members.values()})
        for held in find_on_members(self.tx, program_id, ids, cards, identifiers):
            self._held.setdefault(held.member_id, {})[held.id] = held
        fresh = sum(1 for one in links if one.reference in self._members and self.known(one) is None)
        self._free_ids = Ids(self.tx, program_id).take(table, fresh)[::-1]

    def known(self, one: Link) -> SubRelation | None:
        """What its member has of this very pair, once it is loaded."""
        stored = self._members.get(one.reference)
        held = {} if stored is None else self._held.get(stored.member.id, {})
        pair = one.digest, one.pair.identifier
        return next((link for link in held.values() if (link.card_hash, link.identifier) == pair), None)

    def link(self, one: Link) -> SubRelation:
        """The sub-relation of this pair with these changes.

        Raises MemberNotFound, CancelledMemberUpdate, SubRelationLinked.
        """
        if one.reference not in self._members:
            raise MemberNotFound
        member = self._members[one.reference].member
        stopped = refusal_by_status(Operation.UPDATE, member.status)
        if stopped is not None:
            raise stopped
        held = self._held.setdefault(member.id, {})
        known = find_link(held.values(), one.digest, one.pair.identifier)
        if known is None:
            written = replace(_fresh(self._free_ids.pop(), member.id, one, self.now), **one.changes)
            self._fresh[written.id] = written
        elif (written := replace(known, **one.changes)) != known:
            written = replace(written, version=known.version + 1)
            (self._fresh if known.id in self._fresh else self._changed)[known.id] = written
        if written != known:
            held[written.id] = written
            self._told.append(written)
        return written

    def data_key(self, one: Link) -> bytes:
        """The key of the member that a link names."""
        return self._members[one.reference].data_key

    def store(self) -> None:
        """Store what is new or changed, and tell of it."""
        bulk = Bulk(self.tx)
        insert_sub_relations(bulk, self.state.id, self._fresh.values())
        update_sub_relations(bulk, self.state.id, self._changed.values())
        events = [linked_event("sub_relation.linked", one, self.now) for one in self._told]
        insert_events(bulk, self.state.id, events, Ids(self.tx, self.state.id).take(outbox, len(events)))
        bulk.store()


def outcome_of(written: SubRelation) -> dict[str, int]:
    """What is told of a sub-relation, and kept with a key."""
    return {"member_id": written.member_id, "sub_relation_id": written.id}


def linked_event(topic: str, one: SubRelation, now: datetime) -> dict[str, object]:
    """The event of a sub-relation that was linked or taken away."""
    return {"topic": topic, "member_id": one.member_id, "payload": to_json(outcome_of(one)), "created_at": now}


def _fresh(row_id: int, member_id: int, one: Link, now: datetime) -> SubRelation:
    return SubRelation(
        id=row_id,
        member_id=member_id,
        type=CARD,
        card_hash=one.digest,
        card_last_four=one.pair.card_last_four,
        card_number=one.pair.storable_card_number,
        identifier=one.pair.identifier,
        last_six_digits=None,
        product_code=None,
        expiry_date=None,
        status=None,
        created_at=now,
        version=1,
    )
