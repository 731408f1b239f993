"""GraphiQL from local files: it asks nobody outside, and nothing inline runs."""

from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

_FOLDER = Path(__file__).parent / "graphiql"
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
_FILES = frozenset(file.name for file in _FOLDER.iterdir() if file.suffix in _MEDIA_TYPES)

ASSETS = "/graphql/assets/"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def wants_page(headers: dict[bytes, bytes], query_string: bytes) -> bool:
    """Whether a person in a browser looks in, and no client that wants JSON."""
    asks = any(name in query_string for name in (b"query=", b"documentId=", b"extensions="))
    return b"text/html" in headers.get(b"accept", b"") and not asks


async def send_page(scope: Scope, receive: Receive, send: Send) -> None:
    """The page that loads everything else."""
    await _file("index.html", "no-cache")(scope, receive, send)


async def send_asset(scope: Scope, receive: Receive, send: Send) -> None:
    """A script or a style of the page; only files that are there by name."""
    name = scope["path"].removeprefix(ASSETS)
    if name not in _FILES or scope["method"] not in {"GET", "HEAD"}:
        await Response(status_code=404)(scope, receive, send)
        return
    await _file(name, "public, max-age=86400")(scope, receive, send)


def _file(name: str, caching: str) -> FileResponse:
    path = _FOLDER / name
    headers = {"content-security-policy": CSP, "cache-control": caching, "x-content-type-options": "nosniff"}
    return FileResponse(path, media_type=_MEDIA_TYPES[path.suffix], headers=headers)
