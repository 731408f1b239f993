"""What posts signed requests to addresses that programs name, as the use cases see it; the shell has the carrier."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class NoAnswer(Exception):
    """Nothing was answered; whether the request arrived is unknown. The message holds nothing of the request."""


class AddressRefused(NoAnswer):
    """The address is in a network that nothing is sent to: the request was not made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a receiver answered: at most as much of its body as was asked for. `retry_after_s`: when it wants more."""

    status: int
    body: bytes = b""
    retry_after_s: int | None = None

    @property
    def is_success(self) -> bool:
        """Whether it took what was sent: a redirection is none."""
        return 200 <= self.status < 300


class Carrier(Protocol):
    """Posts to addresses of receivers, which it looks up and checks each time."""

    def check(self, url: str) -> None:
        """Raise InvalidRequest, WebhookAddressRefused where nothing would be posted there."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, *, most_bytes: int = 0) -> Answer:
        """Post a body, and read at most so much of the answer's. Raises AddressRefused, NoAnswer."""
