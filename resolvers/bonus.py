"""Use cases of bonuses: points that are given for another reason than a purchase."""

from collections.abc import Sequence

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import ApprovalNeeded, BadRequest, Forbidden, TesseraError
from domain.points import plain
from domain.store.entry import balances_around
from domain.store.program import ProgramState
from resolvers.bonus_run import BUCKETS, Bonus, Bonuses, PostBonus, check_bonus
from resolvers.carried_lot import CarriedTerms
from resolvers.context import Context
from resolvers.movement import require_key
from resolvers.points_note import note_points

__all__ = ["BUCKETS", "Bonus", "CarriedTerms", "PostBonus", "post_bonus", "post_bonuses"]


async def post_bonus(ctx: Context, command: PostBonus) -> Bonus:
    """Give points to one member, once for each key; what would have expired already expires in the same step.

    Where tiers are automatic, the member goes up with it if the points are enough.
    Raises Forbidden, SecondFactorNeeded, BadRequest, InvalidRequest (type), PointsNotPositive, ApprovalNeeded (an
    administrator, as many points as the program has two decide about), KeyReused, MemberNotFound,
    MemberSuspended, MemberCancelled, MembershipBlocked, AccrualNotAllowed, InvalidRequest (decimals; no room).
    """
    ctx.principal.require(Permission.POINTS_AWARD)
    ctx.principal.require_proof()
    if not command.relation_reference:
        raise BadRequest("RelationReference: is missing", field="relation_reference")
    ctx.key(command.idempotency_key)
    check_bonus(command)

    def body(tx: Connection) -> Bonus | TesseraError:
        state = ctx.program_in_force(tx)
        require_key(state, command.idempotency_key)
        limit = state.terms.adjustment_approval_from
        if ctx.is_by_hand and limit is not None and command.points >= limit:
            raise ApprovalNeeded(f"from {plain(limit)} points on: adjust the balance, which another approves")
        [outcome] = Bonuses(tx, ctx, state, ctx.services.clock()).post([command])
        if isinstance(outcome, TesseraError) and not (command.idempotency_key and outcome.binds_key):
            raise outcome
        if ctx.is_by_hand and not isinstance(outcome, TesseraError) and not outcome.replayed:
            balances = balances_around(tx, state.id, outcome.entry_id)
            told = {"bonus_type": command.bonus_type, "entry": outcome.entry_id}
            note_points(tx, ctx, state, "points.award", outcome.member_id, balances, points=outcome.points, **told)
        return outcome

    result = await ctx.write(body)
    if isinstance(result, TesseraError):
        raise result
    return result


def post_bonuses(
    tx: Connection, ctx: Context, state: ProgramState, commands: Sequence[PostBonus]
) -> list[Bonus | TesseraError]:
    """Post many bonuses in this database transaction: a bonus or a refusal each, in order. Raises Forbidden.

    Rows of files have their line for a key, so a program that wants keys has none of them refused. Lots that are
    carried over, which may be debts as well, are for who may adjust points: not for what partners send.
    """
    ctx.principal.require(Permission.POINTS_AWARD)
    may_carry = Permission.POINTS_ADJUST in ctx.principal.permissions
    allowed = [one for one in commands if one.carried is None or may_carry]
    outcomes = iter(Bonuses(tx, ctx, state, ctx.services.clock()).post(allowed))
    return [
        next(outcomes) if one.carried is None or may_carry else Forbidden("lots are carried over on the platform alone")
        for one in commands
    ]
