"""Webhooks as Standard Webhooks has them: secrets, signatures, and where they may go. Pure."""

import base64
import hmac
import random
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from domain.errors import InvalidRequest, WebhookAddressRefused
from domain.network import Network, is_allowed, read_address

SECRET_PREFIX = "whsec_"  # noqa: S105 - how every secret begins
_SECRET_BYTES = 32
MAX_URL = 2000

GIVEN_UP_AFTER = timedelta(days=3)
"""How long it is tried to deliver an event; then it is dead, and others of its member go on."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _LONGEST_REST_S = 5.0, 4 * 3600.0, 60.0
_JITTER = 0.2

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


def next_attempt(attempts: int, first_tried_at: datetime, now: datetime, retry_after_s: int | None) -> datetime | None:
    """When an event is tried again after so many attempts: ever later, as late as was asked for; None: never.

    The last attempt is at the end of the time that it is tried for.
    """
    given_up_at = first_tried_at + GIVEN_UP_AFTER
    if now >= given_up_at:
        return None
    pause_s = _jittered(min(_FIRST_PAUSE_S * 2 ** min(attempts - 1, 20), _LONGEST_PAUSE_S))
    return min(now + timedelta(seconds=max(pause_s, retry_after_s or 0)), given_up_at)


def rest_until(failures: int, now: datetime) -> datetime:
    """Until when an endpoint is left alone after so many rounds in a row in which nothing arrived."""
    return now + timedelta(seconds=_jittered(min(_FIRST_PAUSE_S * 2 ** min(failures - 1, 20), _LONGEST_REST_S)))


def _jittered(seconds: float) -> float:
    # So that what failed at once does not come back at once.
    return seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - nothing is kept secret by it
