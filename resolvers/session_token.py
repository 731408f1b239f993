"""The two tokens of a member's session: a short one that calls, and one that is exchanged for the next two."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from domain.models.types import to_json
from domain.session import ACCESS_LIFE, refresh_token
from domain.store.credential import credential_generation
from domain.store.session import Session
from resolvers.context import Context
from resolvers.signing import AUDIENCE, ISSUER, key_in_force, sign


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class SessionTokens:
    """What an app goes on with. `force_change`: the member is to choose a new password."""

    session_id: int
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime
    force_change: bool = False
    replayed: bool = False


def tokens_of(
    tx: Connection,
    ctx: Context,
    session: Session,
    reference: str,
    *,
    force_change: bool = False,
    replayed: bool = False,
) -> SessionTokens:
    """The tokens in force of a session: the same bytes whenever they are asked for."""
    services, principal = ctx.services, ctx.principal
    kid = key_in_force(tx, services, principal.environment).kid
    issued = int(session.refreshed_at.timestamp())
    lapses = min(issued + int(ACCESS_LIFE.total_seconds()), int(session.expires_at.timestamp()))
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": f"session:{session.id}",
        "iat": issued,
        "exp": lapses,
        "jti": f"{session.id}.{session.number}",
        "program": principal.public_program_id,
        "partition": principal.program,
        "environment": principal.environment,
        "generation": credential_generation(tx, principal.program),
        "scope": to_json(["LOGIN", reference]),
        "session": session.id,
    }
    refresh = refresh_token(services.keys, principal.program, session.id, session.salt, session.number)
    return SessionTokens(
        session_id=session.id,
        access_token=sign(services, claims, kid),
        access_expires_at=datetime.fromtimestamp(lapses, UTC),
        refresh_token=refresh.text,
        refresh_expires_at=session.expires_at,
        force_change=force_change,
        replayed=replayed,
    )
