"""Origins of browsers' pages, and addresses of pages: how a program may name them."""

from urllib.parse import SplitResult, urlsplit

_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


_OF_APPS = frozenset({"capacitor://localhost", "ionic://localhost"})
"""What pages that are packed into an app come from; nobody can serve one there."""


def read_origin(text: str) -> str:
    """An origin as browsers write it. Raises ValueError with what is wrong."""
    if text in _OF_APPS:
        return text
    parts = _split(text)
    if parts.path or parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError("is no origin: only scheme, host and port, as in https://shop.example")
    return f"{parts.scheme}://{_host(parts)}"


def read_page(text: str) -> str:
    """The address of a page, without a fragment, which a link brings along. Raises ValueError with what is wrong."""
    parts = _split(text)
    if parts.fragment or text.endswith("#"):
        raise ValueError("must have no fragment: the link puts its token there")
    if not text.isascii() or any(letter.isspace() or letter in "<>\"'\\{}" for letter in text):
        raise ValueError("is no address of a page")
    return text


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        is_whole = parts.hostname is not None and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or parts.username is not None or "*" in text or not parts.netloc.isascii() or " " in text:
        raise ValueError("is no address: https://, a host and, if need be, a port; no wildcards")
    # On the way to another machine anybody could change the page, and take what members type into it.
    if parts.scheme != "https" and not (parts.scheme == "http" and _bare_host(parts) in _LOCAL):
        raise ValueError("must begin with https://, or be of this machine (http://localhost)")
    return parts


def _bare_host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    return f"[{host}]" if ":" in host else host


def _host(parts: SplitResult) -> str:
    has_port = parts.port is not None and parts.port != _DEFAULT_PORTS[parts.scheme]
    return f"{_bare_host(parts)}:{parts.port}" if has_port else _bare_host(parts)
