"""What a process remembers of callers, for at most a second: signatures checked, credentials in force."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.access import Principal
from domain.signing import Rotation

FRESH = timedelta(seconds=1)
"""How long a process may go on with a credential that another process has reset."""

_TOKENS = 4096
_SESSIONS = 4096


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token whose signature and claims were checked: they cannot change until it lapses."""

    principal: Principal
    generation: int | None
    lapses_at: datetime
    member_id: int | None = None


@dataclass(frozen=True, slots=True)
class InForce:
    """What a program's tokens have to fit: the generation of its credential, and nobody who was erased lately."""

    generation: int
    erased: frozenset[int]


@dataclass(slots=True)
class AccessCache:
    """Bounded; holds nothing that a look at the database would not give again."""

    _tokens: OrderedDict[str, KnownToken] = field(default_factory=OrderedDict)
    _in_force: dict[int, tuple[InForce, datetime]] = field(default_factory=dict)
    _sessions: OrderedDict[tuple[int, int], datetime] = field(default_factory=OrderedDict)
    _rotations: dict[str, tuple[Rotation, datetime]] = field(default_factory=dict)
    _apps: OrderedDict[str, Principal] = field(default_factory=OrderedDict)
    _asked: dict[int, asyncio.Future[InForce | None]] = field(default_factory=dict)

    def token(self, token: str) -> KnownToken | None:
        """What is known of a token."""
        return self._tokens.get(token)

    def remember(self, token: str, known: KnownToken) -> None:
        """Keep a checked token; the oldest goes when there are too many."""
        self._tokens[token] = known
        if len(self._tokens) > _TOKENS:
            self._tokens.popitem(last=False)

    def app(self, publishable_key: str) -> tuple[int | None, str] | None:
        """Whose publishable key this was when it was last looked at; nothing is allowed by it."""
        known = self._apps.get(publishable_key)
        return None if known is None else (known.program_id, known.actor)

    def remember_app(self, publishable_key: str, principal: Principal) -> None:
        """Keep whose key it is; the oldest goes when there are too many."""
        self._apps[publishable_key] = principal
        if len(self._apps) > _TOKENS:
            self._apps.popitem(last=False)

    def in_force(self, program_id: int, now: datetime) -> InForce | None:
        """What is in force, if it was looked up within the last second."""
        known = self._in_force.get(program_id)
        if known is None or not timedelta(0) <= now - known[1] < FRESH:
            return None
        return known[0]

    def remember_in_force(self, program_id: int, found: InForce, now: datetime) -> None:
        """Keep what the database has now."""
        self._in_force[program_id] = (found, now)

    def session_is_good(self, program_id: int, session_id: int, now: datetime) -> bool:
        """Whether a member's session was looked up within the last second, and went on."""
        known = self._sessions.get((program_id, session_id))
        return known is not None and timedelta(0) <= now - known < FRESH

    def remember_session(self, program_id: int, session_id: int, now: datetime) -> None:
        """Keep that a session goes on; the oldest goes when there are too many."""
        self._sessions[program_id, session_id] = now
        self._sessions.move_to_end((program_id, session_id))
        if len(self._sessions) > _SESSIONS:
            self._sessions.popitem(last=False)

    def forget_session(self, program_id: int, session_id: int) -> None:
        """Look again at once: this process has just ended it."""
        self._sessions.pop((program_id, session_id), None)

    def rotation(self, environment: str, now: datetime) -> Rotation | None:
        """The history of an environment's signing keys, if it was looked up within the last second."""
        known = self._rotations.get(environment)
        if known is None or not timedelta(0) <= now - known[1] < FRESH:
            return None
        return known[0]

    def remember_rotation(self, environment: str, rotation: Rotation, now: datetime) -> None:
        """Keep the history that the database has now."""
        self._rotations[environment] = (rotation, now)

    async def asked_once(
        self, program_id: int, ask: Callable[[], Coroutine[Any, Any, InForce | None]]
    ) -> InForce | None:
        """What `ask` gives; callers that want to know while it is being asked wait for the same answer."""
        asked = self._asked.get(program_id)
        if asked is None:
            asked = self._asked[program_id] = asyncio.ensure_future(ask())
            asked.add_done_callback(lambda done: self._answered(program_id, done))
        # A caller that gives up does not take the answer away from the others.
        return await asyncio.shield(asked)

    def _answered(self, program_id: int, done: asyncio.Future[InForce | None]) -> None:
        if self._asked.get(program_id) is done:
            del self._asked[program_id]

    def forget_program(self, program_id: int) -> None:
        """Look again at once: this process has just reset the credential, or erased a member."""
        self._in_force.pop(program_id, None)
        self._asked.pop(program_id, None)
