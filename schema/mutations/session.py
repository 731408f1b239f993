"""Mutations by which members sign in and go on, called with the program's publishable key."""

import strawberry

from domain.errors import BadRequest
from resolvers.session import StartByCode, StartByLink, StartByPassword, start_by_code, start_by_link, start_by_password
from resolvers.session_refresh import RefreshSession, refresh_session
from resolvers.session_send import SendToSignIn, send_session_code, send_session_link
from resolvers.subject import Named
from schema.context import Info
from schema.field import mutation
from schema.mutations.idempotency import read_key
from schema.types.session import SessionTokensPayload, to_tokens

_NEEDS = "Needs the header `X-Publishable-Key`; a token beside it says nothing."
_SAFE = (
    "Makes a repetition harmless, for five minutes: a random text of its own for each attempt, never shown to anybody."
)


@strawberry.input(description="A member who wants to sign in: by reference, or by e-mail address.")
class SessionSendInput:
    relation_reference: str | None = strawberry.field(default=None, description="The member's reference.")
    email: str | None = strawberry.field(default=None, description="The member's e-mail address.")
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.input(description="A member, by reference or by e-mail address, and its password.")
class SessionStartByPasswordInput:
    password: str = strawberry.field(description="The password.")
    relation_reference: str | None = strawberry.field(default=None, description="The member's reference.")
    email: str | None = strawberry.field(default=None, description="The member's e-mail address.")
    idempotency_key: str | None = strawberry.field(default=None, description=_SAFE)


@strawberry.input(description="A member, by reference or by e-mail address, and the code that it was sent.")
class SessionStartByCodeInput:
    code: str = strawberry.field(description="The code.")
    relation_reference: str | None = strawberry.field(default=None, description="The member's reference.")
    email: str | None = strawberry.field(default=None, description="The member's e-mail address.")
    idempotency_key: str | None = strawberry.field(default=None, description=_SAFE)


@strawberry.input(description="What a link that was mailed brings along.")
class SessionStartByLinkInput:
    token: str = strawberry.field(description="What stands behind `#token=` in the address.")
    idempotency_key: str | None = strawberry.field(default=None, description=_SAFE)


@strawberry.input(description="A refresh token to exchange.")
class SessionRefreshInput:
    refresh_token: str = strawberry.field(description="The newest refresh token of the session.")
    idempotency_key: str | None = strawberry.field(default=None, description=_SAFE)


@strawberry.type(description="That it was done. It says nothing about whether there is such a member.")
class SessionSendPayload:
    done: bool = strawberry.field(description="True: everything else is an error.")
    replayed: bool = strawberry.field(description="The idempotency key had run before: nothing was sent again.")


@strawberry.type
class SessionMutation:
    @mutation(f"Send a member a one-time code to sign in with, to an address of its own. {_NEEDS}")
    async def session_code_send(self, info: Info, input: SessionSendInput) -> SessionSendPayload | None:
        sent = await send_session_code(await info.context.app(), _to_send(input, info))
        return SessionSendPayload(done=True, replayed=sent.replayed)

    @mutation(f"Mail a member a link to sign in with, which leads to the program's `sign_in_url`. {_NEEDS}")
    async def session_link_send(self, info: Info, input: SessionSendInput) -> SessionSendPayload | None:
        sent = await send_session_link(await info.context.app(), _to_send(input, info))
        return SessionSendPayload(done=True, replayed=sent.replayed)

    @mutation(f"Sign in with a password. {_NEEDS}")
    async def session_start_by_password(
        self, info: Info, input: SessionStartByPasswordInput
    ) -> SessionTokensPayload | None:
        command = StartByPassword(
            named=_named(input),
            password=input.password,
            address=info.context.visit.address,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        return to_tokens(await start_by_password(await info.context.app(), command), info.context)

    @mutation(f"Sign in with the code of `sessionCodeSend`, once. {_NEEDS}")
    async def session_start_by_code(self, info: Info, input: SessionStartByCodeInput) -> SessionTokensPayload | None:
        command = StartByCode(
            named=_named(input),
            code=input.code.strip(),
            address=info.context.visit.address,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        return to_tokens(await start_by_code(await info.context.app(), command), info.context)

    @mutation(f"Sign in with the link of `sessionLinkSend`, once. {_NEEDS}")
    async def session_start_by_link(self, info: Info, input: SessionStartByLinkInput) -> SessionTokensPayload | None:
        command = StartByLink(
            token=input.token.strip(),
            address=info.context.visit.address,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        return to_tokens(await start_by_link(await info.context.app(), command), info.context)

    @mutation(
        "Exchange a refresh token for the next two tokens. One that was exchanged before ends the session, unless it "
        f"comes again with its own idempotency key. {_NEEDS}"
    )
    async def session_refresh(self, info: Info, input: SessionRefreshInput) -> SessionTokensPayload | None:
        command = RefreshSession(
            refresh_token=input.refresh_token, idempotency_key=read_key(input.idempotency_key, info.context)
        )
        return to_tokens(await refresh_session(await info.context.app(), command), info.context)


def _to_send(input: SessionSendInput, info: Info) -> SendToSignIn:
    return SendToSignIn(
        named=_named(input),
        address=info.context.visit.address,
        idempotency_key=read_key(input.idempotency_key, info.context),
    )


def _named(input: SessionSendInput | SessionStartByPasswordInput | SessionStartByCodeInput) -> Named:
    """Who is meant. Raises BadRequest where two names are given: they might be of two members."""
    if input.email is None:
        return Named(reference=input.relation_reference)
    if input.relation_reference is not None:
        raise BadRequest("email: not together with relationReference", field="email")
    return Named(email=input.email)
