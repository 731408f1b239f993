"""The carrier of webhooks: posts to an address that was checked, and to no other.

A name is looked up for each request, all that it leads to is checked, and the connection goes to one of these very
addresses, so that nothing that the name leads to meanwhile is ever connected to. Redirections are not followed, and
proxies of the environment not used: they would look the name up again.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx2

from domain.network import Network, is_allowed, read_address, read_networks
from domain.webhook import check_url
from resolvers.carrier import AddressRefused, Answer, NoAnswer
from tessera.settings import Settings

LIMIT_S = 10.0
"""How long a receiver may take over all: look-up, connection and answer."""
CONNECT_S = 4.0
"""How long one of several addresses may take to be connected to before the next one is tried."""
_LOOKUPS = 8
_LONGEST_RETRY_AFTER_S = 24 * 3600

Lookup: TypeAlias = Callable[[str], Sequence[str]]


def look_up(host: str) -> list[str]:
    """The addresses of a host; blocking. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def _lookups() -> ThreadPoolExecutor:
    # Of its own: a name server that is silent must not keep threads that others wait for.
    return ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="webhook-lookup")


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class HttpCarrier:
    """Posts over HTTP. `networks` are allowed besides the internet."""

    networks: Sequence[Network]
    https_only: bool
    lookup: Lookup = look_up
    # To read the machine's certificates takes longer than all the rest.
    trusted: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    _threads: ThreadPoolExecutor = field(default_factory=_lookups)

    def check(self, url: str) -> None:
        """Raise InvalidRequest, WebhookAddressRefused."""
        check_url(url, https_only=self.https_only, own_networks=self.networks)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, *, most_bytes: int = 0) -> Answer:
        """Post a body, and read at most so much of the answer's. Raises AddressRefused, NoAnswer."""
        try:
            async with asyncio.timeout(LIMIT_S):
                return await self._post(httpx2.URL(url), headers, body, most_bytes)
        except TimeoutError:
            raise NoAnswer(f"no answer within {LIMIT_S:.0f} seconds") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            # Its text may hold parts of the address, which may be a secret.
            raise NoAnswer(f"no connection ({type(error).__name__})") from error

    async def _post(self, url: httpx2.URL, headers: Mapping[str, str], body: bytes, most_bytes: int) -> Answer:
        failure: Exception = NoAnswer("the name has no address")
        for address in await self._addresses(url.host):
            try:
                return await self._post_to(address, url, headers, body, most_bytes)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str) -> Sequence[str]:
        """The addresses of a host, all of which are allowed. Raises AddressRefused, NoAnswer."""
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, self.lookup, host)
        except (OSError, UnicodeError) as error:
            raise NoAnswer("the name has no address") from error
        addresses = [read_address(one) for one in found]
        if not all(one is not None and is_allowed(one, self.networks) for one in addresses):
            raise AddressRefused("a network that nothing is sent to: TESSERA_WEBHOOK_NETWORKS names those besides")
        return found

    async def _post_to(
        self, address: str, url: httpx2.URL, headers: Mapping[str, str], body: bytes, most_bytes: int
    ) -> Answer:
        """Post to this address, under the name of the host: in the request, and to the certificate."""
        own = {
            "host": url.netloc.decode(),
            "user-agent": "Tessera",
            "accept-encoding": "identity",
            "connection": "close",
        }
        limits = httpx2.Timeout(LIMIT_S, connect=CONNECT_S)
        # A client for each request: a connection is shared by nobody who did not check the certificate himself.
        async with (
            httpx2.AsyncClient(timeout=limits, follow_redirects=False, trust_env=False, verify=self.trusted) as client,
            client.stream(
                "POST",
                url.copy_with(host=address),
                content=body,
                headers={**headers, **own},
                extensions={"sni_hostname": url.host},
            ) as answer,
        ):
            content = await _read(answer, most_bytes)
            return Answer(status=answer.status_code, body=content, retry_after_s=_retry_after(answer))


async def _read(answer: httpx2.Response, most_bytes: int) -> bytes:
    content = b""
    if most_bytes:
        async for piece in answer.aiter_raw():
            content += piece
            if len(content) >= most_bytes:
                break
    return content[:most_bytes]


def _retry_after(answer: httpx2.Response) -> int | None:
    text = answer.headers.get("retry-after", "").strip()
    return min(int(text), _LONGEST_RETRY_AFTER_S) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def build_carrier(settings: Settings) -> HttpCarrier:
    """The carrier of a deployment. Outside a sandbox what it sends is encrypted."""
    return HttpCarrier(networks=read_networks(settings.webhook_networks), https_only=settings.is_production)
