"""The application of `/portal`: its pages, its assets, and the headers of all of them."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import MethodNotAllowed, PathNotFound
from tessera.portal.configuring.words import FILTERS
from tessera.portal.pages import (
    account,
    administrator,
    approval,
    audit,
    batch,
    catalog,
    configuration,
    credential,
    dashboard,
    entrance,
    export,
    member_account,
    member_action,
    member_identity,
    member_list,
    member_person,
    order,
    partner,
    webhook,
)
from tessera.portal.render import assets, environment
from tessera.portal.route import Page, answer_beside, routes_of

PAGES: Sequence[Page] = (
    *entrance.PAGES,
    *account.PAGES,
    *dashboard.PAGES,
    *member_list.PAGES,
    *member_person.PAGES,
    *member_account.PAGES,
    *member_action.PAGES,
    *member_identity.PAGES,
    *approval.PAGES,
    *configuration.PAGES,
    *catalog.PAGES,
    *order.PAGES,
    *batch.PAGES,
    *export.PAGES,
    *partner.PAGES,
    *webhook.PAGES,
    *credential.PAGES,
    *administrator.PAGES,
    *audit.PAGES,
)
"""Every page and action, by part."""

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", _CSP.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    # Without a referrer browsers say of no form from where it comes, which is how foreign ones are told.
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]
_MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def build_portal_app() -> ASGIApp:
    """The application; it wants `scope["state"]["runtime"]`."""
    environment().filters.update(FILTERS)
    routes = [Route("/portal/static/{name}", _asset), *routes_of(PAGES)]
    handlers = {404: answer_beside(PathNotFound()), 405: answer_beside(MethodNotAllowed())}
    app = Starlette(routes=routes, exception_handlers=handlers)

    async def portal(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_message(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await app(scope, receive, send_message)

    return portal


async def _asset(request: Request) -> Response:
    found = assets().get(request.path_params["name"])
    if found is None:
        return Response("There is no such asset.", 404, media_type="text/plain")
    media_type = _MEDIA_TYPES[request.path_params["name"].rpartition(".")[2]]
    # Its address has its digest.
    return Response(found[0], media_type=media_type, headers={"cache-control": "public, max-age=31536000, immutable"})
