"""What webhooks are signed with, and which addresses they may have."""

from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from domain.errors import InvalidRequest, WebhookAddressRefused
from domain.network import read_networks
from domain.webhook import check_url, new_secret, signed_headers

BODY = '{"type":"points.earned","größe":1}'.encode()


def test_the_official_library_accepts_each_secret_and_no_other() -> None:
    first, second, other = new_secret(), new_secret(), new_secret()
    headers = signed_headers([first, second], "evt_1", datetime.now(UTC), BODY)
    for secret in (first, second):
        assert Webhook(secret).verify(BODY, headers) == {"type": "points.earned", "größe": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(first).verify(BODY + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(first).verify(BODY, headers | {"webhook-id": "evt_2"})


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example",
        "ftp://hooks.example/",
        "https://",
        "https:///hook",
        "https://hooks.example:99999/",
        "https://hooks.example:0/",
        "https://[::1/",
        "https://user@hooks.example/",
        "https://user:secret@hooks.example/",
        "https://hooks.example/#part",
        "https://hooks.example/a b",
        "https://hooks.example/\r\nHost: other",
        "https://hooks.example\\@other.example/",
        "https://höoks.example/",
        "https://hooks.example/" + "a" * 2000,
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_url(url, https_only=False, own_networks=())
    assert refused.value.field == "url"


@pytest.mark.parametrize(
    ("url", "https_only", "allowed"),
    [
        ("https://hooks.example/a?b=c", True, True),
        ("https://hooks.example:8443", True, True),
        ("http://hooks.example/", False, True),
        ("http://hooks.example/", True, False),
        ("https://93.184.216.34/", True, True),
        ("https://10.2.2.3/", True, True),
        ("https://10.1.2.3/", True, False),
        ("https://127.0.0.1:8080/", True, False),
        ("https://localhost/", True, False),
        ("https://LOCALHOST./", True, False),
        ("https://app.localhost/", True, False),
        ("https://[::1]/", True, False),
        ("https://[::ffff:169.254.169.254]/", True, False),
        ("https://169.254.169.254/latest/meta-data", True, False),
    ],
)
def test_addresses_inside_and_in_clear_are_refused(url: str, https_only: bool, allowed: bool) -> None:
    networks = read_networks("10.2.0.0/16")
    if allowed:
        check_url(url, https_only=https_only, own_networks=networks)
    else:
        with pytest.raises(WebhookAddressRefused):
            check_url(url, https_only=https_only, own_networks=networks)
