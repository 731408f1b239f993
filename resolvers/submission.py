"""A submitted transaction: the command, its outcome, and what can be checked without the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.errors import BadRequest, InvalidAttribute, InvalidRequest, TesseraError
from domain.ledger.posting import Draft
from domain.member import Member
from domain.points import from_minor
from domain.program_zone import local_instant
from domain.record import record
from domain.rules.attributes import AttributeInvalid, AttributeMissing, by_key, storable, validate_attributes
from domain.rules.evaluate import Evaluation
from domain.rules.fixed import EARN, REFUND
from domain.rules.model import Scalar
from domain.store.idempotency import Bound
from domain.store.program import ProgramState
from domain.store.transaction import HELD, PARKED, POSTED, StoredTransaction
from domain.sub_relation import Pair, SubRelation, read_pair
from resolvers.beneficiary import Value, value_of
from resolvers.context import Context
from resolvers.purchase import Purchase, Waiting
from resolvers.screening import Held
from resolvers.submission_order import SubmitTransaction, fingerprint_of_order, ignores_unknown

_YEARS, _MOST, _ZERO = range(1900, 2200), Decimal(10) ** 15, Decimal(0)


@record
class TransactionOutcome:
    """What a transaction earned, or took back (negative). `external_references` has one per ledger posting.

    `is_parked`: a refund whose purchase has not arrived. `taken_back` (negative), which `points` leaves out: what such
    refunds took of this purchase when it arrived; their postings come last.
    `hold`: `ON HOLD` where all of it waits for a decision, `PARTIAL HOLD` where a part does. `why_nothing`: why
    one that was posted now neither gave nor took points.
    """

    id: int
    transaction_id: str
    member_id: int
    points: Decimal
    entry_ids: Sequence[int]
    external_references: Sequence[UUID]
    replayed: bool = False
    ignored_keys: Sequence[str] = ()
    is_parked: bool = False
    taken_back: Decimal = Decimal(0)
    hold: str | None = None
    why_nothing: str | None = None


@dataclass(slots=True)
class Submission:
    """A transaction whose static checks hold, and what becomes of it. `key` is the idempotency key as stored.

    `is_refund`: whether it takes back in place of earning.
    `why_nothing`: why the rules gave it nothing. `bonuses` are for tiers that it led to, `taken_back` for refunds that
    had waited for it. `held` is what waits for a decision.
    """

    command: SubmitTransaction
    at: datetime
    fingerprint: bytes
    value: Value | None
    key: str | None
    is_refund: bool
    values: dict[str, Scalar] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    member: Member | None = None
    sub_relation: SubRelation | None = None
    stored: StoredTransaction | None = None
    drafts: list[Draft] = field(default_factory=list)
    purchase: Purchase | None = None
    why_nothing: str | None = None
    bonuses: list[Draft] = field(default_factory=list)
    taken_back: list[Draft] = field(default_factory=list)
    waiting: Waiting | None = None
    held: Held | None = None

    @property
    def type(self) -> str:
        """The transaction type as it is stored."""
        return REFUND if self.is_refund else EARN

    @property
    def is_held_whole(self) -> bool:
        """Whether nothing of it is posted before somebody decides."""
        return self.held is not None and self.held.rest is None

    @property
    def bindable(self) -> dict[str, Any]:
        """What its idempotency key stands for, once it is stored."""
        stored, postings = self.stored, [*self.drafts, *self.taken_back]
        return {
            "id": stored.id if stored else None,
            "member_id": stored.member_id if stored else None,
            "points": stored.points if stored else 0,
            "entries": [draft.id for draft in postings],
            "references": [str(draft.external_reference) for draft in postings],
            **({"taken_back": sum(draft.points for draft in self.taken_back)} if self.taken_back else {}),
            **({"parked": True} if stored is not None and stored.status == PARKED else {}),
            **({"hold": self.held.status} if self.held is not None else {}),
        }

    @property
    def facts(self) -> dict[str, Any]:
        """The transaction as the rules see it, once its attributes are read and its member is found."""
        command = self.command
        return {
            **self.values,
            "transaction_id": command.transaction_id,
            "transaction_date": self.at,
            "amount": command.amount,
            "product_code": command.product_code,
            "sub_product_code": command.sub_product_code,
            "member_relation_reference": self.member.relation_reference if self.member else None,
            "transaction_type": self.type,
        }

    @property
    def sub_relation_facts(self) -> dict[str, Any]:
        """What rules may ask of the card or account that the transaction names; nothing where it names none."""
        link = self.sub_relation
        if link is None:
            return {}
        return {"type": link.type, "product_code": link.product_code, "status": link.status}


def check_submission(ctx: Context, command: SubmitTransaction, state: ProgramState) -> Submission | TesseraError:
    """The static checks: BadRequest, then InvalidRequest."""
    # Two ids that look the same are one: the second would earn again.
    if command.transaction_id.strip() != command.transaction_id:
        command = replace(command, transaction_id=command.transaction_id.strip())
    try:
        pair = _check(command)
        key = ctx.key(command.idempotency_key)
    except TesseraError as error:
        return error
    value = None if pair is None else value_of(ctx.services.keys, state.id, pair)
    at = local_instant(command.transaction_date, state.zone)
    fingerprint = fingerprint_of_order(command, at, value, state) if key else b""
    return Submission(command, at, fingerprint, value, key, command.transaction_type.upper() == REFUND)


def _check(command: SubmitTransaction) -> Pair | None:
    if not command.transaction_id:
        raise BadRequest("transaction_id is needed", field="transaction_id")
    pair = read_pair(command.card_number, command.sub_relation_identifier)
    if not command.member_relation_reference and pair is None:
        raise BadRequest(
            "member_relation_reference, card_number or sub_relation_identifier is needed",
            field="member_relation_reference",
        )
    if not command.amount.is_finite() or abs(command.amount) > _MOST:
        raise BadRequest("amount: out of range", field="amount")
    if command.transaction_date.year not in _YEARS:
        raise BadRequest("transaction_date: out of range", field="transaction_date")
    if len(command.transaction_id) > 100:
        raise InvalidRequest("transaction_id: at most 100 characters", field="transaction_id")
    if len(command.member_relation_reference or "") > 100:
        raise InvalidRequest("member_relation_reference: at most 100 characters", field="member_relation_reference")
    if not command.transaction_id.isprintable():
        raise InvalidRequest("transaction_id: invisible characters are not accepted", field="transaction_id")
    if command.amount < 0:
        raise InvalidRequest("amount: must not be negative", field="amount")
    if command.transaction_type.upper() not in {EARN, REFUND}:
        raise InvalidRequest("transaction_type: not one of DR, CR", field="transaction_type")
    return pair


def read_attributes(one: Submission, state: ProgramState) -> None:
    """Check the custom attributes. Raises InvalidAttribute, BadRequest (something mandatory is missing)."""
    try:
        one.values, one.ignored = validate_attributes(
            by_key(state.configuration.transaction_attributes),
            one.command.attributes,
            ignore_unknown=ignores_unknown(one.command, state),
            # A refund names its purchase, which had them.
            require_mandatory=not one.is_refund,
        )
    except AttributeInvalid as error:
        raise InvalidAttribute(str(error), field=error.key) from error
    except AttributeMissing as error:
        raise BadRequest(str(error), field=error.key) from error


def outcome_of(one: Submission, places: int, *, replayed: bool) -> TransactionOutcome:
    """What is answered to a transaction of this run, which is stored."""
    stored, postings = one.stored, [*one.drafts, *one.taken_back] if one.taken_back else one.drafts
    if stored is None:
        raise RuntimeError("a transaction without a row has no outcome")
    return TransactionOutcome(
        id=stored.id,
        transaction_id=one.command.transaction_id,
        member_id=stored.member_id,
        points=from_minor(stored.points, places),
        entry_ids=[draft.id for draft in postings if draft.id is not None],
        external_references=[draft.external_reference for draft in postings],
        replayed=replayed,
        ignored_keys=one.ignored,
        is_parked=one.waiting is not None and one.waiting.is_parked,
        taken_back=from_minor(sum([draft.points for draft in one.taken_back]), places) if one.taken_back else _ZERO,
        hold=None if one.held is None else one.held.status,
        why_nothing=None if stored.points else _why_nothing(one),
    )


def _why_nothing(one: Submission) -> str | None:
    """Why a transaction without points has none."""
    if one.waiting is not None:
        return "waits for its purchase" if one.waiting.is_parked else "nothing to take back"
    return one.why_nothing


def why_nothing(evaluation: Evaluation) -> str | None:
    """Why an evaluation gave nothing; None where it gave something."""
    if evaluation.awards:
        return None
    if any(award.cuts for award in evaluation.fruitless):
        return "a cap was reached"
    return "less than the smallest point" if evaluation.fruitless else "no rule matched"


def replay_of(one: Submission, bound: Bound, places: int) -> TransactionOutcome:
    """What was answered to the first transaction with this key. Raises KeyReused, or the refusal that was bound."""
    outcome = bound.replay(one.fingerprint)
    return TransactionOutcome(
        id=outcome["id"],
        transaction_id=one.command.transaction_id,
        member_id=outcome["member_id"],
        points=from_minor(outcome["points"], places),
        entry_ids=outcome["entries"],
        external_references=[UUID(one) for one in outcome["references"]],
        replayed=True,
        is_parked=outcome.get("parked", False),
        taken_back=from_minor(outcome.get("taken_back", 0), places),
        hold=outcome.get("hold"),
    )


def row_of(one: Submission, state: ProgramState, ctx: Context, now: datetime, row_id: int) -> StoredTransaction:
    """The row of a transaction whose postings are known."""
    command = one.command
    is_unique = state.terms.unique_transaction_id and not one.is_refund
    is_parked = one.waiting is not None and one.waiting.is_parked
    return StoredTransaction(
        program_id=state.id,
        id=row_id,
        member_id=one.member.id if one.member else 0,
        transaction_id=command.transaction_id,
        unique_transaction_id=command.transaction_id if is_unique else None,
        type=one.type,
        status=PARKED if is_parked else HELD if one.is_held_whole else POSTED,
        refunded=one.purchase.refunded if one.purchase is not None else Decimal(0),
        amount=command.amount,
        transaction_date=one.at,
        product_code=command.product_code,
        sub_product_code=command.sub_product_code,
        attributes=dict(storable(one.values)),
        points=sum([draft.points for draft in one.drafts]),
        config_version=state.config_version,
        source=command.source or ctx.source,
        actor=ctx.principal.actor,
        processed_at=now,
    )
