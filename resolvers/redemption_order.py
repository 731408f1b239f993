"""From the command `RedeemPoints` to an order that the database can run, and from its outcome to an error."""

import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from domain.errors import (
    BY_CODE,
    BadRequest,
    BelowMinimum,
    HeldForReview,
    InvalidRequest,
    KeyReused,
    MerchantMissing,
    PointsNotPositive,
    TesseraError,
)
from domain.idempotency_key import SEPARATOR
from domain.ledger.redemption import RedemptionOrder
from domain.points import MAX_POINTS, NotAMultiple, cut, from_minor, plain, redeemable_minor, to_minor
from domain.program_zone import local_date, start_of_day
from domain.store.idempotency import fingerprint_of
from domain.store.program import ProgramState
from resolvers.context import Context

_MAX_MERCHANT = 200

GUID_KEY = f"{SEPARATOR}guid:"
"""Before a client-chosen reference that serves as the key; no client's own key can begin so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RedeemPoints:
    """Redeem points, all or nothing.

    `external_reference` is a client-chosen GUID; it serves as the key where no key is given.
    `merchant_name` and `loyalty_txn_type` None with `use_defaults`: the program's own.
    """

    relation_reference: str | None
    points: Decimal
    amount: Decimal | None = None
    merchant_name: str | None = None
    loyalty_txn_type: int | None = None
    use_defaults: bool = False
    currency: str = "DEFAULT"
    external_reference: UUID | None = None
    idempotency_key: str | None = None


def order_of(ctx: Context, state: ProgramState, command: RedeemPoints, reference: str, guid: UUID) -> RedemptionOrder:
    """The checked order. Raises BadRequest, InvalidRequest, MerchantMissing, PointsNotPositive."""
    terms = state.terms
    key = _key(ctx, command, state)
    check_range(command.points, command.amount, state.places)
    merchant = merchant_of(command.merchant_name, state, use_default=command.use_defaults)
    given_type = command.loyalty_txn_type
    txn_type = terms.default_loyalty_txn_type if given_type is None else given_type
    points, refusal = _points(command.points, txn_type, state)
    amount = None if command.amount is None else plain(command.amount)
    now = ctx.services.clock()
    return RedemptionOrder(
        program_id=state.id,
        config_version=state.config_version,
        reference=reference,
        currency=command.currency,
        points=points,
        refusal=refusal.code if refusal else None,
        refusal_binds=refusal.binds_key if refusal else False,
        key=key,
        fingerprint=fingerprint_of(
            reference,
            command.currency,
            cut(command.points),
            merchant,
            txn_type,
            amount,
            command.external_reference,
        ),
        guid=guid,
        loyalty_txn_type=txn_type if refusal is not InvalidRequest else 0,
        merchant=merchant,
        amount=amount,
        source=ctx.source,
        actor=ctx.principal.actor,
        now=now,
        window_s=terms.duplicate_window_s,
        day_start=start_of_day(local_date(now, state.zone), state.zone),
        most_a_day=state.configuration.fraud.redemption.max_per_day,
    )


def _key(ctx: Context, command: RedeemPoints, state: ProgramState) -> str | None:
    key = ctx.key(command.idempotency_key)
    if key is None and command.external_reference is not None:
        key = ctx.own_key(f"{GUID_KEY}{command.external_reference}")
    if key is None and state.terms.require_key:
        raise BadRequest("an idempotency key is needed", field="idempotency_key")
    return key


def check_range(points: Decimal, amount: Decimal | None, places: int) -> None:
    """Refuse figures that cannot be stored, then a negative amount. Raises BadRequest, InvalidRequest."""
    if not points.is_finite() or abs(points) > from_minor(MAX_POINTS, places):
        raise BadRequest("Points: out of range", field="points")
    if amount is not None and not (amount.is_finite() and abs(amount) <= MAX_POINTS):
        raise BadRequest("Amount: out of range", field="amount")
    if amount is not None and amount < 0:
        raise InvalidRequest("Amount: must not be negative", field="amount")


def merchant_of(given: str | None, state: ProgramState, *, use_default: bool) -> str:
    """The merchant as stored: the given one, or the program's own. Raises BadRequest, MerchantMissing."""
    given = unicodedata.normalize("NFC", given or "").strip()
    if given:
        if len(given) > _MAX_MERCHANT:
            raise BadRequest(f"MerchantName: longer than {_MAX_MERCHANT} characters", field="merchant_name")
        if any(unicodedata.category(one) == "Cc" for one in given):
            raise BadRequest("MerchantName: control characters are not accepted", field="merchant_name")
        return given
    if use_default:
        return state.merchant
    raise MerchantMissing(field="merchant_name")


def _points(asked: Decimal, txn_type: int, state: ProgramState) -> tuple[int, type[TesseraError] | None]:
    """Smallest units, and the refusal that waits until the member's state was checked."""
    if cut(asked) <= 0:
        raise PointsNotPositive(field="points")
    try:
        points = redeemable_minor(asked, state.places)
    except NotAMultiple:
        return 0, InvalidRequest
    if txn_type not in state.terms.redemption_types:
        return points, InvalidRequest
    if points < state.terms.redemption_minimum_minor:
        return points, BelowMinimum
    most = state.configuration.fraud.redemption.max_points
    return points, HeldForReview if most is not None and points > to_minor(most, state.places) else None


def refusal_of(outcome: str, state: ProgramState, command: RedeemPoints) -> TesseraError:
    """The error that an outcome of the redemption stands for."""
    if outcome == "twice":
        return KeyReused("an equal redemption was made within the program's window; send a key to mean it")
    if outcome == "998" and command.loyalty_txn_type not in {None, *state.terms.redemption_types}:
        return InvalidRequest("LoyaltyTxnType: not one of the program's redemption types", field="loyalty_txn_type")
    if outcome == "998":
        return InvalidRequest(f"Points: more than {state.places} decimals", field="points")
    if outcome == "125":
        return BelowMinimum(f"minimum {state.terms.redemption_minimum}")
    return BY_CODE[outcome]()
