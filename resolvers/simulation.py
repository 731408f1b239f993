"""Trying a transaction out: decided on the very path of a real one, under the rules in force or a draft, never stored.

It runs in a database transaction that cannot write, and locks nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import BadRequest, InvalidRequest, TesseraError
from domain.ids import new_reference
from domain.ledger import posting
from domain.ledger.account import Account
from domain.ledger.chain import GENESIS
from domain.member import ACTIVE, Member, changed, read_values
from domain.points import from_minor
from domain.program_zone import local_date, local_instant
from domain.rules.attributes import by_key
from domain.rules.cap import CapKey, cap_keys
from domain.rules.evaluate import Evaluation, Facts
from domain.rules.explanation import Explanation, explain
from domain.rules.fixed import REFUND, member_definitions
from domain.rules.model import Configuration
from domain.rules.problem import shown
from domain.store.journal import Journal
from domain.store.program import ProgramState
from domain.store.reading import Reading
from resolvers.beneficiary import Beneficiaries
from resolvers.context import Context
from resolvers.draft import read_under_draft
from resolvers.earning import Earnings
from resolvers.entry import EntryLot, entry_lot
from resolvers.recount import aggregates_to_count, count_of_member
from resolvers.standing import Standing
from resolvers.submission import Submission, check_submission
from resolvers.submission_order import SubmitTransaction

_ALWAYS = datetime(1800, 1, 1, tzinfo=UTC)
_NOBODY = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleMember:
    """A member who does not exist. `attributes` are fixed and custom ones by key, raw; enrolled now if not said.

    Nothing was bought or earned before.
    """

    attributes: Mapping[str, Any] = field(default_factory=dict)
    enrolled_at: datetime | None = None
    tier: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulateTransaction:
    """Try out a transaction of the member it names; where it names none, of `member` or anybody.

    An empty `transaction_id` stands for one that is not taken. `draft` is a configuration document, as the text of
    a file or as plain values, joined with what is in force (with `prune`: in its place); None: that alone.
    """

    transaction: SubmitTransaction
    draft: Any = None
    prune: bool = False
    member: SampleMember | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedPosting:
    """A posting that would be made; `explanation` as that of a stored one."""

    kind: str
    bucket: str
    points: Decimal
    lots: Sequence[EntryLot]
    explanation: Explanation | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CapState:
    """A counted cap: `used` before the transaction and `added` by it. `group` None is the program's own."""

    group: str | None
    window: str
    start: date
    limit: int
    used: Decimal
    added: Decimal
    left: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulation:
    """What would become of the transaction; with a `refusal` nothing.

    `points` is what submitting it would answer; `postings` also has what refunds that wait for it would take back,
    and the bonuses for tiers that it leads to.
    `fruitless` are groups whose rules matched and that would give nothing.
    `config_version` is the version in force, over which a draft was laid.
    """

    config_version: int
    is_draft: bool
    refusal: TesseraError | None = None
    points: Decimal = Decimal(0)
    is_parked: bool = False
    postings: Sequence[SimulatedPosting] = ()
    fruitless: Sequence[Explanation] = ()
    caps: Sequence[CapState] = ()
    ignored_keys: Sequence[str] = ()


async def simulate_transaction(ctx: Context, command: SimulateTransaction) -> Simulation:
    """Try out one transaction and write nothing; what submitting it would raise is the `refusal`.

    Raises Forbidden, BadRequest (facts of somebody beside a named member; a refund without its transaction id),
    ConfigurationRefused (the draft), InvalidAttribute, InvalidRequest (facts that cannot be).
    """
    ctx.principal.require(Permission.CONFIGURATION_READ)
    ctx.principal.require(Permission.TRANSACTION_SUBMIT)
    transaction, now = _identified(command.transaction), ctx.services.clock()
    is_named = bool(
        transaction.member_relation_reference or transaction.card_number or transaction.sub_relation_identifier
    )
    if is_named and command.member is not None:
        raise BadRequest("member: only where the transaction names nobody", field="member")

    def body(tx: Connection, live: ProgramState, state: ProgramState) -> Simulation:
        sample = None if is_named else command.member or SampleMember()
        rehearsal = Rehearsal(tx, ctx, state, now, live=live.configuration)
        if sample is not None:
            rehearsal.stand_in, rehearsal.tier = _stand_in(state, sample, now), sample.tier
        return rehearsal.run(transaction, is_draft=state is not live)

    if command.draft is not None:
        return await read_under_draft(ctx, command.draft, body, prune=command.prune)

    def in_force(tx: Connection) -> Simulation:
        live = ctx.program(tx)
        return body(tx, live, live)

    return await ctx.read(in_force)


