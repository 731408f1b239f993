"""What the audit trail tells where somebody moves a member's points by hand: the balance before and after."""

from decimal import Decimal

from sqlalchemy import Connection

from domain.points import from_minor, plain_text
from domain.store.program import ProgramState
from resolvers.context import Context


def note_points(
    tx: Connection,
    ctx: Context,
    state: ProgramState,
    action: str,
    member_id: int,
    balances: tuple[int, int],
    *,
    points: int | Decimal | None = None,
    **told: int | str | None,
) -> None:
    """Write a movement down. `balances` are before and after it, in smallest units, as are `points` that are an int.

    A balance has what is pending, and lacks what is held or owed.
    """
    shown = points if not isinstance(points, int) else from_minor(points, state.places)
    ctx.audit(
        tx,
        action,
        f"member:{member_id}",
        before={"balance": balance_text(state, balances[0])},
        after={
            "balance": balance_text(state, balances[1]),
            **({} if shown is None else {"points": plain_text(shown)}),
            **told,
        },
    )


def balance_text(state: ProgramState, minor: int) -> str:
    """Smallest units as the trail has them: in points, as text."""
    return plain_text(from_minor(minor, state.places))
