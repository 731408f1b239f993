"""The use case of reversing a redemption: whole, exactly once, back to the lots it came from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.catalog_errors import RedemptionOfOrder
from domain.clock import NEVER
from domain.errors import (
    AlreadyReversed,
    BadRequest,
    Forbidden,
    InvalidRequest,
    MemberNotFound,
    MerchantMissing,
    RedemptionNotFound,
    ReferenceOfAnother,
)
from domain.ids import new_reference
from domain.ledger.account import Account
from domain.ledger.posting import Draft
from domain.ledger.reversal import Restored, reverse
from domain.ledger.transfer import move_everything
from domain.models.types import to_json
from domain.points import from_minor
from domain.store.entry import StoredRedemption, find_redemptions
from domain.store.idempotency import bind_key, find_keys, fingerprint_of
from domain.store.journal import Journal
from domain.store.lot import open_lots, taken_lots
from domain.store.member import find_members, led_astray
from domain.store.merge import MergedMeanwhile, merged_ids
from domain.store.order import order_of_redemption
from domain.store.program import ProgramState
from domain.store.reading import read
from resolvers.context import Context
from resolvers.points_note import note_points

USE_CASE = "reverse"

# Python's own reader of UUIDs also takes braces, `urn:` and hyphens anywhere.
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReverseRedemption:
    """Reverse one redemption, whole. `merchant_name` None with `use_defaults`: not compared."""

    relation_reference: str | None
    external_reference: str
    merchant_name: str | None = None
    use_defaults: bool = False
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LotRestored:
    """The receipt of one lot: what went back, and what of it expired in the same step."""

    lot_id: int
    points: Decimal
    expires_at: datetime | None
    expired_points: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Reversal:
    """A reversal as stored, with a receipt per lot."""

    entry_id: int
    member_id: int
    external_reference: UUID
    reverses: UUID
    points: Decimal
    processed_at: datetime
    lots: Sequence[LotRestored] = field(default=())
    replayed: bool = False


async def reverse_redemption(ctx: Context, command: ReverseRedemption) -> Reversal:
    """Give back a redemption to the lots it came from, exactly once.

    Raises BadRequest, Forbidden, MerchantMissing, InvalidRequest, KeyReused, MemberNotFound,
    RedemptionNotFound, ReferenceOfAnother, AlreadyReversed, RedemptionOfOrder.
    """
    if not command.relation_reference or not command.external_reference:
        raise BadRequest("RelationReference and ExternalReference are needed", field="external_reference")
    ctx.principal.require(Permission.REDEMPTION_REVERSE)
    ctx.principal.require_proof()
    if ctx.principal.kind is PrincipalKind.MEMBER:
        raise Forbidden("members do not reverse redemptions")
    if not (command.merchant_name or "").strip() and not command.use_defaults:
        raise MerchantMissing(field="merchant_name")
    if not _GUID.fullmatch(command.external_reference):
        raise InvalidRequest("ExternalReference: not a UUID", field="external_reference")
    guid = UUID(command.external_reference)
    now = ctx.services.clock()
    return await ctx.write(lambda tx: _reverse(tx, ctx, command, guid, now))


def _reverse(tx: Connection, ctx: Context, command: ReverseRedemption, guid: UUID, now: datetime) -> Reversal:
    state = ctx.program(tx)
    key = ctx.key(command.idempotency_key)
    fingerprint = fingerprint_of(command.relation_reference, guid, _fold(command.merchant_name or state.merchant))
    bound = find_keys(tx, state.id, USE_CASE, [key] if key else [], now)
    if key in bound:
        return _reversal(bound[key].replay(fingerprint), guid, state, replayed=True)
    found = find_members(tx, ctx.services.keys, state.id, references=[command.relation_reference or ""])
    if not found:
        raise MemberNotFound
    journal = Journal(tx, state.id, state.config_version, now, ctx.principal.actor, ctx.source)
    account, survivor = _lock(tx, journal, found[0].member.id, guid)
    _check_led(tx, state, {command.relation_reference or "": found[0].member.id})
    if key:  # a twin may have ended while we waited for the account
        bound = find_keys(tx, state.id, USE_CASE, [key], now)
        if key in bound:
            return _reversal(bound[key].replay(fingerprint), guid, state, replayed=True)
    redemption = _checked(tx, command, guid, state, account.id)
    journal.flush()
    holder = survivor or account
    before = holder.balance
    draft, receipts = post_reversal(state, journal, redemption, account, survivor)
    outcome = _outcome(draft, redemption.member_id, receipts, now)
    if ctx.is_by_hand:
        told = {"points": draft.points, "redemption": redemption.entry_id, "entry": draft.id}
        balances = (before, holder.balance)
        note_points(tx, ctx, state, "redemption.reverse", redemption.member_id, balances, **told)
    if key:
        bind_key(tx, state.id, USE_CASE, key, fingerprint, outcome, now)
    return _reversal(outcome, guid, state)


def post_reversal(
    state: ProgramState,
    journal: Journal,
    redemption: StoredRedemption,
    account: Account,
    survivor: Account | None,
) -> tuple[Draft, list[Restored]]:
    """Give back a redemption that stands. The account that redeemed is locked, and with it the `survivor`'s.

    That is who answers for it since a merge, and gets the points.
    """
    tx, now = journal.tx, journal.now
    draft, receipts = reverse(
        account,
        redemption.entry_id,
        taken_lots(tx, state.id, redemption.entry_id),
        policy=state.terms.reversal_of_expired,
        grace=timedelta(days=state.terms.reversal_grace_days),
        now=now,
        merchant=redemption.merchant,
        detail=to_json({"reverses": str(redemption.external_reference).upper()}),
    )
    journal.flush()
    if survivor is not None:
        lots = open_lots(tx, state.id, [account.id])[account.id]
        move_everything(account, survivor, lots, now=now, references=(new_reference(), new_reference()))
        journal.flush()
    return draft, receipts


def _check_led(tx: Connection, state: ProgramState, led: dict[str, int]) -> None:
    if read(tx, led_astray(state.id, led)):
        raise MergedMeanwhile


def _lock(tx: Connection, journal: Journal, member_id: int, guid: UUID) -> tuple[Account, Account | None]:
    """The account that redeemed, and the member's own where somebody redeemed for whom it answers since a merge."""
    found = find_redemptions(tx, journal.program_id, references=[guid])
    owner_id = found[0].member_id if found else member_id
    if owner_id not in merged_ids(tx, journal.program_id, [member_id]):
        return journal.lock_accounts([member_id])[member_id], None
    accounts = journal.lock_accounts([member_id, owner_id])
    return accounts[owner_id], accounts[member_id]


