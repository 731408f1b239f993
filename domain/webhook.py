"""Webhooks as Standard Webhooks has them: secrets, signatures, and where they may go. Pure."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from domain.errors import InvalidRequest, WebhookAddressRefused
from domain.network import Network, is_allowed, read_address

SECRET_PREFIX = "whsec_"  # noqa: S105 - how every secret begins
_SECRET_BYTES = 32
MAX_URL = 2000

_LOOPBACK = ip_address("127.0.0.1")


def new_secret() -> str:
    """A fresh secret: 256 random bits."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(secret_texts: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that a message is sent under: one signature by each secret, so that either proves where it is from.

    `message_id` is the same each time that the message is tried; `at` is the instant of this time.
    """
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(one, signed) for one in secret_texts),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def check_url(url: str, *, https_only: bool, own_networks: Sequence[Network]) -> None:
    """Raise InvalidRequest where this is no address that can be posted to, WebhookAddressRefused where it may not be.

    Names are looked up each time that something is posted, so that this is no promise.
    """
    if not 0 < len(url) <= MAX_URL or not all("!" <= letter <= "~" and letter != "\\" for letter in url):
        raise InvalidRequest(f"url: 1 to {MAX_URL} characters of ASCII, without blanks", field="url")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidRequest("url: cannot be read", field="url") from None
    if parts.scheme not in {"https", "http"} or not host or port == 0:
        raise InvalidRequest("url: https:// and a host", field="url")
    if "@" in parts.netloc or "#" in url:
        raise InvalidRequest("url: neither a user nor a fragment", field="url")
    if https_only and parts.scheme != "https":
        raise WebhookAddressRefused("only https", field="url")
    address = _LOOPBACK if _is_local(host) else read_address(host)
    if address is not None and not is_allowed(address, own_networks):
        raise WebhookAddressRefused("a network that nothing is sent to", field="url")


def _is_local(host: str) -> bool:
    name = host.rstrip(".")
    return name == "localhost" or name.endswith(".localhost")
