"""What carries messages to people, as the use cases see it; the shell has the carriers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Outgoing:
    """A message on its way: the channel, the address, the text, and what a sandbox's file shows besides.

    Without an address it is for that file only. `attempt` counts from 1.
    """

    program_id: int
    message_id: int
    attempt: int
    channel: str
    event: str
    language: str
    to: str | None
    subject: str
    body: str
    details: dict[str, Any]


class Messenger(Protocol):
    """Carries messages. After a crash between a delivery and its note it is handed the same one again."""

    async def deliver(self, message: Outgoing, at: datetime) -> None:
        """Deliver a message; any error means that it was not delivered."""