def _outcome(draft: Draft, member_id: int, receipts: Sequence[Restored], now: datetime) -> dict[str, Any]:
    """What is stored with the key, and all that a repeat is answered from."""
    return {
        "entry_id": draft.id,
        "member_id": member_id,
        "reference": str(draft.external_reference),
        "points": draft.points,
        "at": now.isoformat(),
        "lots": [[one.lot.id, one.points, one.expires_at.isoformat(), one.expired] for one in receipts],
    }


def _checked(
    tx: Connection, command: ReverseRedemption, guid: UUID, state: ProgramState, account_id: int
) -> StoredRedemption:
    """The redemption, if it is this member's, this merchant's, and stands."""
    found = find_redemptions(tx, state.id, references=[guid])
    if not found:
        raise RedemptionNotFound
    redemption = found[0]
    # Only the short form comes without a merchant: the reference alone names the redemption then.
    is_elsewhere = command.merchant_name and _fold(redemption.merchant) != _fold(command.merchant_name)
    if redemption.account_id != account_id or is_elsewhere:
        raise ReferenceOfAnother
    if redemption.reversed_at is not None:
        at = redemption.reversed_at.astimezone(state.zone).replace(tzinfo=None)
        raise AlreadyReversed(f"reversed at {at.isoformat(timespec='milliseconds')}")
    if order_of_redemption(tx, state.id, redemption.entry_id) is not None:
        raise RedemptionOfOrder
    return redemption


def _fold(merchant: str | None) -> str:
    return (merchant or "").strip().casefold()


def _reversal(outcome: dict[str, Any], guid: UUID, state: ProgramState, *, replayed: bool = False) -> Reversal:
    return Reversal(
        entry_id=outcome["entry_id"],
        member_id=outcome["member_id"],
        external_reference=UUID(outcome["reference"]),
        reverses=guid,
        points=from_minor(outcome["points"], state.places),
        processed_at=datetime.fromisoformat(outcome["at"]),
        lots=[_restored(state, *one) for one in outcome["lots"]],
        replayed=replayed,
    )


def _restored(state: ProgramState, lot_id: int, points: int, expires_at: str, expired: int) -> LotRestored:
    instant = datetime.fromisoformat(expires_at)
    return LotRestored(
        lot_id=lot_id,
        points=from_minor(points, state.places),
        expires_at=None if instant >= NEVER else instant,
        expired_points=from_minor(expired, state.places),
    )
