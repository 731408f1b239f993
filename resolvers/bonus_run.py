"""Posting bonuses, one or a thousand, in one database transaction: the same checks, a few statements.

A refused bonus leaves the others untouched. Within a run later bonuses see earlier ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from domain.crypto import encrypt
from domain.errors import BadRequest, InvalidRequest, MemberNotFound, TesseraError
from domain.ledger.account import Account
from domain.ledger.expiry import ExpiryOverride, expires_at
from domain.ledger.posting import BONUS, PARTNER, PURCHASED, Bucket, Draft, expiry_of, new_lot
from domain.member_status import require_earning
from domain.points import cut, from_minor
from domain.program_zone import to_instant
from domain.store.idempotency import Bound, bind_keys, find_keys, fingerprint_of, forget_keys
from domain.store.journal import Journal
from domain.store.member import Stored, find_members, led_to
from domain.store.merge import MergedMeanwhile
from domain.store.program import ProgramState
from resolvers.carried_lot import CARRIED, CarriedTerms, post_carried
from resolvers.context import Context
from resolvers.keyed_run import KeyedRun
from resolvers.movement import free_text, require_positive, smallest_units
from resolvers.redemption_order import check_range
from resolvers.tiering import ROLLING, Tiering, is_automatic, tiering_of

USE_CASE = "bonus"

BUCKETS: dict[int, Bucket] = {BONUS: "bonus", PARTNER: "partner", PURCHASED: "purchased"}
"""The bucket of each type of bonus."""

_YEARS = range(1900, 9000)


@dataclass(frozen=True, kw_only=True, slots=True)
class PostBonus:
    """Give points. `awarded_at` is the day or the instant that they count from, None: now.

    `bonus_type`: 2 bonus, 12 from a partner, 13 bought. `expires` is the last day, None: as the program's
    terms have it. `source` overrides the context's (a file names its line).

    `carried`: what is left in a lot of another Tessera, whatever the member's status, without any effect on tiers; or,
    with negative points, what the account owed there.
    """

    relation_reference: str | None
    points: Decimal
    bonus_type: int = BONUS
    awarded_at: date | datetime | None = None
    expires: date | None = None
    narration: str | None = None
    idempotency_key: str | None = None
    source: str | None = None
    carried: CarriedTerms | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Bonus:
    """A bonus as stored."""

    entry_id: int
    member_id: int
    external_reference: UUID
    points: Decimal
    replayed: bool = False


def check_bonus(command: PostBonus) -> PostBonus:
    """The command with its narration trimmed. Raises BadRequest, InvalidRequest (type)."""
    for name in ("awarded_at", "expires"):
        given: date | None = getattr(command, name)
        if given is not None and given.year not in _YEARS:
            raise BadRequest(f"{name}: out of range", field=name)
    checked = replace(command, narration=free_text(command.narration, "narration"))
    types = BUCKETS if command.carried is None else CARRIED
    if command.bonus_type not in types:
        raise InvalidRequest(f"bonus_type: one of {', '.join(map(str, types))}", field="bonus_type")
    return checked


@dataclass(slots=True)
class _Giving:
    """A bonus whose static checks hold, and its posting once it is made."""

    command: PostBonus
    awarded: datetime
    key: str | None
    fingerprint: bytes
    member_id: int = 0
    draft: Draft | None = None

    @property
    def reference(self) -> str:
        return self.command.relation_reference or ""

    @property
    def outcome(self) -> dict[str, Any]:
        """What its key stands for, once it is stored."""
        draft = self.draft
        if draft is None:
            raise RuntimeError("a bonus that was not posted has no outcome")
        return {
            "entry_id": draft.id,
            "member_id": self.member_id,
            "reference": str(draft.external_reference),
            "points": draft.points,
        }


@dataclass(slots=True)
class Bonuses:
    """Posts bonuses in order; `post` once per database transaction, under the configuration in force."""

    tx: Connection
    ctx: Context
    state: ProgramState
    now: datetime
    _members: dict[str, Stored] = field(default_factory=dict)
    _accounts: dict[int, Account] = field(default_factory=dict)
    _keys: KeyedRun[_Giving] = field(default_factory=KeyedRun)
    _tiering: Tiering | None = None

    def post(self, commands: Sequence[PostBonus]) -> list[Bonus | TesseraError]:
        """The bonus or the refusal of each command, in order."""
        prepared = [self._prepare(command) for command in commands]
        good = [one for one in prepared if isinstance(one, _Giving)]
        journal = self._load(good)
        decided = [
            one if isinstance(one, TesseraError) else self._keys.decide(one, self._give, self._replay)
            for one in prepared
        ]
        # A key that stands twice in one run gives the same object twice: posted once, then replayed.
        posted = {id(one): one for one in decided if isinstance(one, _Giving)}
        self._store(journal, list(posted.values()))
        return [
            self._bonus(one.outcome, replayed=posted.pop(id(one), None) is None) if isinstance(one, _Giving) else one
            for one in decided
        ]

    def _prepare(self, command: PostBonus) -> _Giving | TesseraError:
        try:
            key = self.ctx.key(command.idempotency_key)
            command = check_bonus(command)
            check_range(command.points, None, self.state.places)
            if command.carried is None or not command.points:
                require_positive(command.points)
        except TesseraError as error:
            return error
        awarded = None if command.awarded_at is None else to_instant(command.awarded_at, self.state.zone)
        fingerprint = fingerprint_of(
            command.relation_reference or "",
            cut(command.points),
            command.bonus_type,
            awarded,
            command.expires,
            command.narration,
            # Of a bonus as ever nothing more, so that its keys stay good.
            *(() if command.carried is None else command.carried.told),
        )
        return _Giving(command, awarded or self.now, key, fingerprint)

    def _load(self, good: Sequence[_Giving]) -> Journal:
        """Members, accounts and keys; the accounts are locked, and what was due on them is booked and stored."""
        journal = Journal(
            self.tx,
            self.state.id,
            self.state.config_version,
            self.now,
            self.ctx.principal.actor,
            self.ctx.source,
        )
        references = sorted({one.reference for one in good})
        led = led_to(self.tx, self.state.id, references)
        self._accounts = journal.lock_accounts(led.values())
        # Read under the lock, so that a status that changed meanwhile counts.
        self._members = self._find(references)
        if led != {name: one.member.id for name, one in self._members.items()}:
            raise MergedMeanwhile
        keys = sorted({one.key for one in good if one.key})
        self._keys.bound = find_keys(self.tx, self.state.id, USE_CASE, keys, self.now)
        if lapsed := [key for key in keys if key not in self._keys.bound]:
            forget_keys(self.tx, self.state.id, USE_CASE, lapsed, self.now)
        journal.flush()
        if is_automatic(self.state.configuration):
            met = {one.member.id: one.member for one in self._members.values()}
            members = [(member, self._accounts[one]) for one, member in met.items()]
            self._tiering = tiering_of(self.tx, self.state, journal, members)
        return journal

    def _find(self, references: Sequence[str]) -> dict[str, Stored]:
        if not references:
            return {}
        found = find_members(self.tx, self.ctx.services.keys, self.state.id, references=references)
        return {one.asked_for or one.member.relation_reference: one for one in found}

    def _replay(self, one: _Giving, bound: Bound) -> Bonus:
        return self._bonus(bound.replay(one.fingerprint), replayed=True)

    def _give(self, one: _Giving) -> None:
        stored, command = self._members.get(one.reference), one.command
        if stored is None:
            raise MemberNotFound
        if command.carried is not None:
            self._carry(one, stored, command.carried)
            return
        require_earning(stored.member, accrue_cancelled=self.state.terms.accrue_cancelled)
        points = smallest_units(command.points, self.state.places)
        moves = [new_lot(points, one.awarded, self._expiry(one))]
        draft = Draft(
            kind="bonus",
            bucket=BUCKETS[command.bonus_type],
            points=points,
            loyalty_txn_type=command.bonus_type,
            transaction_date=one.awarded,
            moves=moves,
            expires_at=expiry_of(moves),
            narration=encrypt(stored.data_key, command.narration) if command.narration else None,
            source=command.source,
        )
        self._credit(stored, draft)
        one.member_id, one.draft = stored.member.id, draft

    def _carry(self, one: _Giving, stored: Stored, terms: CarriedTerms) -> None:
        account, command = self._accounts[stored.member.id], one.command
        units = smallest_units(abs(command.points), self.state.places)
        one.member_id = stored.member.id
        one.draft = post_carried(
            account,
            terms,
            points=units if command.points > 0 else -units,
            type=command.bonus_type,
            earned_at=one.awarded,
            narration=encrypt(stored.data_key, command.narration) if command.narration else None,
            source=command.source,
            now=self.now,
        )
        if self._tiering is not None and one.draft.bucket in ("spend", "bonus") and one.awarded <= self.now - ROLLING:
            self._tiering.leave_out(account, units)

    def _credit(self, stored: Stored, draft: Draft) -> None:
        """Post the bonus, and give the member the tier that it leads to."""
        account, tiering = self._accounts[stored.member.id], self._tiering
        if tiering is None:
            account.credit(draft, self.now)
            return
        # All of it or nothing: the bonuses of the levels are posted one by one.
        account.check_room(draft.points + tiering.most_bonus)
        account.credit(draft, self.now)
        if draft.bucket == "bonus" and draft.transaction_date <= self.now - ROLLING:
            tiering.leave_out(account, draft.points)
        tiering.assess(stored.member, account)

    def _expiry(self, one: _Giving) -> datetime:
        last_day = one.command.expires
        own = None if last_day is None else ExpiryOverride(last_day=last_day)
        return expires_at(self.state.configuration.expiry, one.awarded, self.state.zone, own)

    def _store(self, journal: Journal, posted: Sequence[_Giving]) -> None:
        journal.write_down()
        if self._tiering is not None:
            self._tiering.write_down(journal)
        self._keys.binding |= {one.key: Bound(one.fingerprint, one.outcome) for one in posted if one.key}
        bind_keys(journal.bulk, self.state.id, USE_CASE, self._keys.binding, self.now)
        journal.bulk.store()

    def _bonus(self, outcome: dict[str, Any], *, replayed: bool) -> Bonus:
        return Bonus(
            entry_id=outcome["entry_id"],
            member_id=outcome["member_id"],
            external_reference=UUID(outcome["reference"]),
            points=from_minor(outcome["points"], self.state.places),
            replayed=replayed,
        )
