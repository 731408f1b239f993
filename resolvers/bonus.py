"""The use case of bonuses: points that are given for another reason than a purchase."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from domain.access import Permission
from domain.crypto import encrypt
from domain.errors import BadRequest, InvalidRequest, TesseraError
from domain.ledger.expiry import ExpiryOverride, expires_at
from domain.ledger.posting import BONUS, PARTNER, PURCHASED, Bucket, Draft, expiry_of, new_lot
from domain.member import Member
from domain.member_status import require_earning
from domain.points import cut, from_minor
from domain.program_zone import to_instant
from domain.store.idempotency import fingerprint_of
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.movement import (
    Keyed,
    Locked,
    Moved,
    Outcome,
    free_text,
    member_with,
    move_once,
    require_key,
    require_positive,
    smallest_units,
)
from resolvers.redemption_order import check_range
from resolvers.tiering import is_automatic, tiering_of

BUCKETS: dict[int, Bucket] = {BONUS: "bonus", PARTNER: "partner", PURCHASED: "purchased"}
"""The bucket of each type of bonus."""

_YEARS = range(1900, 9000)


@dataclass(frozen=True, kw_only=True, slots=True)
class PostBonus:
    """Give points. `awarded_at` is the day or the instant that they count from, None: now.

    `bonus_type`: 2 bonus, 12 from a partner, 13 bought. `expires` is the last day, None: as the program's
    terms have it.
    """

    relation_reference: str | None
    points: Decimal
    bonus_type: int = BONUS
    awarded_at: date | datetime | None = None
    expires: date | None = None
    narration: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Bonus:
    """A bonus as stored."""

    entry_id: int
    member_id: int
    external_reference: UUID
    points: Decimal
    replayed: bool = False


async def post_bonus(ctx: Context, command: PostBonus) -> Bonus:
    """Give points to one member, once for each key; what would have expired already expires in the same step.

    Where tiers are automatic, the member goes up with it if the points are enough.
    Raises BadRequest, Forbidden, InvalidRequest (type), PointsNotPositive, KeyReused, MemberNotFound,
    MemberSuspended, MemberCancelled, MembershipBlocked, AccrualNotAllowed, InvalidRequest (decimals; no room).
    """
    ctx.principal.require(Permission.POINTS_AWARD)
    if not command.relation_reference:
        raise BadRequest("RelationReference: is missing", field="relation_reference")
    ctx.key(command.idempotency_key)
    _check_dates(command)
    checked = replace(command, narration=free_text(command.narration, "narration"))
    if command.bonus_type not in BUCKETS:
        raise InvalidRequest(f"bonus_type: one of {', '.join(map(str, BUCKETS))}", field="bonus_type")
    result = await ctx.write(partial(_give, ctx, checked, ctx.services.clock()))
    if isinstance(result, TesseraError):
        raise result
    return Bonus(
        entry_id=result.outcome["entry_id"],
        member_id=result.outcome["member_id"],
        external_reference=UUID(result.outcome["reference"]),
        points=from_minor(result.outcome["points"], result.state.places),
        replayed=result.replayed,
    )


def _check_dates(command: PostBonus) -> None:
    for name in ("awarded_at", "expires"):
        given: date | None = getattr(command, name)
        if given is not None and given.year not in _YEARS:
            raise BadRequest(f"{name}: out of range", field=name)


def _give(ctx: Context, command: PostBonus, now: datetime, tx: Connection) -> Moved | TesseraError:
    # What the bonus leads to goes by one configuration, aggregates and levels.
    state = ctx.program_in_force(tx)
    require_key(state, command.idempotency_key)
    check_range(command.points, None, state.places)
    require_positive(command.points)
    reference = command.relation_reference or ""
    awarded = None if command.awarded_at is None else to_instant(command.awarded_at, state.zone)
    keyed = Keyed(
        use_case="bonus",
        key=ctx.key(command.idempotency_key),
        fingerprint=fingerprint_of(
            reference, cut(command.points), command.bonus_type, awarded, command.expires, command.narration
        ),
        now=now,
    )
    return move_once(
        tx,
        ctx,
        keyed,
        lambda _: [member_with(tx, ctx, state.id, reference)],
        lambda locked: _post(locked, command, awarded or now),
    )


def _post(locked: Locked, command: PostBonus, awarded: datetime) -> Outcome:
    [member_id] = locked.member_ids
    stored = locked.members[member_id]
    require_earning(stored.member, accrue_cancelled=locked.state.terms.accrue_cancelled)
    points = smallest_units(command.points, locked.state.places)
    moves = [new_lot(points, awarded, _expiry(command, locked.state, awarded))]
    draft = Draft(
        kind="bonus",
        bucket=BUCKETS[command.bonus_type],
        points=points,
        loyalty_txn_type=command.bonus_type,
        transaction_date=awarded,
        moves=moves,
        expires_at=expiry_of(moves),
        narration=encrypt(stored.data_key, command.narration) if command.narration else None,
    )
    _credit(locked, stored.member, draft)
    return {
        "entry_id": draft.id,
        "member_id": member_id,
        "reference": str(draft.external_reference),
        "points": points,
    }


def _credit(locked: Locked, member: Member, draft: Draft) -> None:
    """Post the bonus, and give the member the tier that it leads to."""
    account, journal = locked.accounts[member.id], locked.journal
    if not is_automatic(locked.state.configuration):
        account.credit(draft, locked.now)
        journal.flush()
        return
    tiering = tiering_of(locked.tx, locked.state, journal, [(member, account)])
    # All of it or nothing: the bonuses of the levels are posted one by one.
    account.check_room(draft.points + tiering.most_bonus)
    account.credit(draft, locked.now)
    # A bonus may be dated far back: once it is stored, the window of the tiers counts it or leaves it out.
    journal.flush()
    tiering.assess(member, account)
    tiering.write_down(journal)
    journal.flush()


def _expiry(command: PostBonus, state: ProgramState, awarded: datetime) -> datetime:
    own = None if command.expires is None else ExpiryOverride(last_day=command.expires)
    return expires_at(state.configuration.expiry, awarded, state.zone, own)
