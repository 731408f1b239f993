"""Assessing tiers: after each posting of a run, and by the job that takes tiers away when their time is over."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from domain.ledger.account import Account
from domain.ledger.posting import Draft
from domain.member import Member
from domain.models.types import to_json
from domain.points import from_minor
from domain.rules.model import Configuration
from domain.store.entry import earned_since
from domain.store.journal import Journal
from domain.store.program import ProgramState
from domain.store.tier import MERGE, put_qualified, put_tiers
from domain.tiers import TierDecision, assess, level_of, newly_reached, rank_of
from resolvers.awarding import Awarding
from resolvers.standing import Standing

ROLLING = timedelta(days=365)
# What retention counts in: a member who buys every hour need not be written every hour.
_GRAIN = timedelta(days=1)


@dataclass(slots=True)
class _Tier:
    """The tier of a member as this run leaves it."""

    name: str | None
    qualified_at: datetime | None


@dataclass(slots=True)
class Tiering:
    """Assesses members of one run whose accounts are locked."""

    tx: Connection
    state: ProgramState
    now: datetime
    standing: Standing
    awarding: Awarding
    source: str = "automatic"
    _current: dict[int, _Tier] = field(default_factory=dict)
    _rolling: dict[int, int] = field(default_factory=dict)
    _posted_before: dict[int, int] = field(default_factory=dict)
    _outside: dict[int, int] = field(default_factory=dict)
    _changes: dict[int, tuple[str | None, datetime | None, str]] = field(default_factory=dict)
    _qualified: dict[int, datetime] = field(default_factory=dict)
    is_automatic: bool = field(init=False)
    """Whether postings and days decide; else only people do."""
    most_bonus: int = field(init=False)
    """The upgrade bonuses of all levels, in smallest units: more than an assessment can give."""
    _grain: timedelta = field(init=False)
    """How old a qualification gets before a newer one is written: never older than it is good for."""

    def __post_init__(self) -> None:
        self.is_automatic = is_automatic(self.state.configuration)
        levels = self.state.configuration.tiers.levels if self.is_automatic else ()
        self._grain = min(_GRAIN, timedelta(days=self.state.configuration.tiers.retention_days))
        self.most_bonus = sum(level.upgrade_bonus for level in levels) * int(10**self.state.places)

    def assess(self, member: Member, account: Account) -> list[Draft]:
        """Give the member the tier of its points; the upgrade bonuses, which may lead further up."""
        bonuses: list[Draft] = []
        if not self.is_automatic or self._is_settled(member, account):
            return bonuses
        # Each round reaches a tier that was never reached before, so there are no more rounds than tiers.
        for _ in self.state.configuration.tiers.levels:
            decision = self._decide(member, account)
            self._follow(member, decision)
            if not decision.bonus:
                break
            points = decision.bonus * 10**self.state.places
            detail = {"tier": decision.tier, "levels": list(decision.upgrade_bonus_levels)}
            bonuses.append(self.awarding.bonus(member.id, points, detail))
        return bonuses

    def give(self, member: Member, account: Account, tier: str | None) -> list[Draft]:
        """Give the member a tier by hand; the bonus of the levels that it reaches for the first time.

        Nothing where it has the tier already. Raises InvalidRequest where the account has no room for the bonus.
        """
        if tier == self._tier(member).name:
            return []
        fresh = newly_reached(self.state.configuration.tiers, tier, self.standing.tiers.reached(member.id))
        self._change(member, tier, None if tier is None else self.now, self.source)
        points = sum(level.upgrade_bonus for level in fresh) * 10**self.state.places
        if not points:
            return []
        account.check_room(points)
        return [self.awarding.bonus(member.id, points, {"tier": tier, "levels": [level.name for level in fresh]})]

    def leave_out(self, account: Account, points: int) -> None:
        """Leave points of this run, which are dated before the last year, out of what was earned in it."""
        self._outside[account.id] = self._outside.get(account.id, 0) + points

    def take_over(self, member: Member, tier: str | None, qualified_at: datetime | None) -> None:
        """Let a member stand where another does who became it, if that is better. No bonus: the other had the tier."""
        terms, current = self.state.configuration.tiers, self._tier(member)
        ahead = rank_of(terms, tier) - rank_of(terms, current.name)
        if ahead > 0:
            self._change(member, tier, qualified_at or self.now, MERGE)
        elif not ahead and qualified_at is not None and qualified_at > (current.qualified_at or self.now):
            self._qualify(member.id, qualified_at)

    def put_back(self, member: Member, tier: str | None, qualified_at: datetime | None) -> None:
        """Give a member the tier that it had before another became it."""
        self._change(member, tier, qualified_at, MERGE)

    def standing_of(self, member: Member) -> tuple[str | None, datetime | None]:
        """The tier of a member as this run leaves it, and when it last qualified for it."""
        current = self._tier(member)
        return current.name, current.qualified_at

    def _is_settled(self, member: Member, account: Account) -> bool:
        """Whether the member has the level of its figures from itself, and qualified for it not long ago.

        So it mostly is after a purchase, and a decision would change nothing.
        """
        current, tiers = self._tier(member), self.standing.tiers
        if level_of(self.state.configuration.tiers, *self._figures(member, account)) != current.name:
            return False
        since = current.qualified_at
        return current.name is None or (
            since is not None and self.now - since < self._grain and tiers.is_own(member.id)
        )

    def _figures(self, member: Member, account: Account) -> tuple[Decimal, Decimal | None]:
        """The points that count, and the aggregate where the program's tiers go by one."""
        key = self.state.configuration.tiers.aggregate
        value = None if key is None else self.standing.aggregate(member.id, key, self.now)
        return self._points(member, account), value

    def _decide(self, member: Member, account: Account) -> TierDecision:
        current = self._tier(member)
        return assess(
            self.state.configuration.tiers,
            *self._figures(member, account),
            current.name,
            current.qualified_at,
            self.now,
            self.standing.tiers.reached(member.id),
        )

    def _points(self, member: Member, account: Account) -> Decimal:
        """The points that count: what was earned for good, or in the last year, by whoever is this member by now."""
        others, earned = self.standing.tiers.earned_by_joined(member.id), account.spend + account.bonus
        if self.state.configuration.tiers.window != "rolling_365":
            earned += sum(others.values())
        else:
            if account.id not in self._rolling:
                found = earned_since(self.tx, self.state.id, [account.id, *others], self.now - ROLLING)
                self._rolling[account.id] = sum(found.values())
                posted = sum(one.points for one in account.drafts if one.bucket in {"spend", "bonus"})
                self._posted_before[account.id] = earned - posted
            # What this run posted is not stored yet.
            earned = self._rolling[account.id] + earned - self._posted_before[account.id]
            earned -= self._outside.get(account.id, 0)
        return from_minor(max(0, earned), self.state.places)

    def _tier(self, member: Member) -> _Tier:
        current = self._current.get(member.id)
        if current is None:
            current = self._current[member.id] = _Tier(self.standing.tiers.now(member.id), member.tier_qualified_at)
        return current

    def _follow(self, member: Member, decision: TierDecision) -> None:
        current = self._tier(member)
        if decision.tier != current.name or decision.upgrade_bonus_levels:
            # Who had the tier from another, and has earned it by now, has reached it.
            self._change(member, decision.tier, decision.since, self.source)
        elif decision.since is not None and (
            current.qualified_at is None or decision.since - current.qualified_at >= self._grain
        ):
            self._qualify(member.id, decision.since)

    def _qualify(self, member_id: int, at: datetime) -> None:
        self._current[member_id].qualified_at = at
        if member_id in self._changes:
            # One row is written once.
            tier, _, source = self._changes[member_id]
            self._changes[member_id] = tier, at, source
        else:
            self._qualified[member_id] = at

    def _change(self, member: Member, tier: str | None, qualified_at: datetime | None, source: str) -> None:
        source = self.standing.tiers.set(member.id, self.now, tier, source)
        # Of several changes in one instant the last one counts.
        self._changes[member.id] = tier, qualified_at, source
        self._current[member.id] = _Tier(tier, qualified_at)
        self._qualified.pop(member.id, None)

    def write_down(self, journal: Journal) -> None:
        """Put what changed into the journal's bulk."""
        put_tiers(journal.bulk, self.state.id, self._changes, since=self.now)
        put_qualified(journal.bulk, self.state.id, self._qualified)
        journal.add_events([_tier_event(one, tier, self.now) for one, (tier, *_) in self._changes.items()])


def tiering_of(
    tx: Connection, state: ProgramState, journal: Journal, members: Sequence[tuple[Member, Account]]
) -> Tiering:
    """What assesses these members, whose accounts the journal has locked and flushed."""
    standing = Standing(state)
    standing.load(tx, [member for member, _ in members], [journal.now])
    awarding = Awarding(tx, state, {member.id: account for member, account in members}, journal.now)
    awarding.load()
    return Tiering(tx, state, journal.now, standing, awarding)


def is_automatic(configuration: Configuration) -> bool:
    """Whether a program's tiers are assessed by themselves."""
    return configuration.tiers.assessment == "automatic" and bool(configuration.tiers.levels)


def _tier_event(member_id: int, tier: str | None, now: datetime) -> dict[str, object]:
    """The event of a member who has another tier."""
    payload = to_json({"member_id": member_id, "tier": tier})
    return {"topic": "member.tier_changed", "member_id": member_id, "payload": payload, "created_at": now}
