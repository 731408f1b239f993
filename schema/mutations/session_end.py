"""The mutation that ends sessions of members: by the app, the member, the program's server, an administrator."""

import strawberry

from domain.errors import BadRequest
from resolvers.session_end import RevokeSessions, revoke_sessions
from resolvers.session_refresh import end_session
from schema.context import Info
from schema.field import mutation
from schema.global_id import SESSION, decode


@strawberry.input(description="Which sessions to end. A member's own token without anything means its own session.")
class SessionRevokeInput:
    refresh_token: str | None = strawberry.field(
        default=None, description="Any refresh token of the session, with the publishable key; then nothing else."
    )
    session_id: strawberry.ID | None = strawberry.field(default=None, description="One session of the member.")
    all: bool = strawberry.field(default=False, description="All sessions of the member.")
    relation_reference: str | None = strawberry.field(
        default=None, description="The member's reference; null with a member's own token."
    )


@strawberry.type(description="What was ended.")
class SessionRevokePayload:
    revoked: int = strawberry.field(description="How many sessions ended; what had ended before is not counted.")


@strawberry.type
class SessionEndMutation:
    @mutation(
        "End sessions of a member: at once in this process, within a second in all others. Members end their own, "
        "servers and administrators those of any member."
    )
    async def session_revoke(self, info: Info, input: SessionRevokeInput) -> SessionRevokePayload | None:
        if input.refresh_token is not None:
            if input.all or input.session_id is not None or input.relation_reference is not None:
                raise BadRequest("refreshToken: nothing else beside it", field="refresh_token")
            return SessionRevokePayload(revoked=await end_session(await info.context.app(), input.refresh_token))
        ctx = info.context.changing()
        command = RevokeSessions(
            relation_reference=input.relation_reference, session_id=_number(input.session_id, info), all=input.all
        )
        return SessionRevokePayload(revoked=await revoke_sessions(ctx, command))


def _number(given: strawberry.ID | None, info: Info) -> int | None:
    """The session; 0, which none has, for one of another program. Raises BadRequest."""
    if given is None:
        return None
    return decode(given, "session_id").number(SESSION, info.context.ctx.principal.program) or 0
