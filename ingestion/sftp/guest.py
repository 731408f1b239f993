"""The connections that are open, and how many of which may be."""

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ingestion.sftp.limit import Limits
from ingestion.sftp.protocol import Protocol, SshTransport
from resolvers.sftp_access import Entered

_ANSWERED_S = 0.5
"""A request is noted before it is answered, and nothing tells that its answer has left."""


@dataclass(eq=False)
class Guest:
    """One connection. A stranger until it opens its first session; `seen_at` is of its last request."""

    transport: SshTransport
    socket: socket.socket
    address: str
    came_at: float = field(default_factory=time.monotonic)
    seen_at: float = field(default_factory=time.monotonic)
    entered: Entered | None = None
    sessions: int = 0
    is_stranger: bool = True
    is_dropped: bool = False
    _protocols: list[Protocol] = field(default_factory=list)

    def serve(self, protocol: Protocol) -> None:
        """Begin a session that was admitted."""
        self._protocols = [*(one for one in self._protocols if one.is_alive()), protocol]
        protocol.start()

    @property
    def is_busy(self) -> bool:
        """Whether it has files open, or asked for something just now, to which the answer may be under way."""
        return any(one.file_table for one in self._protocols) or time.monotonic() - self.seen_at < _ANSWERED_S

    def note(self, sessions: int) -> None:
        """It asks for something, or one of its sessions is over."""
        self.seen_at = time.monotonic()
        self.sessions += sessions

    def drop(self) -> None:
        """End the connection at once; its threads notice by themselves."""
        self.is_dropped = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)


@dataclass(slots=True)
class Guests:
    """All connections. Called by all threads."""

    limits: Limits
    _all: set[Guest] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_closing: bool = False

    def make_room(self) -> bool:
        """Whether one more may come, for whom the longest waiting stranger may have to go."""
        with self._lock:
            self._forget_gone()
            strangers = [one for one in self._all if one.is_stranger and not one.is_dropped]
            if len(strangers) >= self.limits.strangers:
                _least_welcome(strangers).drop()
            return len(self._all) < self.limits.connections

    def add(self, guest: Guest) -> None:
        """Remember one who was let in."""
        with self._lock:
            self._all.add(guest)

    def admit(self, guest: Guest) -> bool:
        """Whether one who has proved who it is may open one more session."""
        with self._lock:
            entered = guest.entered
            if entered is None or self._is_closing:
                return False
            inside = [one for one in self._all if one.entered is not None and one.transport.is_alive()]
            own = sum(one.sessions for one in inside if one.entered and one.entered.username == entered.username)
            if own >= self.limits.sessions_of_login or sum(one.sessions for one in inside) >= self.limits.sessions:
                return False
            guest.is_stranger = False
            guest.note(1)
            return True

    def may_open(self) -> bool:
        """Whether files may still be opened."""
        return not self._is_closing

    def drop_late(self) -> None:
        """End the connections of those who did not say in time who they are, or asked for nothing for long."""
        now = time.monotonic()
        with self._lock:
            self._forget_gone()
            for one in self._all:
                is_late = one.is_stranger and now - one.came_at > self.limits.entry_s
                if is_late or now - one.seen_at > self.limits.idle_s:
                    one.drop()

    def inside(self) -> dict[Entered, list[Guest]]:
        """Those who opened a session, by what they came in by."""
        found: dict[Entered, list[Guest]] = {}
        with self._lock:
            for one in self._all:
                if one.entered is not None and not one.is_stranger and not one.is_dropped:
                    found.setdefault(one.entered, []).append(one)
        return found

    def close(self) -> None:
        """Let nobody begin anything any more."""
        self._is_closing = True

    def is_busy(self) -> bool:
        """Whether a transfer is under way."""
        return any(one.is_busy for one in self._everybody() if not one.is_dropped)

    def drop_all(self) -> None:
        """End all connections."""
        for one in self._everybody():
            one.drop()

    def are_gone(self) -> bool:
        """Whether no connection has a thread left."""
        return not any(one.transport.is_alive() for one in self._everybody())

    def _everybody(self) -> Iterable[Guest]:
        with self._lock:
            return list(self._all)

    def _forget_gone(self) -> None:
        self._all = {one for one in self._all if one.transport.is_alive()}


def _least_welcome(strangers: list[Guest]) -> Guest:
    """Who waits longest at the address that most of them come from."""
    counts = Counter(one.address for one in strangers)
    most = max(counts.values())
    return min((one for one in strangers if counts[one.address] == most), key=lambda one: one.came_at)
