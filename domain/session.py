"""Sessions of members in apps and browsers: how long they last, and what their refresh tokens are made of."""

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from domain.crypto import KeyRing
from domain.errors import LoginBlocked
from domain.member_status import STATUS_NAMES, Operation, refusal_by_status

ACCESS_LIFE = timedelta(minutes=15)
REFRESH_LIFE = timedelta(days=30)
"""A session that is not used for so long is over."""
LONGEST_LIFE = timedelta(days=180)
"""After so long a member signs in again, however often the session was used."""
REPLAY = timedelta(minutes=5)
"""How long a lost answer can be had again with the key of its request."""
LINK_LIFE = timedelta(minutes=15)
MOST_SESSIONS = 50
"""Of a member; one more ends the oldest."""
REFRESH_PREFIX, LINK_PREFIX = "tr", "tl"

_TOKEN = re.compile(rf"{REFRESH_PREFIX}_([1-9][0-9]{{0,18}})\.(0|[1-9][0-9]{{0,9}})\.([A-Za-z0-9_-]{{43}})", re.ASCII)


class Method(StrEnum):
    """How a member signed in."""

    PASSWORD = "password"  # noqa: S105 - the name of a way
    CODE = "code"
    LINK = "link"


class End(StrEnum):
    """Why a session ended."""

    REVOKED = "revoked"
    REUSED = "reused"
    PASSWORD = "password"  # noqa: S105 - the name of a reason
    STATUS = "status"
    ADDRESS = "address"
    MERGED = "merged"
    CROWDED = "crowded"


ENDING_STATUSES = frozenset(
    status for status in STATUS_NAMES if refusal_by_status(Operation.LOGIN, status) not in {None, LoginBlocked}
)
"""In which no session is good. Login Blocked is not among them: whoever knows a reference can bring that about by
guessing at the password, and would sign the member out everywhere.
"""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """The token `number` of a session, 0 being the first. Its secret part is computed, and stored nowhere."""

    session_id: int
    number: int
    mac: str

    @property
    def text(self) -> str:
        """The token as an app keeps it."""
        return f"{REFRESH_PREFIX}_{self.session_id}.{self.number}.{self.mac}"

    def is_genuine(self, keys: KeyRing, program_id: int, salt: bytes) -> bool:
        """Whether this deployment made it, for this program."""
        return hmac.compare_digest(self.mac, _mac(keys, program_id, self.session_id, salt, self.number))


def refresh_token(keys: KeyRing, program_id: int, session_id: int, salt: bytes, number: int) -> RefreshToken:
    """The token of this number: the same text whenever it is asked for. `salt` is the session's own."""
    return RefreshToken(session_id, number, _mac(keys, program_id, session_id, salt, number))


def read_refresh_token(text: str) -> RefreshToken | None:
    """The token behind a text; None for what cannot be one."""
    found = _TOKEN.fullmatch(text)
    return found and RefreshToken(int(found[1]), int(found[2]), found[3])


def _mac(keys: KeyRing, program_id: int, session_id: int, salt: bytes, number: int) -> str:
    mac = keys.refresh_mac(str(program_id), str(session_id), salt.hex(), str(number))
    return urlsafe_b64encode(mac).decode().rstrip("=")
