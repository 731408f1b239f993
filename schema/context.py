"""What the resolvers of one request share: who asks, from which clocks, and the loaders."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo

import strawberry

from domain.access import PrincipalKind
from domain.errors import BadRequest, TesseraError, TooManyRequests, Unauthorized
from resolvers.access_cache import KnownToken
from resolvers.context import Context
from resolvers.program import get_program_terms
from resolvers.publishable import authenticate_app, refuse_foreign_page
from resolvers.token import authenticate, check_again
from schema.cors import Visit
from schema.loader import Loaders

if TYPE_CHECKING:
    from graphql import DocumentNode


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """One GraphQL request. It holds no database session: every use case opens its own.

    `counts`: the document may ask how long a list is. `last_event_id`: where a subscription is to go on; `event_id`:
    where it is.
    """

    caller: Context | TesseraError
    visit: Visit
    document: "DocumentNode | None" = None
    counts: bool = False
    zone: tzinfo = UTC
    header_key: str | None = None
    request_id: str = ""
    publishable_key: str | None = None
    token: str = ""
    program: int | None = None
    last_event_id: str | None = None
    event_id: str | None = None
    _loaders: Loaders | None = None

    @property
    def ctx(self) -> Context:
        """The call that use cases are handed. Raises Unauthorized."""
        if isinstance(self.caller, TesseraError):
            raise self.caller
        return self.caller

    @property
    def owner(self) -> tuple[int | None, str] | None:
        """Whose the documents of this request are: a caller's, or an app's whose key was good; None for strangers'."""
        if isinstance(self.caller, TesseraError):
            return None if self.publishable_key is None else self.visit.services.access.app(self.publishable_key)
        principal = self.caller.principal
        return principal.program_id, principal.member_reference or principal.actor

    @property
    def loaders(self) -> Loaders:
        """The loaders of this request. Raises Unauthorized."""
        if self._loaders is None:
            self._loaders = Loaders(self.ctx)
        return self._loaders

    async def app(self) -> Context:
        """The call of whoever holds the publishable key, for signing in and out: a token beside it says nothing here.

        Raises Unauthorized, Forbidden, TooManyRequests.
        """
        if self.publishable_key is None:
            raise Unauthorized
        services = self.visit.services
        principal = await authenticate_app(services, self.publishable_key)
        self.visit.program_id = principal.program_id
        await refuse_foreign_page(services, principal, self.visit.origin)
        ctx = Context(services=services, principal=principal, source="graphql", request_id=self.request_id)
        self.zone = ZoneInfo((await get_program_terms(ctx)).time_zone)
        return ctx

    async def visitor(self) -> Context | None:
        """The call of whoever has the publishable key and no good token; None for all others.

        Raises Unauthorized, Forbidden, TooManyRequests.
        """
        is_visitor = isinstance(self.caller, Unauthorized) and self.publishable_key is not None
        return await self.app() if is_visitor else None

    async def recheck(self) -> KnownToken:
        """Who the caller of a subscription is by now. Raises Unauthorized, Forbidden."""
        known = await check_again(self.ctx.services, self.token, program=self.program)
        await refuse_foreign_page(self.ctx.services, known.principal, self.visit.origin)
        self.caller = replace(self.ctx, principal=known.principal)
        return known

    def changing(self) -> Context:
        """The call for a mutation: what was loaded before it may be true no longer. Raises Unauthorized."""
        self._loaders = None
        return self.ctx

    def moving(self) -> Context:
        """The same for what moves points, which an app in a member's hand must send a key with.

        Phones lose answers all the time, and a tap is soon repeated. Raises Unauthorized.
        """
        ctx = self.changing()
        return replace(ctx, needs_key=ctx.principal.kind is PrincipalKind.MEMBER)

    def local(self, instant: datetime) -> datetime:
        """The instant with the offset of the program's zone."""
        return instant.astimezone(self.zone)

    def local_or_none(self, instant: datetime | None) -> datetime | None:
        """`local`, or None for what has not happened."""
        return None if instant is None else instant.astimezone(self.zone)


Info: TypeAlias = strawberry.Info[RequestContext, None]


async def open_context(visit: Visit, headers: Mapping[bytes, bytes], request_id: str) -> RequestContext:
    """The context of a request. A caller without a good token gets one too: its fields refuse then.

    Raises TooManyRequests.
    """
    key = headers.get(b"x-publishable-key")
    context = RequestContext(
        caller=Unauthorized(),
        visit=visit,
        request_id=request_id,
        publishable_key=None if key is None else key.decode("latin-1").strip(),
    )
    try:
        await _identify(context, headers)
    except TooManyRequests:
        raise
    except TesseraError as refusal:
        context.caller = refusal
    return context


async def _identify(context: RequestContext, headers: Mapping[bytes, bytes]) -> None:
    """Find out whom the token names. Raises Unauthorized, BadRequest, ProgramNotFound, Forbidden, TooManyRequests."""
    visit, services = context.visit, context.visit.services
    context.token, context.program = read_credentials(headers)
    principal = await authenticate(services, context.token, program=context.program)
    visit.program_id = principal.program_id
    await refuse_foreign_page(services, principal, visit.origin)
    ctx = Context(services=services, principal=principal, source="graphql", request_id=context.request_id)
    if principal.program_id is not None:
        context.zone = ZoneInfo((await get_program_terms(ctx)).time_zone)
    context.caller = ctx


def read_credentials(headers: Mapping[bytes, bytes]) -> tuple[str, int | None]:
    """The token of a request, and the program that an administrator chose. Raises Unauthorized, BadRequest."""
    return _bearer_token(headers.get(b"authorization", b"")), _program_number(headers.get(b"x-program-id"))


def _bearer_token(header: bytes) -> str:
    scheme, _, token = header.partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token or not token.isascii():
        raise Unauthorized
    return token.decode("ascii")


def _program_number(header: bytes | None) -> int | None:
    """The program that an administrator works in. Raises BadRequest."""
    if header is None:
        return None
    if not (header.isdigit() and len(header) < 19):
        raise BadRequest("X-Program-Id: must be a number")
    return int(header)
