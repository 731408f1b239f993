"""Changes to members, one or a thousand, in one database transaction: the same checks, a few statements.

A refused change leaves the others untouched. Within a run later changes see earlier ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection

from domain.change_request import MEMBER_STATUS
from domain.errors import (
    BadRequest,
    DuplicateAttribute,
    DuplicateEmail,
    DuplicateMobile,
    DuplicateRecord,
    InvalidAttribute,
    MemberNonexistent,
    MemberNotFound,
    TesseraError,
)
from domain.member import (
    ACTIVE,
    CANCELLED,
    SUSPENDED,
    changed,
    check_reference,
    enrolled,
    read_values,
    require_mandatory,
)
from domain.member_status import Operation, refusal_by_status
from domain.models import account, member, outbox
from domain.rules.attributes import by_key
from domain.rules.fixed import member_definitions
from domain.rules.model import AttributeDefinition, Scalar
from domain.rules.value import to_plain
from domain.store.bulk import Bulk
from domain.store.ids import Ids
from domain.store.member import Stored, find_members, insert_members, update_members
from domain.store.outbox import insert_events, member_event
from domain.store.program import ProgramState
from domain.store.reading import read_together
from domain.store.unique_value import owning, replace_unique_values
from resolvers.address import Addresses
from resolvers.approving import require_approval
from resolvers.context import Context
from resolvers.member_change import Change, Changed
from resolvers.newcomer import Newcomers
from resolvers.subject import follow_status

_STATUS_OF_ACTION = {"SUSPEND": SUSPENDED, "CLOSE": CANCELLED, "REACTIVATE": ACTIVE}
ACTIONS = frozenset({"NEW", "UPDATE", *_STATUS_OF_ACTION})


@dataclass(slots=True)
class _Prepared:
    """A change whose values hold, with the member it is about."""

    change: Change
    values: dict[str, Scalar | None]
    ignored: list[str]
    reference: str | None
    hashes: dict[str, bytes]
    target: Stored | None = None


@dataclass(slots=True)
class Roster:
    """Applies changes in order; `apply` once per database transaction."""

    tx: Connection
    ctx: Context
    state: ProgramState
    now: datetime
    _known: dict[str, Stored] = field(default_factory=dict)
    _by_id: dict[int, Stored] = field(default_factory=dict)
    _owners: dict[tuple[str, bytes], int] = field(default_factory=dict)
    _hashes: dict[int, dict[str, bytes]] = field(default_factory=dict)
    _fresh: dict[int, Stored] = field(default_factory=dict)
    _altered: dict[int, Stored] = field(default_factory=dict)
    _free_ids: list[int] = field(default_factory=list)
    _free_keys: list[tuple[bytes, bytes]] = field(default_factory=list)
    _given_status: set[int] = field(default_factory=set)
    _ids: Ids = field(init=False)
    _definitions: Mapping[str, AttributeDefinition] = field(init=False)
    _unique: Sequence[str] = field(init=False)
    _today: date = field(init=False)
    _newcomers: Newcomers = field(init=False)
    _addresses: Addresses = field(init=False)

    def __post_init__(self) -> None:
        self._definitions = by_key(member_definitions(self.state.configuration))
        unique = [key for key, one in self._definitions.items() if one.unique and key != "relation_reference"]
        self._unique = sorted(unique, key=lambda key: _UNIQUE_ORDER.get(key, 2))
        self._ids = Ids(self.tx, self.state.id)
        self._today = self.now.astimezone(self.state.zone).date()
        self._newcomers = Newcomers(self.tx, self.ctx, self.state, self.now, self._by_id)
        self._addresses = Addresses(self.tx, self.ctx, self.state, self.now)

    def apply(self, changes: Sequence[Change]) -> list[Changed | TesseraError]:
        """The changed member or the refusal of each change, in order."""
        prepared = [self._prepare(change) for change in changes]
        good = [one for one in prepared if isinstance(one, _Prepared)]
        self._load(good)
        outcomes = [one if isinstance(one, TesseraError) else self._try(one) for one in prepared]
        self._store()
        return outcomes

    def _prepare(self, change: Change) -> "_Prepared | TesseraError":
        if change.action is not None and change.action not in ACTIONS:
            return InvalidAttribute("action: not one of NEW, UPDATE, SUSPEND, CLOSE, REACTIVATE", field="action")
        values = change.values
        if change.action in _STATUS_OF_ACTION:
            values = {**values, "status": _STATUS_OF_ACTION[change.action]}
        ignore = change.ignore_unknown
        try:
            read, ignored = read_values(
                self._definitions,
                values,
                today=self._today,
                ignore_unknown=self.state.terms.ignore_unknown_attributes if ignore is None else ignore,
                is_new=change.action == "NEW",
                clears=change.clears,
            )
        except TesseraError as error:
            return error
        reference = read.pop("relation_reference", None) or change.reference
        if not reference and change.member_id is None:
            return BadRequest("relation_reference: is missing", field="relation_reference")
        return _Prepared(change, read, ignored, str(reference) if reference else None, self._hash(read))

    def _hash(self, values: Mapping[str, Scalar | None]) -> dict[str, bytes]:
        keys, program_id = self.ctx.services.keys, self.state.id
        return {
            key: keys.lookup_hash(program_id, key, value if type(value) is str else str(to_plain(value)))
            for key in self._unique
            if (value := values.get(key)) is not None
        }

    def _load(self, prepared: Sequence[_Prepared]) -> None:
        keys, program_id = self.ctx.services.keys, self.state.id
        self._lock_accounts(prepared)
        ids = sorted({one.change.member_id for one in prepared if one.change.member_id is not None})
        references = sorted({name for one in prepared for name in (one.reference, one.change.reference) if name})
        found = find_members(self.tx, keys, program_id, references=references, lock=True) if references else []
        found += find_members(self.tx, keys, program_id, ids=ids, lock=True, follow=True) if ids else []
        for stored in found:
            self._remember(stored)
        fresh = sum(one.reference is not None and one.reference not in self._known for one in prepared)
        wanted = {key: {one.hashes[key] for one in prepared if key in one.hashes} for key in self._unique}
        wanted = {key: digests for key, digests in wanted.items() if digests}
        owners = [owning(program_id, attribute, digests) for attribute, digests in wanted.items()]
        # Each new member takes one, and so do its account and its event.
        found_owners = read_together(self.tx, *owners, *self._ids.ahead(3 * fresh))
        for attribute, owned in zip(wanted, found_owners, strict=False):
            self._owners |= {(attribute, digest): owner for digest, owner in owned.items()}
        self._free_ids = self._ids.take(member, fresh)
        self._free_ids.reverse()
        self._free_keys = keys.new_data_keys(fresh)
        self._newcomers.draw_codes(fresh)

    def _lock_accounts(self, prepared: Sequence[_Prepared]) -> None:
        if not self._newcomers.are_referred:
            return
        active = [one for one in prepared if one.values.get("status") == ACTIVE]
        self._newcomers.lock(
            {one.change.referral_code for one in prepared if one.change.referral_code},
            sorted({name for one in active for name in (one.reference, one.change.reference) if name}),
            sorted({one.change.member_id for one in active if one.change.member_id is not None}),
        )

    def _remember(self, found: Stored) -> None:
        # One object for a member, by whichever reference it was asked for.
        stored = self._by_id.setdefault(found.member.id, found)
        self._known[stored.member.relation_reference] = stored
        if found.asked_for is not None:
            self._known[found.asked_for] = stored
        if found.asked_id is not None:
            self._by_id[found.asked_id] = stored

    def _try(self, one: _Prepared) -> Changed | TesseraError:
        try:
            return self._change(one)
        except TesseraError as error:
            return error

    def _change(self, one: _Prepared) -> Changed:
        one.target = (
            self._by_id.get(one.change.member_id)
            if one.change.member_id is not None
            else self._known.get(one.reference or "")
        )
        if (
            one.target is not None
            and one.change.reference is not None
            and self._known.get(one.change.reference) is not one.target
        ):
            raise MemberNonexistent
        if one.target is None:
            return self._enroll(one)
        if one.change.action == "NEW":
            raise DuplicateRecord("relation_reference")
        return self._alter(one, one.target)

    def _enroll(self, one: _Prepared) -> Changed:
        if one.change.action not in {None, "NEW"} or one.reference is None:
            raise MemberNonexistent if one.change.member_id is not None else MemberNotFound
        # A row that says neither NEW nor UPDATE turned out to be new: now the mandatory ones must be there.
        if one.change.action is None:
            require_mandatory(self._definitions.values(), {**one.values, "relation_reference": one.reference})
        check_reference(one.reference)
        self._check_unique(one, None)
        referred_by = self._newcomers.referred_by(one.change.referral_code)
        fresh = enrolled(
            one.values,
            self.now,
            id=self._free_ids.pop(),
            relation_reference=one.reference,
            referral_code=self._newcomers.next_code(),
            referred_by=referred_by,
        )
        stored = Stored(fresh, *self._free_keys.pop(), version=0)
        self._remember(stored)
        self._fresh[stored.member.id] = stored
        self._newcomers.note(None, stored.member)
        self._own(stored.member.id, one.hashes)
        return Changed(member=stored.member, ignored_keys=one.ignored)

    def _alter(self, one: _Prepared, target: Stored) -> Changed:
        stopped = refusal_by_status(Operation.UPDATE, target.member.status)
        if stopped is not None:
            raise stopped
        before, after = target.member, changed(target.member, one.values, self.now)
        if after.status != before.status and self.ctx.is_by_hand:
            require_approval(self.ctx, self.state, MEMBER_STATUS)
        # Who has proved nothing is not told either whether an address is another member's.
        self._addresses.leave(before, after)
        self._check_unique(one, target.member.id)
        target.member = after
        self._newcomers.note(before, target.member)
        if "status" in one.values:
            self._given_status.add(target.member.id)
        if target.member.id not in self._fresh:
            self._altered[target.member.id] = target
        self._own(target.member.id, one.hashes)
        return Changed(member=target.member, ignored_keys=one.ignored, before=before)

    def _check_unique(self, one: _Prepared, own_id: int | None) -> None:
        for value in one.hashes.items():
            owner = self._owners.get(value)
            if owner is not None and owner != own_id:
                attribute, _ = value
                named = _DUPLICATES.get(attribute)
                raise DuplicateAttribute(attribute, field=attribute) if named is None else named(field=attribute)

    def _own(self, member_id: int, hashes: Mapping[str, bytes]) -> None:
        before = self._hashes.get(member_id, {})
        for attribute in before.keys() & hashes:
            self._owners.pop((attribute, before[attribute]), None)
        self._hashes[member_id] = {**before, **hashes}
        self._owners |= dict.fromkeys(hashes.items(), member_id)

    def _store(self) -> None:
        program_id = self.state.id
        pi_keys = frozenset(key for key, one in self._definitions.items() if one.pi)
        altered = list(self._altered.values())
        update_members(self.tx, program_id, [(one, self._all_hashes(one)) for one in altered], pi_keys)
        if self._given_status:
            follow_status(self.tx, program_id, [self._by_id[one].member for one in self._given_status], self.now)
        if altered:
            self._addresses.follow(altered)
        fresh = [(one, self._hashes.get(one.member.id, {})) for one in self._fresh.values()]
        account_ids = self._ids.take(account, len(fresh))
        events = [member_event("member.enrolled", one, self.now) for one in self._fresh]
        events += [member_event("member.updated", one, self.now) for one in self._altered]
        bulk = Bulk(self.tx)
        insert_members(bulk, program_id, fresh, account_ids, pi_keys)
        insert_events(bulk, program_id, events, self._ids.take(outbox, len(events)))
        bulk.store()
        replace_unique_values(self.tx, program_id, [(one.member.id, hashes) for one, hashes in fresh])
        self._newcomers.reward()

    def _all_hashes(self, one: Stored) -> dict[str, bytes | None]:
        """Hashes of every unique value that the member has now, changed or not; None where it has none."""
        fixed = {"email_id": one.member.email_id, "mobile_number": one.member.mobile_number}
        values = {
            **one.member.attributes,
            **{key: value for key, value in fixed.items() if value is not None},
        }
        return dict.fromkeys(self._unique) | self._hash(values)


_DUPLICATES: Mapping[str, type[TesseraError]] = {"email_id": DuplicateEmail, "mobile_number": DuplicateMobile}
_UNIQUE_ORDER = {"email_id": 0, "mobile_number": 1}
"""Which duplicate is told first."""
