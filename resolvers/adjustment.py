"""Use cases of adjustments: an administrator's correction, with its reason, and with a second's approval."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial

from sqlalchemy import Connection

from domain.access import Permission
from domain.crypto import encrypt
from domain.errors import BadRequest, InsufficientPoints, InvalidRequest, MemberCancelled, TesseraError
from domain.ledger.account import Account
from domain.ledger.expiry import ExpiryOverride, expires_at
from domain.ledger.posting import ADJUSTMENT, Draft, expiry_of, new_lot
from domain.member import CANCELLED
from domain.models.types import to_json
from domain.points import MAX_POINTS, NotAMultiple, from_minor, plain, to_minor
from domain.store.idempotency import fingerprint_of
from domain.store.lot import open_lots
from domain.store.points_request import insert_request
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.movement import Keyed, Locked, Moved, Outcome, free_text, member_with, move_once, require_key
from resolvers.points_note import note_points

MAX_EXPIRY_YEAR = 9000


@dataclass(frozen=True, kw_only=True, slots=True)
class AdjustPoints:
    """Correct a balance by `points`, signed.

    `expires` is the last day of what is given, None: as the program's terms have it.
    """

    relation_reference: str | None
    points: Decimal
    reason: str | None
    expires: date | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjustment:
    """An adjustment: posted (`entry_id`), or waiting for approval (`request_id`). `points` is signed."""

    member_id: int
    points: Decimal
    entry_id: int | None
    request_id: int | None
    replayed: bool = False


async def adjust_points(ctx: Context, command: AdjustPoints) -> Adjustment:
    """Post a correction, or store it as a request where the program wants that approved.

    Every status but Canceled. Raises Forbidden, SecondFactorNeeded, BadRequest (the reason too), InvalidRequest
    (zero, decimals, an expiry of a debit), KeyReused, MemberNotFound, MemberCancelled, InvalidRequest (an expiry in
    the past), InsufficientPoints.
    """
    ctx.principal.require(Permission.POINTS_ADJUST)
    ctx.principal.require_proof()
    if not command.relation_reference:
        raise BadRequest("RelationReference: is missing", field="relation_reference")
    ctx.key(command.idempotency_key)
    reason = free_text(command.reason, "reason")
    if reason is None:
        raise BadRequest("reason: is missing", field="reason")
    result = await ctx.write(partial(_adjust, ctx, replace(command, reason=reason), ctx.services.clock()))
    if isinstance(result, TesseraError):
        raise result
    return Adjustment(
        member_id=result.outcome["member_id"],
        points=from_minor(result.outcome["points"], result.state.places),
        entry_id=result.outcome["entry_id"],
        request_id=result.outcome["request_id"],
        replayed=result.replayed,
    )


def _adjust(ctx: Context, command: AdjustPoints, now: datetime, tx: Connection) -> Moved | TesseraError:
    state = ctx.program(tx)
    require_key(state, command.idempotency_key)
    points = _signed_units(command.points, state.places)
    expiry = _expiry(command, state, now)
    reference = command.relation_reference or ""
    keyed = Keyed(
        use_case="adjust",
        key=ctx.key(command.idempotency_key),
        fingerprint=fingerprint_of(reference, plain(command.points), command.reason, command.expires),
        now=now,
    )
    return move_once(
        tx,
        ctx,
        keyed,
        lambda _: [member_with(tx, ctx, state.id, reference)],
        lambda locked: _decide(locked, ctx, points, command.reason or "", expiry),
    )


def _signed_units(points: Decimal, places: int) -> int:
    if not points.is_finite() or abs(points) > from_minor(MAX_POINTS, places):
        raise BadRequest("points: out of range", field="points")
    if not points:
        raise InvalidRequest("points: must not be zero", field="points")
    try:
        return to_minor(points, places)
    except NotAMultiple as error:
        raise InvalidRequest(f"points: more than {places} decimals", field="points") from error


def _expiry(command: AdjustPoints, state: ProgramState, now: datetime) -> datetime | None:
    """The instant from which on the points of a given date are gone."""
    if command.expires is None:
        return None
    if command.points < 0:
        raise InvalidRequest("expires: a debit does not expire", field="expires")
    if command.expires.year > MAX_EXPIRY_YEAR:
        raise BadRequest("expires: out of range", field="expires")
    terms = state.configuration.expiry
    return expires_at(terms, now, state.zone, ExpiryOverride(last_day=command.expires))


def _decide(locked: Locked, ctx: Context, points: int, reason: str, expiry: datetime | None) -> Outcome:
    [member_id] = locked.member_ids
    stored = locked.members[member_id]
    require_open(locked)
    # Asked here and not before: a repeat is answered like the first time, however late it comes.
    require_ahead(locked, expiry)
    sealed = encrypt(stored.data_key, reason)
    if needs_approval(locked.state, points):
        request_id = insert_request(
            locked.tx,
            locked.state.id,
            member_id=member_id,
            points=points,
            reason=sealed,
            expires_at=expiry,
            requested_by=ctx.principal.actor,
            requested_at=locked.now,
        )
        note(locked, ctx, "points.adjust.request", points, request=request_id)
        return {"member_id": member_id, "points": points, "entry_id": None, "request_id": request_id}
    draft = post_adjustment(locked, points, sealed, expiry)
    note(locked, ctx, "points.adjust", points, draft, entry=draft.id)
    return {"member_id": member_id, "points": points, "entry_id": draft.id, "request_id": None}


def needs_approval(state: ProgramState, points: int) -> bool:
    """Whether an adjustment of so many smallest units waits for a second administrator."""
    least = state.terms.adjustment_approval_from
    return least is not None and from_minor(abs(points), state.places) >= least


def require_open(locked: Locked) -> None:
    """Refuse to adjust the account of a member who is gone for good. Raises MemberCancelled."""
    if locked.members[locked.member_ids[0]].member.status == CANCELLED:
        raise MemberCancelled


def require_ahead(locked: Locked, expiry: datetime | None) -> None:
    """Refuse to give points whose last day is over. Raises InvalidRequest."""
    if expiry is not None and expiry <= locked.now:
        raise InvalidRequest("expires: must not be past", field="expires")


def post_adjustment(
    locked: Locked, points: int, reason: bytes, expiry: datetime | None, detail: dict[str, int] | None = None
) -> Draft:
    """Post an adjustment on the one account that is locked. Raises InsufficientPoints."""
    account = locked.accounts[locked.member_ids[0]]
    told = None if detail is None else to_json(detail)
    if points < 0:
        draft = _take(locked, account, points, reason, told)
    else:
        terms, zone = locked.state.configuration.expiry, locked.state.zone
        moves = [new_lot(points, locked.now, expiry or expires_at(terms, locked.now, zone))]
        given = Draft("adjustment", "other", points, ADJUSTMENT, locked.now, moves, narration=reason, detail=told)
        given.expires_at = expiry_of(moves)
        draft = account.credit(given, locked.now)
    locked.journal.flush()
    return draft


def _take(locked: Locked, account: Account, points: int, reason: bytes, told: str | None) -> Draft:
    if -points > account.available:
        raise InsufficientPoints
    taken = Draft("adjustment", "redeem", points, ADJUSTMENT, locked.now, [], narration=reason, detail=told)
    return account.debit(taken, open_lots(locked.tx, locked.state.id, [account.id])[account.id])


def note(
    locked: Locked, ctx: Context, action: str, points: int, draft: Draft | None = None, **named: int | None
) -> None:
    """An entry of the audit trail; the reason stays with the posting, under the member's key.

    `draft`: the posting, None where the balance is as it was.
    """
    member_id = locked.member_ids[0]
    after = locked.accounts[member_id].balance
    before = after if draft is None else draft.balance_after - draft.points
    note_points(locked.tx, ctx, locked.state, action, member_id, (before, after), points=points, **named)
