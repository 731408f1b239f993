"""Whom transactions are for: members by reference, else by the card or identifier that is linked to one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlalchemy import Connection

from domain.crypto import KeyRing
from domain.errors import MemberNotFound, SubRelationAmbiguous
from domain.member import Member
from domain.store.member import Stored, find_members, led_astray, members_named
from domain.store.reading import Reading, read
from domain.store.sub_relation import find_by_value, find_on_members
from domain.sub_relation import Pair, SubRelation

Value: TypeAlias = tuple[bytes | None, str | None]
"""A pair as the database is asked for it: the card by its keyed hash, the identifier as it is."""


def value_of(keys: KeyRing, program_id: int, pair: Pair) -> Value:
    """A pair as the database is asked for it."""
    return card_hash(keys, program_id, pair.card_number), pair.identifier


def card_hash(keys: KeyRing, program_id: int, card_number: str | None) -> bytes | None:
    """The keyed hash by which a card is found in one program."""
    return None if card_number is None else keys.lookup_hash(program_id, "card_number", card_number)


@dataclass(slots=True)
class Beneficiaries:
    """The members of many transactions, read with a few statements. `with_person`: also what is encrypted of them."""

    tx: Connection
    keys: KeyRing
    program_id: int
    with_person: bool = True
    _by_reference: dict[str, Member] = field(default_factory=dict)
    _by_id: dict[int, Member] = field(default_factory=dict)
    _links: dict[Value, dict[int, SubRelation]] = field(default_factory=dict)

    def load(self, named: Sequence[tuple[str | None, Value | None]]) -> list[Member]:
        """Read whom these references and values name; the members that were found."""
        references = sorted({reference for reference, _ in named if reference})
        if references:
            self._remember(
                read(self.tx, members_named(self.keys, self.program_id, references, with_person=self.with_person))
            )
        self._load_known([value for reference, value in named if reference and value is not None])
        values = {value for reference, value in named if not reference and value is not None}
        self._link(find_by_value(self.tx, self.program_id, values))
        # Where a value is linked to several members, none of them gets anything.
        single = [links for links in (self._links.get(value, {}) for value in values) if len(links) == 1]
        ids = sorted({link.member_id for links in single for link in links.values()} - self._by_id.keys())
        if ids:
            self._remember(find_members(self.tx, self.keys, self.program_id, ids=ids, with_person=self.with_person))
        return list(self._by_id.values())

    def meet(self, found: list[Stored]) -> list[Member]:
        """Members that were read by reference already, in place of `load`."""
        self._remember(found)
        return list(self._by_id.values())

    def led_astray(self) -> Reading[bool]:
        """Whether somebody else answers by now; to be asked under the locks of the accounts."""
        # Who was found by a card stands under its own reference; one who is only assumed has no id.
        led = {reference: member.id for reference, member in self._by_reference.items() if member.id}
        return led_astray(self.program_id, led)

    def assume(self, member: Member) -> None:
        """A member who is known without the database."""
        self._by_id[member.id] = self._by_reference[member.relation_reference] = member

    def _load_known(self, values: Sequence[Value]) -> None:
        """The links of members that are named by reference, with the values that stand beside it."""
        if values:
            cards = sorted({card for card, _ in values if card is not None})
            identifiers = sorted({identifier for _, identifier in values if identifier is not None})
            self._link(find_on_members(self.tx, self.program_id, list(self._by_id), cards, identifiers))

    def _remember(self, found: list[Stored]) -> None:
        for one in found:
            member = self._by_id.setdefault(one.member.id, one.member)
            self._by_reference[one.asked_for or member.relation_reference] = member

    def _link(self, links: Iterable[SubRelation]) -> None:
        for link in links:
            for value in ((link.card_hash, None), (None, link.identifier), (link.card_hash, link.identifier)):
                self._links.setdefault(value, {})[link.id] = link

    def find(self, reference: str | None, value: Value | None) -> tuple[Member, SubRelation | None]:
        """The member, and its sub-relation with this value if it has one; the reference wins.

        Raises SubRelationAmbiguous, MemberNotFound.
        """
        links = list(self._links.get(value, {}).values()) if value is not None else []
        if reference:
            member = self._by_reference.get(reference)
            if member is None:
                raise MemberNotFound
            if not links:
                return member, None
            return member, next((link for link in links if link.member_id == member.id), None)
        if len(links) > 1:
            raise SubRelationAmbiguous
        member = self._by_id.get(links[0].member_id) if links else None
        if member is None:
            raise MemberNotFound
        return member, links[0]