@dataclass(slots=True, kw_only=True)
class Rehearsal(Earnings):
    """Earnings that nothing comes of. `live` is the configuration whose aggregates are stored.

    `used` is what the caps had counted before the `evaluation`.
    """

    live: Configuration
    stand_in: Member | None = None
    tier: str | None = None
    evaluation: Evaluation | None = None
    used: Mapping[CapKey, int] = field(default_factory=dict)

    def run(self, command: SubmitTransaction, *, is_draft: bool) -> Simulation:
        """What would become of the transaction."""
        if self.stand_in is not None:
            command = replace(command, member_relation_reference=self.stand_in.relation_reference)
        one = check_submission(self.ctx, command, self.state)
        refusal = one if isinstance(one, TesseraError) else self._try(one)
        told = Simulation(config_version=self.state.config_version, is_draft=is_draft, refusal=refusal)
        return told if isinstance(one, TesseraError) or refusal is not None else _simulated(told, one, self)

    def _try(self, one: Submission) -> TesseraError | None:
        self._load([one])
        try:
            self._take(one)
        except TesseraError as refusal:
            return refusal
        return None

    def _members(self, good: Sequence[Submission]) -> list[Member]:
        if self.stand_in is None:
            return Earnings._members(self, good)
        self._beneficiaries = Beneficiaries(self.tx, self.ctx.services.keys, self.state.id)
        self._beneficiaries.assume(self.stand_in)
        return [self.stand_in]

    def _open(self, journal: Journal, members: Sequence[Member]) -> dict[int, Account]:
        if self.stand_in is not None:
            return {_NOBODY: _empty_account(self.state.id)}
        return journal.foresee_accounts(one.id for one in members)

    def _postable(self, one: Submission, member: Member, points: int) -> None:  # noqa: ARG002 - nothing is posted
        return None

    def _new_standing(self, members: Sequence[Member]) -> Standing:
        """Aggregates that the draft defines anew are counted from the member's own transactions."""
        keys = aggregates_to_count(self.live, self.state.configuration)
        standing = Standing(self.state, recounted=frozenset(keys))
        for one in members if keys else ():
            counted = count_of_member(self.tx, self.state.id, one.id, self.state.configuration, self.state.rules, keys)
            standing.suppose(counted)
        return standing

    def _begin(self, members: Sequence[Member]) -> None:
        Earnings._begin(self, members)
        if self.tier is not None:
            self._standing.tiers.set(_NOBODY, _ALWAYS, self.tier, "automatic")

    def _evaluate(self, facts: Facts, used: Mapping[CapKey, int]) -> Evaluation:
        self.used, self.evaluation = used, Earnings._evaluate(self, facts, used)
        return self.evaluation

    def _numbers(self, journal: Journal, count: int) -> list[Reading[None]]:  # noqa: ARG002 - nothing gets a number
        return []


def _identified(transaction: SubmitTransaction) -> SubmitTransaction:
    if transaction.transaction_id:
        return replace(transaction, idempotency_key=None)
    if transaction.transaction_type.upper() == REFUND:
        raise BadRequest("transaction_id: a refund names its purchase by it", field="transaction_id")
    return replace(transaction, transaction_id=str(new_reference()), idempotency_key=None)


def _stand_in(state: ProgramState, sample: SampleMember, now: datetime) -> Member:
    """Raises InvalidAttribute, InvalidRequest."""
    if sample.tier is not None and sample.tier not in {level.name for level in state.configuration.tiers.levels}:
        raise InvalidRequest(f"tier: {shown(sample.tier)} is no level", field="tier")
    enrolled_at = now if sample.enrolled_at is None else local_instant(sample.enrolled_at, state.zone)
    values, _ = read_values(
        by_key(member_definitions(state.configuration)),
        sample.attributes,
        today=local_date(now, state.zone),
        ignore_unknown=False,
        is_new=False,
    )
    somebody = Member(
        id=_NOBODY,
        relation_reference="nobody",
        status=ACTIVE,
        attributes={},
        accrual_allowed=True,
        enrolled_at=enrolled_at,
        tier=sample.tier,
        tier_qualified_at=None if sample.tier is None else now,
    )
    return changed(somebody, values, now)


def _empty_account(program_id: int) -> Account:
    return Account(program_id=program_id, id=_NOBODY, member_id=_NOBODY, version=0, available=0, head_hash=GENESIS)


def _simulated(told: Simulation, one: Submission, rehearsal: Rehearsal) -> Simulation:
    state, evaluation = rehearsal.state, rehearsal.evaluation
    drafts = one.drafts if one.waiting is None else one.waiting.drafts
    fruitless = evaluation.fruitless if evaluation is not None else ()
    explained = (explain({"group": group.group, **group.explanation}, state.config_version) for group in fruitless)
    return replace(
        told,
        points=from_minor(sum(draft.points for draft in drafts), state.places),
        is_parked=one.waiting is not None and one.waiting.is_parked,
        postings=[_posting(draft, state) for draft in (*drafts, *one.taken_back, *one.bonuses)],
        fruitless=[each for each in explained if each is not None],
        caps=[] if evaluation is None else _caps(state, one.at, rehearsal.used, evaluation.counted),
        ignored_keys=one.ignored,
    )


def _posting(draft: posting.Draft, state: ProgramState) -> SimulatedPosting:
    detail = orjson.loads(draft.detail) if draft.detail else {}
    return SimulatedPosting(
        kind=draft.kind,
        bucket=draft.bucket,
        points=from_minor(draft.points, state.places),
        lots=[entry_lot(move.lot, state) for move in draft.moves if move.points > 0],
        explanation=explain(detail, state.config_version),
    )


def _caps(
    state: ProgramState, at: datetime, before: Mapping[CapKey, int], counted: Mapping[CapKey, int]
) -> list[CapState]:
    found = []
    for cap, key in zip(state.rules.caps, cap_keys(state.rules, at), strict=True):
        used, added = max(0, before.get(key, 0)), counted.get(key, 0)
        found.append(
            CapState(
                group=cap.scope or None,
                window=cap.window,
                start=key.start,
                limit=cap.points,
                used=from_minor(used, state.places),
                added=from_minor(added, state.places),
                left=from_minor(max(0, cap.limit - used - added), state.places),
            )
        )
    return found
