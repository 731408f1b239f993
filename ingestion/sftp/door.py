"""What one connection may ask for: to prove who it is, then sessions of SFTP. Everything else is refused by paramiko's
defaults: shells, commands, terminals, forwarded ports, agents, windows, variables."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import TimeoutError as NotAnswered
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from paramiko import Channel, PKey
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_FAILED_RESOURCE_SHORTAGE,
    OPEN_SUCCEEDED,
)
from paramiko.server import ServerInterface

from domain.errors import InvalidCredentials, TesseraError
from ingestion.folder import program_folder
from ingestion.sftp.limit import Limits
from ingestion.sftp.protocol import Protocol
from ingestion.sftp.tree import Tree
from resolvers.context import Services
from resolvers.sftp_access import Entered, enter_by_key, enter_by_password, note_entry

if TYPE_CHECKING:
    from ingestion.sftp.guest import Guest, Guests

ANSWER_LIMIT_S = 30.0
_MOST_CHANNELS = 1000

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """What all connections share. `loop` is the one that the services live in."""

    services: Services
    loop: asyncio.AbstractEventLoop
    data_dir: Path
    limits: Limits

    def ask(self, question: Coroutine[Any, Any, Any]) -> Any:
        """What a use case answers, for a thread that waits. Raises what it raises, NotAnswered."""
        asked = asyncio.run_coroutine_threadsafe(question, self.loop)
        try:
            return asked.result(ANSWER_LIMIT_S)
        except NotAnswered:
            asked.cancel()
            raise


@dataclass(eq=False)
class Door(ServerInterface):
    """Called in the thread of the connection."""

    house: House
    guests: "Guests"
    guest: "Guest"
    _attempts: int = 0
    _channels: int = 0
    _used: set[int] = field(default_factory=set)

    def get_allowed_auths(self, username: str) -> str:
        """The two ways in."""
        return "publickey,password"

    def check_auth_password(self, username: str, password: str | bytes) -> int:
        """Whether name and password are somebody's."""
        text = password if isinstance(password, str) else password.decode(errors="replace")
        address = self.guest.address
        return self._enter(username, lambda: enter_by_password(self.house.services, username, text, address))

    def check_auth_publickey(self, username: str, key: PKey) -> int:
        """Whether the key is one of the login's; paramiko checks the signature of who has it."""
        address = self.guest.address
        return self._enter(username, lambda: enter_by_key(self.house.services, username, key.asbytes(), address))

    def _enter(self, username: str, question: Callable[[], Coroutine[Any, Any, Entered]]) -> int:
        self.guest.entered = None
        self._attempts += 1
        try:
            self.guest.entered = self.house.ask(question())
        except InvalidCredentials:
            _log.info("sftp login refused", username=username[:100], address=self.guest.address)
            if self._attempts < self.house.limits.attempts:
                return AUTH_FAILED
        except (TesseraError, NotAnswered, RuntimeError) as error:
            # Not told as a wrong password: it is none. RuntimeError: the server has just stopped.
            _log.warning("sftp login not answered", address=self.guest.address, reason=str(error))
        if self.guest.entered is None:
            self.guest.drop()
            return AUTH_FAILED
        return AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        """A session, if there is room for one."""
        self._channels += 1
        if kind != "session" or self._channels > _MOST_CHANNELS:
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        if not self.guests.admit(self.guest):
            return OPEN_FAILED_RESOURCE_SHORTAGE
        return OPEN_SUCCEEDED

    def check_channel_subsystem_request(self, channel: Channel, name: str) -> bool:
        """SFTP, once in each channel."""
        entered = self.guest.entered
        if name != "sftp" or entered is None or channel.get_id() in self._used:
            return False
        self._used.add(channel.get_id())
        tree = Tree(program_folder(self.house.data_dir, entered.principal), self.house.limits, self.guests.may_open)
        self.guest.serve(
            Protocol(channel, name, self, tree, self.house.limits.handles, self.guest.note, self.house.services.figures)
        )
        self._tell(entered)
        return True

    def _tell(self, entered: Entered) -> None:
        how = "key" if entered.key_id else "password"
        _log.info("sftp session", username=entered.username, address=self.guest.address, opened_by=how)
        # Nobody waits for it, and the session does without it where the database is away.
        asyncio.run_coroutine_threadsafe(note_entry(self.house.services, entered), self.house.loop)
