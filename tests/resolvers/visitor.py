"""What the tests of sessions share: an app with its program's publishable key, and what its tokens are good for."""

from dataclasses import replace

from domain.errors import TesseraError
from resolvers.context import Context, Services
from resolvers.program import apply_configuration
from resolvers.publishable import authenticate_app
from resolvers.session import StartByPassword, start_by_password
from resolvers.session_refresh import RefreshSession, refresh_session
from resolvers.session_token import SessionTokens
from resolvers.subject import Named
from resolvers.token import authenticate
from tests.resolvers.conftest import RULES, Shop
from tests.resolvers.mailbox import PASSWORD

SIGN_IN_URL = "https://shop.example/sign-in"
ANYWHERE = "203.0.113.7"


async def app_of(shop: Shop, number: int = 0) -> Context:
    """Whoever holds the publishable key of a program."""
    principal = await authenticate_app(shop.services, shop.credentials[number].publishable_key)
    return replace(shop.contexts[number], principal=principal)


async def with_links(ctx: Context) -> None:
    """Give a program the page that links lead to."""
    await apply_configuration(ctx, RULES.replace(b"redemption_minimum: 1", f"sign_in_url: {SIGN_IN_URL}".encode()))


async def sign_in(app: Context, reference: str = "ANN", password: str = PASSWORD, **more: str) -> SessionTokens:
    """Sign in with a password."""
    return await start_by_password(app, StartByPassword(named=Named(reference=reference), password=password, **more))


async def refreshed(app: Context, tokens: SessionTokens, key: str | None = None) -> SessionTokens:
    """Exchange the refresh token."""
    return await refresh_session(app, RefreshSession(refresh_token=tokens.refresh_token, idempotency_key=key))


async def refresh_code(app: Context, tokens: SessionTokens, key: str | None = None) -> str:
    """The code that exchanging the refresh token is answered with."""
    try:
        await refreshed(app, tokens, key)
    except TesseraError as error:
        return error.code
    return "000"


async def access_code(services: Services, tokens: SessionTokens) -> str:
    """The code that a call with the access token is answered with."""
    try:
        await authenticate(services, tokens.access_token)
    except TesseraError as error:
        return error.code
    return "000"
