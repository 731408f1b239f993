"""What stands between a browser and a page: cookies, forgery of requests, where one may be sent on to."""

import base64
import hashlib
import hmac
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response

from domain.errors import Forbidden

SESSION_COOKIE, NOTICE_COOKIE, THEME_COOKIE = "tessera_portal", "tessera_notice", "tessera_theme"
THEMES = ("auto", "light", "dark")
ROOT = "/portal"

_NOTICE_S = 30
_MAX_NOTICE = 1000


def session_token(request: Request) -> str | None:
    """The token of the session, if the browser has one."""
    return request.cookies.get(_session_cookie(request))


def keep_session(request: Request, response: Response, token: str) -> None:
    """Give the browser a session, which no script reads and no other site sends."""
    # It ends with the browser, or when the server says so.
    response.set_cookie(
        _session_cookie(request),
        token,
        path="/" if _is_secure(request) else ROOT,
        secure=_is_secure(request),
        httponly=True,
        samesite="lax",
    )


def drop_session(request: Request, response: Response) -> None:
    """Take the session from the browser."""
    path = "/" if _is_secure(request) else ROOT
    response.delete_cookie(_session_cookie(request), path=path, secure=_is_secure(request), httponly=True)


def _session_cookie(request: Request) -> str:
    # Under this prefix browsers take it from this very host only, and over TLS.
    return f"__Host-{SESSION_COOKIE}" if _is_secure(request) else SESSION_COOKIE


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def form_token(session: str) -> str:
    """What every form of a session carries: only pages that were drawn for it have it."""
    digest = hashlib.sha256(f"form:{session}".encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def refuse_foreign(request: Request, *, has_session: bool) -> None:
    """Raise Forbidden for a request that changes something and comes from no page of ours; it is not read then."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin is not None:
        is_ours = urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower() != ""
    else:
        is_ours = site == "same-origin" or (site is None and has_session)
    if not is_ours:
        raise Forbidden("the form is of another site")


def refuse_forgery(session: str | None, given: str | None) -> None:
    """Raise Forbidden for a form that was not drawn for this session."""
    if session is not None and not hmac.compare_digest(form_token(session).encode(), (given or "").encode()):
        raise Forbidden("the form is out of date: load the page again")


def safe_target(text: str | None) -> str:
    """Where to go on to: a page of the portal, whatever was asked for."""
    target = text or ROOT
    parts = urlsplit(target)
    is_ours = not parts.scheme and not parts.netloc and (parts.path == ROOT or parts.path.startswith(f"{ROOT}/"))
    is_plain = target.isascii() and target.isprintable() and not set(target) & set("\\ ") and "//" not in target
    return target if is_ours and is_plain else ROOT


def keep_notice(response: Response, text: str, kind: str = "done") -> None:
    """Have the next page say something."""
    told = base64.urlsafe_b64encode(orjson.dumps([kind, text[:_MAX_NOTICE]])).decode()
    response.set_cookie(NOTICE_COOKIE, told, max_age=_NOTICE_S, path=ROOT, httponly=True, samesite="strict")


def read_notice(request: Request) -> tuple[str, str] | None:
    """What the page before had to say: its kind, and the text."""
    try:
        kind, text = orjson.loads(base64.urlsafe_b64decode(request.cookies[NOTICE_COOKIE]))
    except (KeyError, ValueError, TypeError):
        return None
    is_one = (
        isinstance(kind, str) and kind in {"done", "warning"} and isinstance(text, str) and len(text) <= _MAX_NOTICE
    )
    return (kind, text) if is_one else None


def read_theme(request: Request) -> str:
    """How the pages look: as the system, light or dark."""
    chosen = request.cookies.get(THEME_COOKIE, THEMES[0])
    return chosen if chosen in THEMES else THEMES[0]
