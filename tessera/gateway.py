"""How mail servers and text gateways are named in the settings. Everything here raises ValueError."""

import json
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

from domain.message import fill

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class MailServer:
    """A mail server: `scheme` smtp (in clear), smtp+starttls or smtps."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None


def read_smtp_url(url: str) -> MailServer:
    """The mail server behind a URL."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("no mail server")
    return MailServer(
        scheme=parts.scheme,
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )


def read_sender(text: str) -> Address:
    """The sender: an address, with a name in front or not."""
    name, address = parseaddr(text)
    if "@" not in address or any(letter in text for letter in "\r\n"):
        raise ValueError("no e-mail address")
    try:
        return Address(display_name=name, addr_spec=address)
    except Exception as error:  # the standard library documents none of those that it raises
        raise ValueError("no e-mail address") from error


def is_web_address(text: str) -> bool:
    """Whether something can be posted there."""
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def read_sms_body(text: str) -> dict[str, Any]:
    """The body for a text gateway, with its placeholders."""
    body = json.loads(text)
    if not isinstance(body, dict) or "{to}" not in text or "{text}" not in text:
        raise ValueError("no JSON object with {to} and {text}")
    return body


def fill_body(body: Any, values: dict[str, str]) -> Any:
    """The body with its placeholders filled in, wherever they stand in a text of it."""
    if isinstance(body, dict):
        return {key: fill_body(value, values) for key, value in body.items()}
    if isinstance(body, list):
        return [fill_body(value, values) for value in body]
    return fill(body, values) if isinstance(body, str) else body
