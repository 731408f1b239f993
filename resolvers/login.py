"""The use case of checking a member's password."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import BadRequest
from domain.member import Member
from domain.store.login import note_login
from resolvers.attempt import Compared, Judged, attempt, judge
from resolvers.context import Context
from resolvers.subject import Named


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class CheckCredentials:
    """A member's reference and what is said to be its password, or the caller's hash of it."""

    relation_reference: str
    password: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """A member who has proved itself. `failed_attempts`: wrong passwords since the login before."""

    member: Member
    logged_in_at: datetime
    failed_attempts: int
    force_change: bool


async def check_credentials(ctx: Context, command: CheckCredentials) -> Login:
    """Check a member's password; five wrong ones in a row lock the member out for a day.

    Raises BadRequest, Forbidden, LoginBlocked (locked out), TooManyRequests, InvalidCredentials; with the right
    password LoginBlocked, MemberSuspended, MemberCancelled, MembershipBlocked.
    """
    for name in ("relation_reference", "password"):
        if not getattr(command, name):
            raise BadRequest(f"{name}: is missing", field=name)
    ctx.principal.require(Permission.MEMBER_AUTHENTICATE)
    named, now = Named(reference=command.relation_reference), ctx.services.clock()

    def settle(tx: Connection, compared: Compared) -> tuple[Judged, bool] | None:
        judged = judge(tx, ctx, named, compared, now)
        if judged is None:
            return None
        if judged.refusal is None and judged.subject.member is not None:
            note_login(tx, ctx.principal.program, judged.subject.member.id, now)
        return judged, compared.kept is not None and compared.kept.force_change

    judged, force_change = await attempt(ctx, named, command.password, settle)
    if judged.refusal is not None or judged.subject.member is None:
        assert judged.refusal is not None  # noqa: S101 - nobody is refused
        raise judged.refusal
    return Login(
        member=judged.subject.member, logged_in_at=now, failed_attempts=judged.failures, force_change=force_change
    )
